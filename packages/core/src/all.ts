// What the other packages of this repository get of core: the public API, and what only they need. Users get index.ts, by
// the package flambeau.
export * from './index.ts'
/** The names of ops, which all are members of the public API. */
export type * as ops from './ops/index.ts'
/** A draw for augmentation: `distributions` would bring all the others into a page. */
export { sampleDirichlet } from './ops/random/families.ts'
export { setFallback } from './tensor/dispatch.ts'
export { registerDevice } from './tensor/device.ts'
export * as signatures from './tensor/signature.ts'

// The C++ kernels of flambeau as WebAssembly SIMD, for browsers, workers, Node, Deno and Bun.
export type { Exports } from './exports.ts'

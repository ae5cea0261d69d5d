// Looking inside a network: re-exports only.
export { deconvnet } from './deconvnet.ts'
export { type Activation, featureMaps, firstFilters, gramMatrix, strongest } from './features.ts'
export { type StrongestPatches, strongestPatches } from './patches.ts'
export { inputGradient, saliency } from './saliency.ts'
export { type StyleTransferOptions, styleTransfer } from './style.ts'

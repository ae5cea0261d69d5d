// Looking inside a network: re-exports only.
export { deconvnet } from './deconvnet.ts'
export { type Activation, featureMaps, firstFilters, gramMatrix, strongest } from './features.ts'
export { inputGradient, saliency } from './saliency.ts'

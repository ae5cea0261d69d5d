// The public API of @flambeau/vision: torchvision's namespaces, and `inspect`. Each is an entry point of its own too, for
// programs that want to load only that one.
export * as datasets from './datasets/index.ts'
export * as inspect from './inspect/index.ts'
export * as io from './io/index.ts'
export * as models from './models/index.ts'
export * as transforms from './transforms/index.ts'
export * as utils from './utils/index.ts'

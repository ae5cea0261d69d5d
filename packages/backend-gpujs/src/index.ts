// The gpu.js backend of flambeau: WebGL in browsers, headless GL in Node, and gpu.js's WebAssembly and CPU modes.
export type { Plan } from './plan.ts'

// Encodes instructions as words for C++ kernels (native/src/STREAM.md). A backend supplies memory, the batch that
// collects the words, and the host that runs them.
export { codeWords, compile, registers, steps } from './expression.ts'
export { ended, format, opcodes, reductions, routines } from './codes.ts'
export { encode, mayFail, workOf, writes } from './encode.ts'
export { fetched, kernels, unfetched } from './encode-composite.ts'
export { errorOf } from './errors.ts'
export { type Call, Calls } from './calls.ts'
export { Batch } from './batch.ts'
export { StreamBackend } from './backend.ts'
export { SlabBuffer } from './buffer.ts'
export type { Arena, Handle, Host, Runner, Shared } from './host.ts'
export { compileProgram } from './program.ts'
export { placeWords, type Writer } from './words.ts'

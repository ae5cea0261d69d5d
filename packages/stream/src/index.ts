// Instructions as the words that kernels in C++ are told by (native/src/STREAM.md): for a host in Node, an addon, and for
// one in a browser, WebAssembly. A backend brings the host, a place for words that wait, and memory.
export { codeWords, compile, registers, steps } from './expression.ts'
export { ended, format, opcodes, reductions } from './codes.ts'
export { encode, mayFail, workOf, writes } from './encode.ts'
export { fused, kernels } from './encode-composite.ts'
export { errorOf } from './errors.ts'
export { type Form, Forms } from './forms.ts'
export { addressOf, type Handle, type Host, type Runner } from './host.ts'
export { compileProgram } from './program.ts'
export { placeWords, type Writer } from './words.ts'

// Runs a program of the C++ tests under Node's WASI: `node --no-turbo-fast-api-calls tools/wasi.mjs FILE [ARGUMENT...]`.
// With fast calls, Node 20 collects garbage within calls to WASI, and crashes.
import { readFileSync } from 'node:fs'
import { argv } from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { WASI } from 'node:wasi'

const [file, ...args] = argv.slice(2)
const bytes = readFileSync(file)
if (!WebAssembly.validate(bytes)) setFlagsFromString('--experimental-wasm-relaxed-simd')
const wasi = new WASI({ version: 'preview1', args: [file, ...args], env: {}, returnOnExit: true })
const flambeau = {
  outOfMemory: () => {
    throw new RangeError('there is no more memory')
  },
}
const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { ...wasi.getImportObject(), flambeau })
process.exitCode = wasi.start(instance)

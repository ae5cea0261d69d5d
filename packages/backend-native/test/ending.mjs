// Ends workers while other threads run their programs, sooner or later after the start of a run. It runs in a process
// of its own, because a mistake there kills the process.
//   node ending.mjs ADDON
import { argv } from 'node:process'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

const sharedWords = (length) => new Int32Array(new SharedArrayBuffer(4 * length))
const sharedNumbers = (length) => new Float64Array(new SharedArrayBuffer(8 * length))

if (isMainThread) {
  for (let delay = 0; delay < 8; delay++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: argv[2] })
    await new Promise((resolve) => worker.once('message', resolve))
    await new Promise((resolve) => setTimeout(resolve, 2 * delay))
    await worker.terminate()
  }
  process.stdout.write('ended')
} else {
  const loaded = { exports: {} }
  process.dlopen(loaded, workerData)
  const addon = loaded.exports
  const n = 1 << 20
  const target = new Int32Array(n)
  // An iota over row 0.
  const program = addon.program(Int32Array.of(9, 11, 0, 1, n, 1, 0, 0, n, 0, 2), 1, 1)
  const rows = sharedNumbers(3)
  rows.set([addon.address(target), target.byteLength])
  addon.bind(program, rows, sharedNumbers(1), 0)
  addon.open(sharedWords(8), sharedNumbers(2), sharedNumbers(1), sharedWords(4))
  const done = addon.runAsync(program, 100)
  parentPort.postMessage('started')
  await done
  addon.runAsync(program, 100)
}

// ONNX Runtime, which runs networks that others have trained: `node serve.js onnxruntime.mjs PYTHON`. PyTorch exports the
// network from the same numbers (torch/export.py), as a user would, before anything is timed.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InferenceSession, Tensor } from 'onnxruntime-node'

const [python] = process.argv.slice(3)
const script = fileURLToPath(new URL('../torch/export.py', import.meta.url))

async function exported(numbers, options) {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-onnx-'))
  const file = join(folder, 'model.onnx')
  try {
    const stored = Object.entries(numbers).map(([key, { stored }]) => [key, stored])
    const input = JSON.stringify(Object.fromEntries(stored))
    execFileSync(python, [script, file], { input, stdio: ['pipe', 'ignore', 'pipe'] })
    return await InferenceSession.create(file, options)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const workloads = {
  async resnet18(numbers) {
    const threads = Number(process.env.OMP_NUM_THREADS)
    const session = await exported(numbers, { intraOpNumThreads: threads, interOpNumThreads: 1 })
    const { data, shape } = numbers.x
    const feeds = { [session.inputNames[0]]: new Tensor('float32', data, shape) }
    return {
      step: () => session.run(feeds),
      settle: (last) => last,
      results: (last) => [last[session.outputNames[0]].data],
    }
  },
}

export const load = (name, numbers) =>
  workloads[name]?.(numbers) ?? { cannot: 'it does not train; only ResNet-18 is exported for it' }

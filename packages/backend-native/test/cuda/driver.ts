// The driver library for tests, which interprets PTX: tests of CUDA need it and the addon, and no GPU.
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { useFakeCuda } from '../../../../tools/test/machine.ts'
import type { CudaAddon, Opened } from '../../src/cuda/addon.ts'
import { CudaBackend } from '../../src/cuda/index.ts'
import { loadCuda } from '../../src/cuda/loader.ts'

export { cudaMissing } from '../../../../tools/test/machine.ts'

useFakeCuda()
// Buffers end where their elements do, so that the driver finds accesses beyond them.
process.env.FLAMBEAU_CUDA_CACHING ??= '0'

// The folder where `node tools/cuda.mjs test` collects what ran.
const folder = process.env.FLAMBEAU_CUDA_COVERAGE
if (folder !== undefined) {
  mkdirSync(join(folder, 'texts'), { recursive: true })
  process.env.FAKECUDA_COVERAGE = join(folder, 'lines.jsonl')
  process.env.FAKECUDA_TEXTS = join(folder, 'texts')
  // vitest ends its processes by a signal, so what ran is written before: whenever a device is asked for its memory.
  const [{ afterAll }, { openCuda }] = await Promise.all([import('vitest'), import('../../src/cuda/index.ts')])
  afterAll(() => void openCuda(0).gpu.memory())
}

interface Outcome {
  readonly result?: unknown
  readonly error?: string
}

/** Runs a case of child.mjs in a process of its own, with memory as users have it. */
export function outcome(name: string, device: string, environment: Readonly<Record<string, string>> = {}): Outcome {
  const file = fileURLToPath(new URL('child.mjs', import.meta.url))
  const env = { ...process.env, FLAMBEAU_CUDA_CACHING: '1', ...environment }
  return JSON.parse(execFileSync(process.execPath, [file, name, device], { env, encoding: 'utf8' }))
}

/** The first device, by an addon whose calls a test watches. */
export function openBy(watched: (addon: CudaAddon) => CudaAddon): CudaBackend {
  const { addon, texts } = loadCuda()
  const own = watched(addon)
  const opened = own.open(process.env.FLAMBEAU_CUDA_DRIVER as string) as Extract<Opened, { failure?: undefined }>
  const handle = own.device(0)
  if (typeof handle === 'number') throw new Error(`no device: ${handle}`)
  return new CudaBackend(own, handle, 0, { ...opened.devices[0], driver: opened.version }, texts)
}

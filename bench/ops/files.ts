// Reading a safetensors file of 100 MB, beside reading its bytes: the speed, in turn in one process, and the peak memory
// by the kernel's count of its pages, in another. Each device has processes of its own, because native keeps freed memory
// for everybody. The file is in the system's cache, so a disk is not timed.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { load, ones, save, setDevice } from 'flambeau'
import { report, type Row } from '../src/report.ts'

const highWater = (): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024

/** The least milliseconds of each way to read. */
async function fastest(path: string): Promise<Record<string, number>> {
  const ways: Record<string, () => unknown> = {
    readFileSync: () => readFileSync(path),
    readFile: () => readFile(path),
    load: () => load(path),
  }
  const best: Record<string, number> = {}
  for (let round = 0; round < 40; round++) {
    for (const [name, read] of Object.entries(ways)) {
      const start = performance.now()
      await read()
      best[name] = Math.min(best[name] ?? Number.POSITIVE_INFINITY, performance.now() - start)
    }
  }
  return best
}

/** The bytes that a process takes beyond those of its imports. */
async function peak(path: string): Promise<number> {
  const before = highWater()
  const loaded = await load(path)
  return loaded === null ? Number.NaN : highWater() - before
}

const [, script, task, file, device = 'js'] = process.argv
if (task === 'fastest' || task === 'peak') {
  await setDevice(device)
  console.log(JSON.stringify(await (task === 'peak' ? peak(file) : fastest(file))))
} else {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-files-'))
  const rows: Row[] = []
  const absent: string[] = []
  try {
    const path = join(folder, 'model.safetensors')
    // One large tensor, and many of the size of a layer.
    const layers = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`layer${i}`, ones(100_000)]))
    await save({ embedding: ones(15_000_000), ...layers }, path)
    const { size } = statSync(path)
    for (const name of ['js', 'native']) {
      try {
        await setDevice(name)
      } catch (error) {
        absent.push(`${name} is absent: ${(error as Error).message}`)
        continue
      }
      const child = <T>(asked: string): T =>
        JSON.parse(
          execFileSync(process.execPath, [script ?? fileURLToPath(import.meta.url), asked, path, name]).toString(),
        )
      const ms = child<Record<'readFileSync' | 'readFile' | 'load', number>>('fastest')
      const way = ms.readFile < ms.readFileSync ? 'readFile' : 'readFileSync'
      rows.push({
        what: `a safetensors file of ${(size / 1e6).toFixed(0)} MB read, beside its bytes, ${name}`,
        value: ms[way] / ms.load,
        unit: 'x',
        note: `${ms.load.toFixed(1)} ms, and ${ms[way].toFixed(1)} ms by ${way}`,
        atLeast: 0.8,
      })
      const taken = child<number>('peak')
      rows.push({
        what: `its peak memory beyond the imports, beside its size, ${name}`,
        value: taken / size,
        unit: 'x',
        note: `${(taken / 1e6).toFixed(1)} MB`,
        atMost: 1.1,
      })
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  report(rows, absent)
}

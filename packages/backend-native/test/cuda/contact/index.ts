// The program of the first contact (node contact.mjs): runs every step in a process of its own with a limit, also when one
// before failed, and writes the report. With `--step`, it is such a process.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { cudaDevices } from '../../../src/cuda/index.ts'
import { compute } from './numbers.ts'
import { load, runCells, runStep, steps, trained } from './steps.ts'
import type { Finding, Setting, Share, Step } from './step.ts'

const program = fileURLToPath(import.meta.url)
const home = join(dirname(program), '..')
/** Of all steps together on a GPU, in seconds. */
const budget = 590
/** How many times as long they may take on an interpreter. */
const patience = 30

interface Outcome extends Finding {
  readonly name: string
  readonly about: string
  readonly seconds: number
}

/** The name of the device, asked by another process, because a driver can take its process along; '' if there is none. */
function deviceName(): string {
  const { stdout } = spawnSync(process.execPath, [program, '--name', 'device'], { encoding: 'utf8', timeout: 60_000 })
  return stdout?.trim() ?? ''
}

function runAlone(step: Step, setting: Setting, folder: string): Promise<Outcome> {
  const file = join(folder, `${step.name}.json`)
  const start = performance.now()
  return new Promise((done) => {
    const args = ['--expose-gc', program, '--step', step.name, '--file', file, '--setting', JSON.stringify(setting)]
    // A group of its own, which ends together.
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    const end = (): void => void process.kill(-(child.pid as number), 'SIGKILL')
    const interrupted = (): void => {
      end()
      process.exit(1)
    }
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted)
    let said = ''
    const hear = (chunk: Buffer): void => void (said = (said + String(chunk)).slice(-2000))
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    let late = false
    const timer = setTimeout(() => {
      late = true
      end()
    }, 1000 * setting.seconds)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted)
      const seconds = (performance.now() - start) / 1000
      let finding: Finding
      try {
        finding = JSON.parse(readFileSync(file, 'utf8'))
      } catch {
        const how = late ? `it was stopped after ${setting.seconds.toFixed(0)} s` : `it ended with ${code ?? signal}`
        finding = { lines: [], faults: [`${how}: ${said.trim()}`] }
      }
      done({ name: step.name, about: step.about, seconds, ...finding })
    })
  })
}

const verdict = ({ faults, skipped }: Outcome): string =>
  faults.length > 0 ? 'FAIL' : skipped !== undefined ? 'skipped' : 'pass'

function markdownOf(outcomes: readonly Outcome[], setting: Setting, tested: string): string {
  const passed = outcomes.every(({ faults }) => faults.length === 0)
  return [
    `# First contact: ${passed ? 'pass' : 'FAIL'}`,
    '',
    `${new Date().toISOString().slice(0, 10)}, ${tested}, ${setting.scale === 1 ? 'full counts' : `${setting.scale} of the full counts`}.`,
    ...(setting.interpreted
      ? [`It is an interpreter: steps may take ${patience} times as long as on a GPU, and what is timed is small.`]
      : []),
    '',
    '| step | | s |',
    '|---|---|---:|',
    ...outcomes.map((each) => `| ${each.name}: ${each.about} | ${verdict(each)} | ${each.seconds.toFixed(1)} |`),
    ...outcomes.flatMap((each) => [
      '',
      `## ${each.name}`,
      '',
      ...(each.skipped === undefined ? [] : [`Skipped: ${each.skipped}.`, '']),
      ...each.lines.map((line) => (line.startsWith('|') || line === '' ? line : `- ${line}`)),
      ...each.faults.map((text) => `- **FAIL**: ${text}`),
    ]),
    '',
  ].join('\n')
}

async function contact(options: { scale: number; out: string; only: string[]; blas: string }): Promise<boolean> {
  const { scale, out, only, blas } = options
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-contact-'))
  const outcomes: Outcome[] = []
  const name = deviceName()
  const interpreted = name.includes('interpreter')
  const longer = interpreted ? patience : 1
  const end = Date.now() + 1000 * budget * longer
  const setting: Setting = {
    scale,
    interpreted,
    interpreter: join(home, 'fake', 'libcuda.so.1'),
    blas,
    script: join(home, 'bench', 'cuda.py'),
    program,
    seconds: 0,
  }
  try {
    for (const step of steps.filter(({ name }) => only.length === 0 || only.includes(name))) {
      const seconds = Math.max(1, Math.min(step.limit * longer, (end - Date.now()) / 1000))
      const outcome = await runAlone(step, { ...setting, seconds }, folder)
      outcomes.push(outcome)
      process.stderr.write(`${verdict(outcome).padEnd(8)}${step.name}, ${outcome.seconds.toFixed(1)} s\n`)
      for (const fault of outcome.faults) process.stderr.write(`        ${fault.split('\n')[0]}\n`)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  const by = process.env.FLAMBEAU_CUDA_DRIVER === undefined ? '' : ` by ${process.env.FLAMBEAU_CUDA_DRIVER}`
  const tested = `${name || 'no device'}${by}`
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, 'report.md'), markdownOf(outcomes, setting, tested))
  writeFileSync(
    join(out, 'report.json'),
    `${JSON.stringify({ date: new Date().toISOString(), tested, scale, outcomes }, null, 1)}\n`,
  )
  process.stderr.write(`${join(out, 'report.md')}\n`)
  return outcomes.length > 0 && outcomes.every(({ faults }) => faults.length === 0)
}

const text = { type: 'string' } as const

async function main(): Promise<void> {
  if (!isMainThread) return void parentPort?.postMessage(trained((workerData as { steps: number }).steps))
  const { values } = parseArgs({
    options: {
      step: text,
      file: text,
      compute: text,
      cells: text,
      share: text,
      load: text,
      name: text,
      setting: text,
      scale: text,
      out: text,
      only: text,
      blas: text,
      help: { type: 'boolean' },
    },
  })
  if (values.help) {
    process.stdout.write(
      'contact [--scale 1] [--out report] [--only driver,numbers] [--blas cublas]    tests flambeau on this GPU, and writes a report\n',
    )
    return
  }
  const setting = JSON.parse(values.setting ?? '{}') as Setting
  const share = JSON.parse(values.share ?? '{"part":0,"of":1}') as Share
  if (values.step !== undefined) await runStep(values.step, setting, values.file as string)
  else if (values.compute !== undefined) compute(values.compute, setting, share)
  else if (values.cells !== undefined) await runCells(values.cells, setting, share)
  else if (values.load !== undefined) process.stdout.write(`${load()}\n`)
  else if (values.name !== undefined) process.stdout.write(`${cudaDevices()[0]?.name ?? ''}\n`)
  else {
    const scale = Number(values.scale ?? 1)
    if (!(scale > 0 && scale <= 1)) throw new Error('the scale is above 0, and 1 at most')
    const only = (values.only ?? '').split(',').filter(Boolean)
    const unknown = only.find((name) => !steps.some((step) => step.name === name))
    if (unknown !== undefined)
      throw new Error(`there is no step ${unknown}: ${steps.map(({ name }) => name).join(', ')}`)
    const passed = await contact({ scale, out: resolve(values.out ?? 'report'), only, blas: values.blas ?? 'cublas' })
    process.exit(passed ? 0 : 1)
  }
  process.exit(0)
}

await main()

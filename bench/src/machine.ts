// Describes the machine of a measurement, and how busy it was with other work.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem, type } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { torchVersion } from './torch.ts'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memory: string
  readonly os: string
  readonly node: string
  readonly v8: string
  readonly pytorch: string
  readonly commit: string
}

const distribution = (): string => {
  try {
    return /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? ''
  } catch {
    return ''
  }
}

/** Virtual machines hide the processor's name; family and model say more. */
const processor = (): string => {
  const [{ model }] = cpus()
  try {
    const info = readFileSync('/proc/cpuinfo', 'utf8')
    const field = (name: string): string => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(info)?.[1] ?? '?'
    const vectors = ['avx512f', 'avx2', 'avx'].find((flag) => field('flags').split(' ').includes(flag)) ?? 'no AVX'
    return `${model} (family ${field('cpu family')}, model ${field('model')}, ${field('cache size')} cache, ${vectors})`
  } catch {
    return model
  }
}

const commit = (): string => {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe' }).trim()
  try {
    const changed = git('status', '--porcelain', '--', ':/packages', ':/bench', ':(exclude,top)bench/results')
    return git('rev-parse', '--short', 'HEAD') + (changed === '' ? '' : ' with changes')
  } catch {
    return 'unknown'
  }
}

export const describeMachine = (): Machine => ({
  cpu: processor(),
  cores: cpus().length,
  memory: `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
  os: `${type()} ${release()} ${distribution()}`.trim(),
  node: process.version,
  v8: process.versions.v8,
  pytorch: torchVersion() ?? 'absent',
  commit: commit(),
})

/** The share of all cores that is busy while this process sleeps. */
export async function busyShare(ms = 1000): Promise<number> {
  const sum = (): { idle: number; all: number } => {
    let idle = 0
    let all = 0
    for (const { times } of cpus()) {
      idle += times.idle
      all += times.user + times.nice + times.sys + times.irq + times.idle
    }
    return { idle, all }
  }
  const before = sum()
  await setTimeout(ms)
  const after = sum()
  return 1 - (after.idle - before.idle) / (after.all - before.all)
}

/** Below this share the machine counts as idle. */
export const quiet = 0.05

/** Waits until the machine is idle, at most `seconds`; returns the last busy share. */
export async function untilQuiet(seconds: number): Promise<number> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const busy = await busyShare()
    if (busy < quiet || Date.now() > end) return busy
  }
}

export const load = (): string =>
  loadavg()
    .map((x) => x.toFixed(2))
    .join(' ')

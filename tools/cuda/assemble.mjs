// Compiles texts by ptxas for every generation of GPUs: those that nvcc made, with what their kernels may take of
// registers and spill, and those of random expressions, many in one file because ptxas takes most of its time to start.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { node, run } from '../lib.mjs'
import { partsOf, ptxOf, sources } from '../ptx.mjs'

/** From compute capability 7.5 (Turing) to 12.0 (Blackwell). */
export const targets = ['sm_75', 'sm_80', 'sm_86', 'sm_89', 'sm_90', 'sm_100', 'sm_120']

/** The registers of a multiprocessor, of every generation. */
const all = 65536
/** Threads of a block, if the text does not say. */
const threads = 256

const ptxas = (target, file) => run('ptxas', ['-v', `-arch=${target}`, '-c', '-o', '/dev/null', file])

/** What ptxas -v says of each kernel. */
function usesOf(output) {
  const uses = []
  for (const [, name, stores, loads, registers] of output.matchAll(
    /Compiling entry function '(\w+)'[\s\S]*?(\d+) bytes spill stores, (\d+) bytes spill loads[\s\S]*?Used (\d+) registers/g,
  ))
    uses.push({ name, spilled: Number(stores) + Number(loads), registers: Number(registers) })
  return uses
}

/** At most as many jobs at once as there are processors. */
async function inTurn(jobs) {
  const results = []
  const queue = jobs.entries()
  const work = async () => {
    for (const [i, job] of queue) results[i] = await job()
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return results
}

/** The faults of committed texts: what does not compile, spills, or takes more registers than a block has. */
export async function assembleCommitted() {
  const faults = []
  const kernels = new Map()
  const jobs = sources().flatMap((source) => {
    const file = ptxOf(source)
    const text = readFileSync(file, 'utf8')
    const lanes = new Map(
      [...text.matchAll(/\.entry (\w+)\([\s\S]*?\)\s*(?:\.maxntid (\d+)[^{]*)?\{/g)].map(([, name, n]) => [
        name,
        Number(n ?? threads),
      ]),
    )
    return targets.map((target) => async () => {
      const { code, output } = await ptxas(target, file)
      if (code !== 0) faults.push(`${basename(file)}, ${target}: ${output.trimEnd()}`)
      const uses = usesOf(output)
      if (code === 0 && uses.length !== lanes.size)
        faults.push(`${basename(file)}, ${target}: ptxas says nothing of a kernel`)
      for (const { name, spilled, registers } of uses) {
        kernels.set(name, Math.max(registers, kernels.get(name) ?? 0))
        const most = Math.floor(all / (lanes.get(name) ?? threads))
        if (spilled > 0) faults.push(`${name}, ${target}: ${spilled} bytes are spilled`)
        if (registers > most)
          faults.push(`${name}, ${target}: ${registers} registers, and a block has ${most} for a thread`)
      }
    })
  })
  await inTurn(jobs)
  return { faults, kernels: [...kernels].map(([name, registers]) => ({ name, registers })) }
}

/** Kernels of a file; more take longer than they save. */
const together = 100

/** Files with many texts: the functions of all once, and kernels under names of their own. */
export function* batches(texts, prelude) {
  const head = '.version 6.3\n.target sm_75\n.address_size 64\n'
  for (let from = 0; from < texts.length; from += together) {
    const kernels = texts.slice(from, from + together).map((text, i) => {
      const kernel = partsOf(text).filter(({ text }) => text.includes('.entry'))
      return kernel.map(({ text }) => text.replace(/(\.entry )(\w+)/, `$1$2_${i}`)).join('')
    })
    yield head + prelude + kernels.join('')
  }
}

/** The faults of the texts of random expressions, which the tests write (packages/backend-native/test/cuda/random.test.ts). */
export async function assembleRandom(count) {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-texts-'))
  try {
    const file = 'packages/backend-native/test/cuda/random.test.ts'
    const env = { FLAMBEAU_CUDA_RANDOM: String(count), FLAMBEAU_CUDA_COVERAGE: folder }
    const args = ['run', file, '-t', 'random expressions']
    const { code, output } = await node('node_modules/vitest/vitest.mjs', args, { extraEnv: env })
    if (code !== 0) return { texts: 0, faults: [output] }
    const names = readdirSync(join(folder, 'texts')).filter((name) => name.endsWith('.ptx'))
    const texts = names.map((name) => readFileSync(join(folder, 'texts', name), 'utf8'))
    const faults = []
    const prelude = partsOf(readFileSync(ptxOf(sources()[0]), 'utf8'))
    const jobs = [...batches(texts, prelude.map(({ text }) => text).join(''))].flatMap((text, i) => {
      const batch = join(folder, `batch${i}.ptx`)
      writeFileSync(batch, text)
      return targets.map((target) => async () => {
        const { code, output } = await run('ptxas', [`-arch=${target}`, '-c', '-o', '/dev/null', batch])
        if (code !== 0) faults.push(`${target}: ${output.slice(0, 2000)}`)
      })
    })
    await inTurn(jobs)
    return { texts: texts.length, faults }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

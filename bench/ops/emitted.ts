// Compiled steps on wasm: with WebAssembly written for their expressions, and interpreted, beside js and native. Small
// steps, one call and many in one call, and chains of cheap operations.
import { wasm } from '@flambeau/backend-wasm'
import { compile, randn, setDevice, type Tensor, useDevice } from 'flambeau'
import { measure, type Sample, timed } from '../src/harness.ts'
import { workloadNamed } from '../workloads/index.ts'

type Device = () => Promise<unknown>
const on =
  (emit: boolean): Device =>
  async () =>
    useDevice(await wasm({ emit }))
const devices: Readonly<Record<string, Device>> = {
  js: () => setDevice('js'),
  interpreted: on(false),
  emitted: on(true),
  native: () => setDevice('native'),
}

const names = ['scalar-graph', 'boston', 'boston-mlp', 'breast-cancer', 'mlp', 'activation', 'cross-entropy', 'sum-0']
const chains = [1000, 16_384, 1_000_000]

/** A compiled step of each kind on the current device. */
const chainOf = (n: number): (() => unknown) => {
  const x = randn(n)
  return compile((): Tensor => x.mul(1.5).add(0.5).mul(0.9).add(0.25).relu().mul(x))
}

const asked = process.argv.slice(2)
for (const name of [...names, ...chains.map((n) => `chain-${n}`)]) {
  if (asked.length > 0 && !asked.includes(name)) continue
  const subjects: Record<string, Sample> = {}
  for (const [device, use] of Object.entries(devices)) {
    try {
      await use()
    } catch {
      continue
    }
    const length = /^chain-(\d+)$/.exec(name)?.[1]
    const workload = length === undefined ? workloadNamed(name) : undefined
    const program = workload === undefined ? undefined : await workload.program(await workload.inputs())
    const step = program === undefined ? chainOf(Number(length)) : compile(program.step)
    for (let i = 0; i < 4; i++) step()
    const often = timed((n) => {
      let last: unknown
      for (let i = 0; i < n; i++) last = step()
      return last
    })
    subjects[device] = async (n) => {
      await use()
      return often(n)
    }
    if (!('repeat' in step) || program === undefined || program.results === undefined) continue
    const many = timed((n) => (step as { repeat(n: number): unknown }).repeat(n))
    subjects[`${device}, repeated`] = async (n) => {
      await use()
      return many(n)
    }
  }
  const measured = await measure(subjects, { rounds: 21, sampleMs: 5, warmupMs: 100, budgetMs: 3000 })
  const texts = Object.keys(subjects).map((subject) => {
    const { min, median } = measured.statistics(subject)
    return `${subject} ${(min / 1000).toFixed(3)} (${(median / 1000).toFixed(3)})`
  })
  console.log(`${name}, µs, least (median): ${texts.join('; ')}`)
}

// A process that tries a fault in a kernel (tools/cuda/mutate.mjs), which the driver for tests puts there: it runs what uses
// that kernel, as its arguments name it, or everything, and sends how the fault was noticed.
import { type Tensor, useDevice } from '@flambeau/core'
import type { Backend } from '@flambeau/core/backend'
import { js } from '@flambeau/backend-js'
import { type Call, onBackend, onJs } from '../../../backend-gpujs/test/running.ts'
import { openCuda } from '../../src/cuda/index.ts'
import { steps } from './random.ts'
import { fewSizes, rows, tiled } from './sizes.ts'

interface Test {
  /** The kind of the instruction, or the name and dtype of a step. */
  readonly of: string
  readonly tolerance: number
  run(): readonly Tensor[]
}

/** A test that runs a call instead of ops. */
interface CallTest {
  readonly of: string
  readonly tolerance: number
  readonly call: Call
}

const tests: readonly (Test | CallTest)[] = [
  ...rows.flatMap(({ kind, tolerance = 0, also = [], run }) =>
    [...fewSizes, ...also].map((n, i) => ({ of: kind, tolerance, blocks: i % 2 === 1, run: () => run(n) })),
  ),
  ...tiled.map(({ run }) => ({ of: 'contract', tolerance: 0, run })),
  ...steps.map(({ name, call }) => ({
    of: name.replace(' of ', '_'),
    tolerance: name.endsWith('float64') ? 1e-14 : 5e-7,
    call,
  })),
]

type Numbers = readonly ArrayLike<number>[]
const reference = js()
const wanted = new Map<Test | CallTest, Numbers>()

const on = (backend: Backend, test: Test | CallTest): Numbers => {
  useDevice(backend)
  if ('call' in test) return backend === reference ? onJs(test.call) : onBackend(backend, test.call)
  return test.run().map((x) => x.toArray())
}

function isSame(test: Test | CallTest, device: Backend): boolean {
  const expected = wanted.get(test) ?? on(reference, test)
  wanted.set(test, expected)
  const isNear = (x: number, y: number): boolean =>
    Object.is(x, y) || Math.abs(x - y) <= test.tolerance * Math.max(1, Math.abs(y))
  return on(device, test).every((values, k) => {
    const other = expected[k]
    return (
      values.length === other.length &&
      Array.prototype.every.call(values, (x: number, i: number) => isNear(x, other[i]))
    )
  })
}

const of = process.argv.slice(2)
let outcome = 'alive'
try {
  const device = openCuda(0)
  for (const [i, test] of tests.filter((each) => of.length === 0 || of.includes(each.of)).entries()) {
    if (i % 2 === 1) process.env.FAKECUDA_BLOCKS = '1'
    else delete process.env.FAKECUDA_BLOCKS
    if (!isSame(test, device)) {
      outcome = 'value'
      break
    }
  }
} catch (error) {
  outcome = /ptx line|PTX/i.test((error as Error).message) ? 'refused' : 'error'
}
process.send?.(outcome)

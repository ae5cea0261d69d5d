// What is timed is the same work everywhere: every workload comes to PyTorch's result, eager and compiled.
import { createHash } from 'node:crypto'
import { compile, type Tensor } from 'flambeau'
import { describe, expect, test } from 'vitest'
import { generatedBy, runManyKernels } from '../src/kernels.ts'
import { type Program, type Result, resultsOf } from '../workloads/workload.ts'
import { inputsOf, nameOf, productNamed, programOf } from '../workloads/gemm.ts'
import { workloadNamed, workloads } from '../workloads/index.ts'

/** Those whose inputs and steps a test has time for. */
const small = workloads.filter(({ name }) => !/^(matmul-(512|1024)|(sum|mean|max)-\d)$/.test(name))

const after = (step: () => Result, n: number): Result => {
  let last = step()
  for (let i = 1; i < n; i++) last = step()
  return last
}

describe.each(small)('$name', (workload) => {
  const { inputs, program, expected, tolerance = 1e-4 } = workload

  test('comes to the result of PyTorch', async () => {
    const made = program(await inputs())
    const sum = resultsOf(made, after(made.step, expected.after))[0].sum().item()
    expect(Math.abs(sum - expected.sum)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(expected.sum)))
  })

  test('is bit for bit the same when compiled', async () => {
    const eager = program(await inputs())
    const other = program(await inputs())
    const compiled = compile(other.step)
    const steps = Math.max(4, Math.min(20, expected.after))
    const of = (made: Program, last: Result): string[] =>
      resultsOf(made, last).map((tensor) => createHash('sha256').update(tensor.toArray()).digest('hex'))
    expect(of(other, after(compiled, steps))).toEqual(of(eager, after(eager.step, steps)))
  })
})

test('workloads have names of their own, and an unknown one names them', () => {
  const names = workloads.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(workloadNamed('boston').id).toBe('W1')
  expect(() => workloadNamed('bostom', ['import'])).toThrow(/nothing is called bostom; there are boston,.*, import$/)
})

test.each(['nn', 'nt', 'tn'] as const)('a product is known by its name, and multiplies what lies %s', (turned) => {
  const product = { dtype: 'float64', turned, m: 3, k: 4, n: 2 } as const
  expect(productNamed(nameOf(product))).toEqual(product)
  const { a, b } = inputsOf(product)()
  const [left, right] = [turned === 'tn' ? a.t() : a, turned === 'nt' ? b.t() : b].map((x) => x.to('float64'))
  const found = programOf(product)({ a, b }).step() as Tensor
  expect(found.dtype).toBe('float64')
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 2; j++)
      expect(found.at(i, j).item()).toBeCloseTo(left.select(0, i).mul(right.select(1, j)).sum().item(), 12)
})

test('many kernels are many', () => {
  const generated = generatedBy(() => void runManyKernels(['float32', 'float64', 'int32']))
  expect(generated).toBeGreaterThan(200)
  expect(generatedBy(() => void runManyKernels(['float32', 'float64', 'int32']))).toBe(0)
})

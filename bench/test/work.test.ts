// The timed work is the same everywhere: every workload gives PyTorch's result, eager and compiled.
import { createHash } from 'node:crypto'
import { compile, type Tensor } from 'flambeau'
import { describe, expect, test } from 'vitest'
import { generatedBy, runManyKernels } from '../src/kernels.ts'
import { type Program, type Result, resultsOf } from '../workloads/workload.ts'
import { inputsOf, nameOf, productNamed, programOf } from '../workloads/gemm.ts'
import { workloadNamed, workloads } from '../workloads/index.ts'

/** Workloads whose inputs and steps are small enough for a test. */
const small = workloads.filter(({ name }) => !/^(matmul-(512|1024)|(sum|mean|max)-\d|resnet\d+)$/.test(name))

const after = (step: () => Result, n: number): Result => {
  let last = step()
  for (let i = 1; i < n; i++) last = step()
  return last
}

describe.each(small)('$name', (workload) => {
  const { inputs, program, expected, tolerance = 1e-4 } = workload

  test('gives the result of PyTorch', async () => {
    const made = await program(await inputs())
    const sum = resultsOf(made, after(made.step, expected.after))[0].sum().item()
    expect(Math.abs(sum - expected.sum)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(expected.sum)))
  })

  test('gives the same bits when compiled', async () => {
    const eager = await program(await inputs())
    const other = await program(await inputs())
    const compiled = compile(other.step)
    const steps = Math.max(4, Math.min(20, expected.after))
    const of = (made: Program, last: Result): string[] =>
      resultsOf(made, last).map((tensor) => createHash('sha256').update(tensor.toArray()).digest('hex'))
    expect(of(other, after(compiled, steps))).toEqual(of(eager, after(eager.step, steps)))
  })
})

test('workload names are unique, and an unknown name lists them', () => {
  const names = workloads.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(workloadNamed('boston').id).toBe('W1')
  expect(() => workloadNamed('bostom', ['import'])).toThrow(/nothing is called bostom; there are boston,.*, import$/)
})

test.each(['nn', 'nt', 'tn'] as const)('a product is found by its name in layout %s', (turned) => {
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

test('runManyKernels generates hundreds of kernels', () => {
  const generated = generatedBy(() => void runManyKernels(['float32', 'float64', 'int32']))
  expect(generated).toBeGreaterThan(200)
  expect(generatedBy(() => void runManyKernels(['float32', 'float64', 'int32']))).toBe(0)
})

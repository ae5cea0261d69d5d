// Floors compute what flambeau computes for the same workload.
import { tensor } from 'flambeau'
import { describe, expect, test } from 'vitest'
import { floors, load, unrounded } from '../floors/index.ts'
import { exp, log, tanh } from '../floors/lib.ts'
import { difference } from '../src/race.ts'
import type { Numbers } from '../src/answering.ts'
import { workloadNamed } from '../workloads/index.ts'
import { type Inputs, resultsOf } from '../workloads/workload.ts'

const small = Object.keys(floors).filter((name) => !/^(matmul-(512|1024)|(sum|mean|max)-\d)$/.test(name))

const numbersOf = (inputs: Inputs): Record<string, Numbers> =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, x]) => [
      name,
      { data: x.toArray() as Float32Array | Int32Array, shape: [...x.shape] },
    ]),
  )

const arrays = (results: readonly ArrayLike<number>[]): Float32Array[] => results.map((x) => new Float32Array(x))

const all = { ...floors, 'activation unrounded': unrounded.activation }

describe.each([...small, 'activation unrounded'])('%s', (name) => {
  test('computes what flambeau computes', async () => {
    const { inputs, program, tolerance = 1e-4 } = workloadNamed(name.split(' ')[0])
    const given = await inputs()
    const numbers = numbersOf(given)
    const bytes = () => Object.values(numbers).map(({ data }) => Buffer.from(data.buffer).toString('latin1'))
    const before = bytes()
    const floor = all[name as keyof typeof all](numbers)
    const on = await program(given)
    let [last, expected] = [floor.step(), on.step()]
    for (let i = 1; i < 5; i++) [last, expected] = [floor.step(), on.step()]
    const reference = resultsOf(on, expected).map((x) => x.toArray() as Float32Array)
    expect(difference(arrays(floor.results(last)), reference, tolerance)).toBeUndefined()
    expect(bytes().every((text, i) => text === before[i])).toBe(true)
  })
})

const { NaN: nan, POSITIVE_INFINITY: inf } = Number

describe.each(['sum', 'mean', 'max'])('%s', (name) => {
  test.each([0, 1, 2])('over axis %i they compute what flambeau computes, NaN and infinities included', (dim) => {
    const shape = [19, 4, 3]
    const values = Array.from({ length: 19 * 4 * 3 }, (_, i) => ((i * 37) % 101) - 50)
    for (const [at, value] of [nan, inf, -inf, -0].entries()) values[at * 50 + 7] = value
    const x = tensor(values).view(...shape)
    const floor = floors[`${name}-${dim}`]({ x: { data: Float32Array.from(values), shape } })
    const [out] = arrays(floor.results(floor.step()))
    const expected = name === 'sum' ? x.sum(dim) : name === 'mean' ? x.mean(dim) : x.amax(dim)
    expect(out).toEqual(expected.toArray())
  })
})

test('their functions are good to float32', () => {
  for (let x = -20; x < 20; x += 0.0137) {
    expect(Math.abs(exp(x) / Math.exp(x) - 1)).toBeLessThan(1e-8)
    expect(Math.abs(tanh(x) / Math.tanh(x) - 1)).toBeLessThan(1e-8)
    expect(Math.abs(log(Math.exp(x)) - x)).toBeLessThan(1e-8)
  }
  expect(exp(100)).toBeGreaterThan(3.5e38)
  expect(exp(-1e9)).toBeLessThan(1e-45)
  expect(log(0)).toBeLessThan(-100)
})

test('a workload without a floor says so', () => {
  expect(load('operation', {})).toEqual({ cannot: 'no floor' })
})

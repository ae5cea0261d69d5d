// Runs cases and compares them with real PyTorch's results (tools/golden/autograd.py), by the same names: nested lists
// of tensors, nodes, texts, numbers, booleans and null, or an error's class and message.
import { readFileSync } from 'node:fs'
import { Tensor } from '@flambeau/core'
import { describe, expect, it } from 'vitest'

export interface GoldenTensor {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data: readonly (number | string)[]
}
export interface GoldenError {
  readonly error: string
  readonly message: string
}
export type Golden = GoldenTensor | GoldenError | string | number | boolean | null | readonly Golden[]

const file = new URL('./golden/autograd.json', import.meta.url)
export const golden: Readonly<Record<string, Readonly<Record<string, Golden>>>> = JSON.parse(readFileSync(file, 'utf8'))

export type Cases = Readonly<Record<string, () => unknown>>
/** Cases in which this project differs from PyTorch: the expected value is edited, and the name gives the reason. */
export type Differences = Readonly<Record<string, { readonly because: string; edit(expected: Golden): Golden }>>

const isError = (x: Golden): x is GoldenError => typeof x === 'object' && x !== null && 'error' in x
const isTensor = (x: Golden): x is GoldenTensor => typeof x === 'object' && x !== null && 'data' in x

const words: Record<string, number> = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity, '-0': -0 }
const numberOf = (x: number | string): number => (typeof x === 'string' ? words[x] : x)

/** The allowed difference from PyTorch: some last bits of the dtype. */
const tolerance = (dtype: string): number => (dtype === 'float32' ? 2e-6 : dtype === 'float64' ? 1e-12 : 0)

function near(actual: number, expected: number, relative: number): boolean {
  if (Object.is(actual, expected) || actual === expected) return true
  return Math.abs(actual - expected) <= relative * Math.max(Math.abs(expected), 1e-3)
}

export function compare(actual: unknown, expected: Golden, path = 'result'): void {
  if (Array.isArray(expected)) {
    const list = Array.isArray(actual) ? actual : [actual]
    expect(list.length, `${path}: how many`).toBe(expected.length)
    expected.forEach((item, i) => void compare(list[i], item, `${path}[${i}]`))
  } else if (isTensor(expected as Golden)) {
    const { dtype, shape, data } = expected as GoldenTensor
    const x = (Array.isArray(actual) && actual.length === 1 ? actual[0] : actual) as Tensor
    expect(x, path).toBeInstanceOf(Tensor)
    expect([x.dtype, ...x.shape], `${path}: dtype and shape`).toEqual([dtype, ...shape])
    const values = Array.from(x.detach().toArray())
    const wanted = data.map(numberOf)
    const wrong = wanted.findIndex((v, i) => !near(values[i], v, tolerance(dtype)))
    expect(wrong < 0 ? [] : values, `${path}, from element ${wrong}`).toEqual(wrong < 0 ? [] : wanted)
  } else {
    const name = (actual as { name?: unknown } | null)?.name
    expect(typeof expected === 'string' && typeof actual === 'object' ? name : actual, path).toEqual(expected)
  }
}

export function compareError(run: () => unknown, expected: GoldenError): void {
  let thrown: unknown = null
  try {
    run()
  } catch (error) {
    thrown = error
  }
  expect(thrown, `nothing was thrown, but PyTorch says: ${expected.message}`).toBeInstanceOf(Error)
  const { name, message } = thrown as Error
  const sentence = message.startsWith(expected.message) ? expected.message : message
  expect(`${name}: ${sentence}`).toBe(`${expected.error}: ${expected.message}`)
  // PyTorch's sentence first; the hint may follow on the next line.
  expect(['', '\n']).toContain(message.slice(expected.message.length, expected.message.length + 1))
}

/** Runs the cases of a section of the golden file. */
export function agrees(section: string, cases: Cases, differences: Differences = {}): void {
  describe(`${section}: as real PyTorch`, () => {
    it('the cases here and the golden cases are the same', () => {
      expect(Object.keys(cases).sort()).toEqual(Object.keys(golden[section]).sort())
      for (const name of Object.keys(differences)) expect(cases).toHaveProperty([name])
    })
    for (const [name, expected] of Object.entries(golden[section])) {
      const difference = differences[name]
      it(difference === undefined ? name : `${name} (other than PyTorch: ${difference.because})`, () => {
        const wanted = difference === undefined ? expected : difference.edit(expected)
        if (isError(wanted)) compareError(cases[name], wanted)
        else compare(cases[name](), wanted)
      })
    }
  })
}

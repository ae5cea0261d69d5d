// Common parts of the tests of layers, losses and optimizers: tensors from golden files, and comparison with them.
import { readFileSync } from 'node:fs'
import { type DType, nn, Tensor, tensor } from '@flambeau/core'
import { expect } from 'vitest'

export interface GoldenTensor {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly data: readonly (number | string)[]
}
export interface GoldenError {
  readonly error: string
  readonly message: string
}

export const readGolden = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`./golden/${name}.json`, import.meta.url), 'utf8'))

const words: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  '-0': -0,
}
const numbers = ({ data }: GoldenTensor): number[] => data.map((x) => (typeof x === 'string' ? words[x] : x))

export const isGolden = (x: unknown): x is GoldenTensor =>
  typeof x === 'object' && x !== null && 'dtype' in x && 'shape' in x && 'data' in x

export const made = (golden: GoldenTensor, requiresGrad = false): Tensor => {
  const x = tensor(numbers(golden), { dtype: golden.dtype })
    .reshape([...golden.shape])
    .clone()
  return requiresGrad ? x.setRequiresGrad(true) : x
}

/** Options of a golden record: creates its tensors, other values stay unchanged. */
export const optionsOf = (options: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(options).map(([key, value]) => [key, isGolden(value) ? made(value) : value]))

/** Compares dtype, shape and elements, the last within a relative and an absolute difference. */
export function expectClose(x: Tensor | null | undefined, golden: GoldenTensor, tolerance = 1e-6, label = ''): void {
  expect(x, label).toBeInstanceOf(Tensor)
  const { dtype, shape } = x as Tensor
  expect({ dtype, shape }, label).toEqual({ dtype: golden.dtype, shape: golden.shape })
  const found = Array.from((x as Tensor).detach().toArray())
  numbers(golden).forEach((wanted, i) => {
    const near = Object.is(found[i], wanted) || Math.abs(found[i] - wanted) <= tolerance * Math.max(1, Math.abs(wanted))
    if (!near) expect(found, `${label}: element ${i}`).toEqual(numbers(golden))
  })
}

/** The cotangent of tools/golden/train.py for output `k`. */
export const cotangent = (x: Tensor, k = 0): Tensor =>
  tensor(
    Array.from({ length: x.numel() }, (_, i) => (((i * 7 + k * 3 + 3) % 11) - 5) / 4),
    { dtype: x.dtype },
  ).reshape([...x.shape])

/** The error must have PyTorch's class, and PyTorch's sentence as its first line. */
export function expectError(fn: () => unknown, { error, message }: GoldenError): void {
  let thrown: unknown
  try {
    fn()
  } catch (e) {
    thrown = e
  }
  expect(thrown).toBeInstanceOf(Error)
  const { name, message: said } = thrown as Error
  expect({ name, message: `${said}\n`.startsWith(`${message}\n`) ? message : said }).toEqual({ name: error, message })
}

/** The bits of float32 elements in the golden files' format. */
export const bitsOf = (x: Tensor): string[] => {
  const view = new DataView(new ArrayBuffer(4))
  return Array.from(x.detach().toArray(), (value) => {
    view.setFloat32(0, value)
    return view.getUint32(0).toString(16).padStart(8, '0')
  })
}

export type Make = readonly [name: string, ...args: readonly unknown[]]
type Class = new (...args: never[]) => nn.Module

const isMake = (arg: unknown): arg is Make => Array.isArray(arg) && typeof arg[0] === 'string'

/** A module of a golden record: its class, and arguments, which may be modules, or options that hold them. */
export const makeModule = ([name, ...args]: Make): nn.Module => {
  const make = (nn as unknown as Readonly<Record<string, Class>>)[name]
  return new make(...(args.map(argument) as never[]))
}
const argument = (arg: unknown): unknown => {
  if (isMake(arg)) return makeModule(arg)
  if (typeof arg !== 'object' || arg === null || Array.isArray(arg)) return arg
  return Object.fromEntries(Object.entries(arg).map(([key, value]) => [key, isMake(value) ? makeModule(value) : value]))
}

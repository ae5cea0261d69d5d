// From data to calls: creates the tensors of a sample on the current device, in any layout, calls the op, and reads
// results and gradients back.
import * as core from '@flambeau/core'
import { F, grad, linalg, manualSeed, noGrad, Slice, special, Tensor, tensor } from '@flambeau/core'
import type { Result } from './compare.ts'
import { indices, numel } from './property.ts'
import { type Arg, cotangent, type DType, isTensorSpec, type Sample, type TensorSpec } from './sample.ts'

type Callable = (...args: unknown[]) => unknown
/** Memory layouts of an argument; all hold the same values. */
export type Memory = 'contiguous' | 'transposed' | 'sliced' | 'flipped'
export const memories: readonly Memory[] = ['contiguous', 'transposed', 'sliced', 'flipped']

const isFloat = (dtype: DType) => dtype === 'float32' || dtype === 'float64'

const fresh = (values: readonly number[], shape: readonly number[], dtype: DType): Tensor =>
  core.clone(core.reshape(tensor(values, { dtype }), [...shape]))

const rowMajor = (sizes: readonly number[]): number[] =>
  sizes.map((_, d) => sizes.slice(d + 1).reduce((step, size) => step * size, 1))

/** A tensor with these elements in such a layout, without a history. */
export const lay = (values: readonly number[], shape: readonly number[], dtype: DType, memory: Memory): Tensor =>
  noGrad(() => {
    if (memory === 'contiguous' || shape.length === 0 || numel(shape) === 0) return fresh(values, shape, dtype)
    // Sliced: every dimension is read from index 1 with step 2; the elements in between must never be read.
    const gap = memory === 'sliced' ? 2 : 1
    const start = memory === 'sliced' ? 1 : 0
    const sizes = shape.map((size) => gap * size + start)
    const stored = memory === 'transposed' ? [...sizes].reverse() : sizes
    const steps = memory === 'transposed' ? rowMajor(stored).reverse() : rowMajor(stored)
    const strides = steps.map((step) => (memory === 'flipped' ? -step : step) * gap)
    const first = memory === 'flipped' ? shape.map((size) => Math.max(size - 1, 0)) : shape.map(() => start)
    const offset = first.reduce((at, i, d) => at + i * steps[d], 0)
    const elements = new Array<number>(numel(sizes)).fill(dtype === 'bool' ? 1 : 77)
    indices(shape).forEach((index, i) => {
      elements[index.reduce((at, x, d) => at + x * strides[d], offset)] = values[i]
    })
    const base = fresh(elements, stored, dtype)
    return new Tensor(base.storage, [...shape], strides, offset, dtype)
  })

/** The same elements repeated along `dim` by a stride of 0. */
export const spread = (spec: TensorSpec, dim: number): Tensor =>
  noGrad(() => {
    const once = spec.shape.map((size, d) => (d === dim ? 1 : size))
    const values = indices(once).map((index) => (spec.values as readonly number[])[flatAt(index, spec.shape)])
    return core.expand(fresh(values, once, spec.dtype), [...spec.shape])
  })
const flatAt = (index: readonly number[], shape: readonly number[]) => index.reduce((n, i, d) => n * shape[d] + i, 0)

export type Make = (spec: TensorSpec, position: number) => Tensor
export const inMemory =
  (memory: Memory): Make =>
  (spec) =>
    lay(spec.values as readonly number[], spec.shape, spec.dtype, memory)

export interface Call {
  readonly args: readonly unknown[]
  /** The float tensors among the arguments, in order; those that want a gradient require it. */
  readonly leaves: readonly Tensor[]
}

/** The arguments of a sample as an op takes them. */
export const prepareCall = (sample: Pick<Sample, 'args' | 'kwargs'>, make: Make, wantGrad = true): Call => {
  const leaves: Tensor[] = []
  let position = 0
  const build = (arg: Arg | undefined): unknown => {
    if (isTensorSpec(arg)) {
      const made = make(arg, position++)
      if (!isFloat(arg.dtype)) return made
      const leaf = made.detach()
      if (arg.grad && wantGrad) leaf.requiresGrad = true
      leaves.push(leaf)
      return leaf
    }
    if (Array.isArray(arg)) return arg.map(build)
    if (arg === null || typeof arg !== 'object') return arg
    const { kind } = arg as { kind?: string }
    if (kind === 'slice') {
      const { start, stop, step } = arg as { start: number | null; stop: number | null; step: number | null }
      return Slice(start, stop, step)
    }
    if (kind === 'ellipsis') return '...'
    return Object.fromEntries(Object.entries(arg).map(([key, item]) => [key, build(item as Arg)]))
  }
  const args = sample.args.map(build)
  if (sample.kwargs) args.push(build(sample.kwargs as Arg))
  return { args, leaves }
}

/** The arguments with some tensors replaced. */
export const withTensors = (args: readonly unknown[], by: ReadonlyMap<unknown, Tensor>): unknown[] => {
  const put = (arg: unknown): unknown => {
    if (by.has(arg)) return by.get(arg)
    if (Array.isArray(arg)) return arg.map(put)
    if (arg === null || typeof arg !== 'object' || Object.getPrototypeOf(arg) !== Object.prototype) return arg
    return Object.fromEntries(Object.entries(arg).map(([key, item]) => [key, put(item)]))
  }
  return args.map(put)
}

/** `at` takes its indices one by one; a sample has them in a list, like PyTorch's brackets. */
const argsFor = (op: string, args: readonly unknown[]): unknown[] =>
  op === 'at' ? [args[0], ...(args[1] as unknown[])] : [...args]
/** An op that writes to its argument; it runs on a copy, so that the argument may be a leaf. */
export const writes = (op: string): boolean => op === 'setAt' || op.endsWith('_')

export const flatten = (out: unknown): unknown[] => {
  if (out instanceof Tensor) return [out]
  if (Array.isArray(out)) return out.flatMap(flatten)
  if (out !== null && typeof out === 'object' && Symbol.iterator in out)
    return Array.from(out as Iterable<unknown>).flatMap(flatten)
  return [out]
}

const namespaces: Readonly<Record<string, object>> = { linalg, special }
/** Finds an op among all names or in F; some are methods only. `dropout` has no defaults outside of F. */
const find = (op: string): Callable => {
  const [name, namespace] = op.split('.').reverse()
  const places = namespace === undefined ? [{ dropout: F.dropout }, core, F] : [namespaces[namespace]]
  for (const place of places) {
    const fn = (place as unknown as Record<string, unknown>)[name]
    if (typeof fn === 'function') return fn as Callable
  }
  if (!hasMethod(op)) throw new Error(`there is no op called ${op}`)
  return (self, ...rest) => (self as Record<string, Callable>)[op](...rest)
}

/** Calls the op as a function. */
export const callOp = (op: string, args: readonly unknown[], seed = 0): unknown[] => {
  manualSeed(seed)
  const given = argsFor(op, args)
  if (writes(op)) given[0] = (given[0] as Tensor).clone()
  return flatten(find(op)(...given))
}
/** Calls the method of that name on the first argument, or on a copy of it. */
export const callMethod = (name: string, args: readonly unknown[], seed = 0, copy = false): unknown[] => {
  manualSeed(seed)
  const given = argsFor(name, args)
  // PyTorch's method chooses between the tensor and another one: x.where(condition, y).
  const [self, ...rest] = name === 'where' ? [given[1], given[0], ...given.slice(2)] : given
  const target = copy ? (self as Tensor).clone() : self
  return flatten((target as unknown as Record<string, Callable>)[name](...rest))
}
export const hasMethod = (name: string): boolean =>
  typeof (Tensor.prototype as unknown as Record<string, unknown>)[name] === 'function'

const read = async (x: Tensor): Promise<Result> => {
  const { sizes, dtype } = x
  return { shape: sizes, dtype, values: Array.from(await noGrad(() => x.detach()).toArrayAsync()) }
}
export const readAll = async (outs: readonly unknown[]): Promise<Result[]> =>
  Promise.all(outs.map((out) => (out instanceof Tensor ? read(out) : { value: out })))
/** Shape and dtype only, for results whose elements are uninitialized. */
export const specsOf = (outs: readonly unknown[]): Result[] =>
  outs.map((out) => ({ shape: (out as Tensor).sizes, dtype: (out as Tensor).dtype, values: [] }))

/** The cotangent of golden.py as a tensor like `x`. */
export const cotangentOf = (x: Tensor, k: number): Tensor =>
  lay(
    Array.from({ length: x.numel() }, (_, i) => cotangent(i, k)),
    x.sizes,
    x.dtype,
    'contiguous',
  )

/** The gradients of the outputs with respect to the leaves that want one, in order, without null gradients. */
export const gradientTensors = (outs: readonly unknown[], leaves: readonly Tensor[]): Tensor[] =>
  (gradients(outs, leaves) ?? []).filter((x) => x !== null)

const gradients = (outs: readonly unknown[], leaves: readonly Tensor[]): (Tensor | null)[] | undefined => {
  const through = outs.flatMap((out, k) => (out instanceof Tensor && out.requiresGrad ? [{ out, k }] : []))
  const wanted = leaves.filter((leaf) => leaf.requiresGrad)
  if (through.length === 0 || wanted.length === 0) return undefined
  const found = grad(
    through.map(({ out }) => out),
    wanted,
    { gradOutputs: through.map(({ out, k }) => cotangentOf(out, k)), allowUnused: true },
  )
  return leaves.map((leaf) => (leaf.requiresGrad ? (found.shift() as Tensor | null) : null))
}

/**
 * The gradients of the outputs with respect to the leaves that want one; undefined if the outputs depend on none of
 * them.
 */
export const gradientsOf = async (
  outs: readonly unknown[],
  leaves: readonly Tensor[],
): Promise<(Result | null)[] | undefined> => {
  const found = gradients(outs, leaves)
  return found && Promise.all(found.map((x) => (x === null ? null : read(x))))
}

// Ops on matrices that run in JavaScript, in float64: instructions of the kind `host`, which the js backend runs. On other
// devices they run elsewhere, as everything that a device lacks does, and show in `report()`.
import type { Spec } from '../../backend/backend.ts'
import { dtypeName, isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { toFloat } from '../../base/remedies.ts'
import { withinRoom } from '../../base/room.ts'
import { numelOf, type Shape } from '../../base/shape.ts'
import type { OpDef } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { zeros } from './factorizations.ts'
import { inJavaScript, partsOf } from './in-javascript.ts'
import type { Call } from './routines.ts'

/** An op on the last two dimensions of its inputs, which all have the same dimensions before. */
export interface HostOp<A> extends Pick<OpDef<A>, 'name' | 'vjp' | 'saves'> {
  /** PyTorch's name in messages. With the attributes it says what is computed: a compiled step runs equal ones once. */
  readonly label: string
  infer(inputs: readonly Spec[], attrs: A): readonly Spec[]
  /** Computes the outputs for all matrices of the batch; may overwrite the inputs. */
  run(
    inputs: readonly Float64Array[],
    attrs: A,
    specs: readonly Spec[],
    call: Call,
    outputs: readonly Spec[],
  ): readonly Float64Array[]
}

/** How many matrices there are, and their sizes. */
export const extentsOf = ({ sizes }: Spec): readonly [count: number, m: number, n: number] => {
  const [m, n] = sizes.slice(-2)
  return [numelOf(sizes.slice(0, -2)), m, n]
}

/** Computes one matrix of the batch after the other. `run` fills the outputs, which are 0, and may overwrite the inputs. */
export const each =
  <A>(
    run: (
      inputs: readonly Float64Array[],
      outs: readonly Float64Array[],
      attrs: A,
      specs: readonly Spec[],
      call: Call,
      batch: number,
    ) => void,
  ): HostOp<A>['run'] =>
  (wholes, attrs, specs, call, outputs) => {
    const outs = outputs.map(({ sizes }) => zeros(numelOf(sizes)))
    const [count] = extentsOf(specs[0])
    for (let batch = 0; batch < count; batch++)
      withinRoom(() => run(partsOf(wholes, count, batch), partsOf(outs, count, batch), attrs, specs, call, batch))
    return outs
  }

export function hostOp<A>({ name, label, infer, run, vjp, saves }: HostOp<A>): OpDef<A> {
  return {
    name,
    infer: (inputs, attrs) => infer(inputs, attrs),
    vjp,
    saves,
    to: {
      kind: 'kernel',
      prim: 'host',
      lower: (attrs) => ({
        op: label,
        name,
        attrs,
        wide: true,
        compute(data, inputs, outputs, host) {
          const wholes = data.map((x) => (x instanceof Float64Array ? x : new Float64Array(x)))
          const call: Call = (...args) => void (host?.(...args) || inJavaScript(...args))
          return run(wholes, attrs, inputs, call, outputs)
        },
      }),
    },
  }
}

/** Throws an error about the first matrix that has a number other than 0 in `info`, unless `label` is null. */
export function refuse(
  Type: new (message: string) => Error,
  label: string | null,
  specs: readonly Spec[],
  info: Float64Array,
  sentence: (found: number) => string,
): void {
  const batch = info.findIndex((found) => found > 0)
  if (label === null || batch < 0) return
  throw new Type(`${label}: ${batchElement(specs, batch)}${sentence(info[batch])}`)
}

/** `(Batch element 1): ` in a message about one of several matrices. */
export const batchElement = (specs: readonly Spec[], batch: number): string =>
  specs[0].sizes.length > 2 ? `(Batch element ${batch}): ` : ''

export function checkFloat(label: string, x: Tensor): void {
  if (isFloat(x.dtype)) return
  throw new RuntimeError(
    `${label}: Expected a floating point or complex tensor as input. Got ${dtypeName[x.dtype]}`,
    toFloat,
  )
}

/** Throws PyTorch's error for fewer dimensions than a matrix has. */
export function checkDims(label: string, x: Tensor, what = 'A'): void {
  if (x.sizes.length >= 2) return
  throw new RuntimeError(`${label}: The input tensor ${what} must have at least 2 dimensions.`, `It has ${x.dim()}.`)
}

/** Throws PyTorch's error unless `x` is a matrix of floats, or a batch of them. */
export function checkMatrix(label: string, x: Tensor, what = 'A'): void {
  checkFloat(label, x)
  checkDims(label, x, what)
}

/** Throws PyTorch's error for matrices that are not square. */
export function checkSides(label: string, x: Tensor, what = 'A'): void {
  const [m, n] = x.sizes.slice(-2)
  if (m !== n)
    throw new RuntimeError(`${label}: ${what} must be batches of square matrices, but they are ${m} by ${n} matrices`)
}

export function checkSquare(label: string, x: Tensor, what = 'A'): void {
  checkMatrix(label, x, what)
  checkSides(label, x, what)
}

/** The sizes with other last two. */
export const matrixSizes = ({ sizes }: Spec, ...last: readonly number[]): Shape => [...sizes.slice(0, -2), ...last]
/** What has these sizes, and its dtype. */
export const matricesOf = (x: Spec, ...last: readonly number[]): Spec => ({
  sizes: matrixSizes(x, ...last),
  dtype: x.dtype,
})
/** What has its sizes and dtype. */
export const likeOf = ({ sizes, dtype }: Spec): Spec => ({ sizes, dtype })
/** A number for each matrix that says how far a factorization came. */
export const infoOf = (x: Spec): Spec => ({ sizes: matrixSizes(x), dtype: 'int32' })
/** The last size. */
export const sizeOf = ({ sizes }: { readonly sizes: Shape }): number => sizes[sizes.length - 1]

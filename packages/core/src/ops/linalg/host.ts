// Ops on matrices that run in JavaScript, in float64: instructions of the kind `host`, which the js backend runs. On other
// devices they run elsewhere, as everything that a device lacks does, and show in `report()`.
import type { Spec } from '../../backend/backend.ts'
import { dtypeName, isFloat, newArray } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { toFloat } from '../../base/remedies.ts'
import { numelOf, type Shape } from '../../base/shape.ts'
import type { OpDef } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'

/** An op on the last two dimensions of its inputs, which all have the same dimensions before. */
export interface HostOp<A> extends Pick<OpDef<A>, 'name' | 'vjp' | 'saves'> {
  /** PyTorch's name in messages. With the attributes it says what is computed: a compiled step runs equal ones once. */
  readonly label: string
  infer(inputs: readonly Spec[], attrs: A): readonly Spec[]
  /** Computes one matrix of the batch, number `batch`: fills the outputs, and may overwrite the inputs. */
  run(
    inputs: readonly Float64Array[],
    outs: readonly Float64Array[],
    attrs: A,
    specs: readonly Spec[],
    batch: number,
  ): void
}

/** The elements of one matrix of a batch. */
const areaOf = ({ sizes }: Spec, lead: number): number => numelOf(sizes.slice(lead))

/** Copies n elements, faster than a call of `set` on a view if they are few. */
function copy(from: Float64Array, start: number, to: Float64Array, at: number, n: number): void {
  for (let i = 0; i < n; i++) to[at + i] = from[start + i]
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
        compute(data, inputs, outputs) {
          const lead = inputs[0].sizes.length - 2
          const wholes = data.map((values) => new Float64Array(values))
          const outs = outputs.map(({ sizes }) => newArray('float64', numelOf(sizes)) as Float64Array)
          const count = numelOf(inputs[0].sizes.slice(0, lead))
          // One matrix is computed where it is, those of a batch one after the other in the same memory.
          if (count === 1) run(wholes, outs, attrs, inputs, 0)
          else {
            const matrices = inputs.map((spec) => new Float64Array(areaOf(spec, lead)))
            const parts = outputs.map((spec) => new Float64Array(areaOf(spec, lead)))
            for (let batch = 0; batch < count; batch++) {
              matrices.forEach((to, i) => void copy(wholes[i], batch * to.length, to, 0, to.length))
              for (const part of parts) part.fill(0)
              run(matrices, parts, attrs, inputs, batch)
              parts.forEach((part, i) => void copy(part, 0, outs[i], batch * part.length, part.length))
            }
          }
          const results = outs.map((out, i) => {
            const { dtype } = outputs[i]
            if (dtype === 'float64') return out
            const result = newArray(dtype, out.length)
            result.set(out)
            return result
          })
          return results
        },
      }),
    },
  }
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

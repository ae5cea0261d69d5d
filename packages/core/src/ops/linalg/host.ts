// Ops on matrices that run in JavaScript, in float64: instructions of the kind `host`, which the js backend runs. On other
// devices they run elsewhere, as everything that a device lacks does, and show in `report()`.
import type { Spec } from '../../backend/backend.ts'
import { dtypeName, isFloat, newArray } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { numelOf, type Shape } from '../../base/shape.ts'
import type { OpDef } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'

/** An op on the last two dimensions of its inputs, which all have the same dimensions before. */
export interface HostOp<A> extends Pick<OpDef<A>, 'name' | 'vjp' | 'saves'> {
  /** PyTorch's name in messages. */
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
          const matrices = data.map((values) => Float64Array.from(values))
          const results = outputs.map(({ dtype, sizes }) => newArray(dtype, numelOf(sizes)))
          const outs = outputs.map((spec) => new Float64Array(areaOf(spec, lead)))
          const count = numelOf(inputs[0].sizes.slice(0, lead))
          for (let batch = 0; batch < count; batch++) {
            const at = matrices.map((values, i) => {
              const area = areaOf(inputs[i], lead)
              return values.subarray(batch * area, (batch + 1) * area)
            })
            for (const out of outs) out.fill(0)
            run(at, outs, attrs, inputs, batch)
            outs.forEach((out, i) => void results[i].set(out, batch * out.length))
          }
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
    'Convert it first: x.float().',
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

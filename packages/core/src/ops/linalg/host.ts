// Ops on matrices that run in JavaScript: they read their inputs, factorize in float64, and write the results to the
// inputs' device. On other devices that shows as the fallback does, in `report()`. A step that is compiled cannot contain
// them, because they read elements.
import type { Spec } from '../../backend/backend.ts'
import { dtypeName, isFloat, newArray } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { numelOf, type Shape } from '../../base/shape.ts'
import { runsOnHost } from '../../tensor/dispatch.ts'
import { effects } from '../../tensor/effects.ts'
import type { OpDef } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { fromArray } from '../create/create.ts'

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
      kind: 'compose',
      compose(inputs, attrs) {
        const xs = inputs as readonly Tensor[]
        effects.sink?.refuse(`${label}()`, 'Call it before the step, and pass the result.')
        const { device } = xs[0].storage
        runsOnHost(device, label)
        const specs = infer(xs, attrs)
        const lead = xs[0].sizes.length - 2
        const data = xs.map((x) => Float64Array.from(x.elements === 0 ? [] : device.backend.readSync(x)))
        const results = specs.map((spec) => newArray(spec.dtype, numelOf(spec.sizes)))
        const count = numelOf(xs[0].sizes.slice(0, lead))
        const outs = specs.map((spec) => new Float64Array(areaOf(spec, lead)))
        for (let batch = 0; batch < count; batch++) {
          const at = data.map((values, i) => {
            const area = areaOf(xs[i], lead)
            return values.subarray(batch * area, (batch + 1) * area)
          })
          for (const out of outs) out.fill(0)
          run(at, outs, attrs, xs, batch)
          outs.forEach((out, i) => void results[i].set(out, batch * out.length))
        }
        return results.map((values, i) => fromArray(values, specs[i].sizes, { device: device.name }))
      },
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

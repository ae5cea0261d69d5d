// Stacks the results of several steps: every tensor of the result along a new first dimension.
import type { View } from '../backend/backend.ts'
import { RuntimeError } from '../base/errors.ts'
import { sameShape, shapeString } from '../base/shape.ts'
import { allocate } from '../tensor/apply.ts'
import type { Device } from '../tensor/device.ts'
import { copyTo, dispatch, rowMajor } from '../tensor/dispatch.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { build, noTensor, slotOf } from './nested.ts'

/** A copy of elements, because those of a parameter keep changing. */
export function copyOf(x: View, device: Device): View {
  const copy = { sizes: x.sizes, dtype: x.dtype, buffer: device.backend.alloc(x) }
  copyTo(device, x, copy)
  return rowMajor(copy)
}

/** The elements of a step's result, by tensor. */
export function rowOf(value: unknown): readonly View[] {
  const tensors: Tensor[] = []
  slotOf(value, 'the result', tensors, noTensor)
  return tensors.map((x) => copyOf(x, x.storage.device))
}

/** The elements of one tensor at all steps. */
function stack({ storage }: Tensor, rows: readonly View[]): Tensor {
  const [{ sizes, dtype }] = rows
  const other = rows.find((row) => !sameShape(row.sizes, sizes))
  if (other !== undefined) {
    throw new RuntimeError(
      `stack expects each tensor to be equal size, but got ${shapeString(sizes)} and ${shapeString(other.sizes)}`,
    )
  }
  const out = allocate(storage.device, { sizes: [rows.length, ...sizes], dtype })
  const inputs = rows.map(
    ({ buffer, strides, offset }): View => ({ buffer, dtype, sizes: [1, ...sizes], strides: [0, ...strides], offset }),
  )
  dispatch(storage.device, { kind: 'concat', attrs: { axis: 0 }, inputs, outputs: [out], origin: { name: 'stack' } })
  return out
}

/** A result like `value` with the tensors of all rows. */
export function stacked(value: unknown, rows: readonly (readonly View[])[]): unknown {
  const tensors: Tensor[] = []
  const slot = slotOf(value, 'the result', tensors, noTensor)
  return build(
    slot,
    tensors.map((x, i) =>
      stack(
        x,
        rows.map((row) => row[i]),
      ),
    ),
  )
}

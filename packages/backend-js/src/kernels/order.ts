// Kernels that work along an axis in order: scan and sort.
import { contiguousStrides, forEachRow, hostOf, type Instr, numelOf, startOf } from '@flambeau/core/backend'
import { combineCall } from '../text/reduction.ts'

export const drop = (list: readonly number[], axes: readonly number[]): number[] =>
  list.filter((_, i) => !axes.includes(i))

export function scan({ attrs, inputs, outputs }: Instr<'scan'>): void {
  const [x] = inputs
  const [out] = outputs
  const { data } = hostOf(x)
  const { data: to, start } = hostOf(out)
  const { axis, fn } = attrs
  const combine = combineCall(fn, out.dtype)
  const strides = contiguousStrides(out.sizes)
  const size = x.sizes[axis]
  const step = x.strides[axis]
  const outStep = strides[axis]
  if (size === 0) return
  forEachRow(
    drop(x.sizes, [axis]),
    [drop(x.strides, [axis]), drop(strides, [axis])],
    [startOf(x), start],
    (at, n, steps) => {
      for (let i = 0; i < n; i++) {
        let p = at[0] + i * steps[0]
        let q = at[1] + i * steps[1]
        let running = data[p]
        to[q] = running
        for (let c = 1; c < size; c++) {
          p += step
          q += outStep
          running = combine(running, data[p])
          to[q] = running
        }
      }
    },
  )
}

export function sort({ attrs, inputs, outputs }: Instr<'sort'>): void {
  const [x] = inputs
  const { data } = hostOf(x)
  const values = hostOf(outputs[0])
  const indices = hostOf(outputs[1])
  const { axis, descending } = attrs
  const strides = contiguousStrides(x.sizes)
  const size = x.sizes[axis]
  const step = x.strides[axis]
  const outStep = strides[axis]
  const order = new Int32Array(size)
  const keys = new Float64Array(size)
  /** Compares two keys. Equal elements keep their order, ascending or descending; NaN is the largest. */
  const compare = (a: number, b: number): number => {
    const u = keys[a]
    const v = keys[b]
    if (u === v || (u !== u && v !== v)) return a - b
    return (u < v || v !== v) === descending ? 1 : -1
  }
  if (numelOf(x.sizes) === 0) return
  forEachRow(
    drop(x.sizes, [axis]),
    [drop(x.strides, [axis]), drop(strides, [axis])],
    [startOf(x), 0],
    (at, n, steps) => {
      for (let i = 0; i < n; i++) {
        const p = at[0] + i * steps[0]
        const q = at[1] + i * steps[1]
        for (let c = 0; c < size; c++) {
          order[c] = c
          keys[c] = data[p + c * step]
        }
        order.sort(compare)
        for (let c = 0; c < size; c++) {
          values.data[values.start + q + c * outStep] = keys[order[c]]
          indices.data[indices.start + q + c * outStep] = order[c]
        }
      }
    },
  )
}

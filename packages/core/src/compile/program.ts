// A program: what a training step did, as data. Instructions name their memory by slot numbers, so that two recordings
// can be compared and a replay can bind the slots to other buffers.
import type { Check, Kind, Prims, Scalar, Spec } from '../backend/backend.ts'
import type { DType, TypedArray } from '../base/dtype.ts'
import type { Layout } from '../base/layout.ts'
import type { DeviceBuffer } from '../backend/backend.ts'

export interface SlotView extends Layout {
  readonly slot: number
  readonly dtype: DType
}

export type Step =
  | {
      readonly kind: 'run'
      readonly prim: Kind
      readonly attrs: Prims[Kind]
      readonly inputs: readonly (SlotView | Scalar)[]
      readonly outputs: readonly SlotView[]
      readonly donate: readonly number[] | undefined
      readonly check: Check | undefined
      readonly name: string
    }
  /** Data that the step wrote: the same at every replay. */
  | { readonly kind: 'constant'; readonly output: SlotView; readonly data: TypedArray }
  /** Data made anew at every replay: random draws. */
  | { readonly kind: 'produce'; readonly output: SlotView; readonly produce: () => TypedArray }
  /** A host effect: a counter, a schedule. */
  | { readonly kind: 'effect'; readonly fn: () => void }

export interface Program {
  readonly steps: readonly Step[]
  /** The memory of each slot: a buffer that existed before the step, or a spec to allocate. */
  readonly slots: readonly (DeviceBuffer | Spec)[]
  /** Slots whose buffers leave the step: results and gradients of leaves. */
  readonly results: readonly SlotView[]
}

export const isSlotView = (x: SlotView | Scalar): x is SlotView => 'slot' in x
export const isBuffer = (x: DeviceBuffer | Spec): x is DeviceBuffer => 'backend' in x

/** Equal by value; the same object at once, so that shared expressions are not walked. Functions count as equal. */
function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || (typeof a === 'function' && typeof b === 'function')) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b))
    return same(Array.from(a as TypedArray), Array.from(b as TypedArray))
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
  )
}

const describe = (step: Step | undefined): string => {
  if (step === undefined) return 'the end of the step'
  if (step.kind !== 'run')
    return step.kind === 'effect' ? 'a host effect' : `a write of [${step.output.shape.join(', ')}]`
  const inputs = step.inputs.map((x) => {
    if (isSlotView(x)) return `${x.dtype}[${x.shape.join(', ')}] in slot ${x.slot}`
    return typeof x.value === 'function' ? 'a number read anew' : String(x.value)
  })
  return `${step.name}(${inputs.join(', ')})`
}

/** Where two recordings of one step first differ, in words; null when they agree. */
export function difference(a: Program, b: Program): string | null {
  for (let i = 0; i < Math.max(a.steps.length, b.steps.length); i++) {
    if (!same(a.steps[i], b.steps[i]))
      return `instruction ${i} was ${describe(a.steps[i])}, then ${describe(b.steps[i])}`
  }
  for (let i = 0; i < a.slots.length; i++) {
    const [x, y] = [a.slots[i], b.slots[i]]
    const equal = isBuffer(x) || isBuffer(y) ? x === y : same(x, y)
    if (!equal)
      return `the memory of slot ${i} was another tensor's: one that the step reads was replaced between two calls`
  }
  return same(a.results, b.results) ? null : 'the step returned, or left as gradients, different tensors'
}

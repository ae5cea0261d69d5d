// Turns a failed instruction into the error that plain JavaScript throws for it.
import { type Instr, lackingMemory, RuntimeError, type View } from '@flambeau/core/backend'
import { ended } from './codes.ts'

/** The error of an instruction that failed. */
export function errorOf(kind: number, value: number, { check, attrs, inputs, origin }: Instr): Error {
  if (kind === ended.check && check !== undefined) return check.error()
  if (kind === ended.index) {
    const { axis } = attrs as { axis: number }
    const [{ sizes }] = inputs as readonly View[]
    return new RuntimeError(`index ${value} is out of bounds for dimension ${axis} with size ${sizes[axis]}`)
  }
  return lackingMemory(origin.name)
}

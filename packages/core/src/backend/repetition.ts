// What backends and checks need to know about a repetition: where the memory of its body is in the program around it,
// and what to copy before the first iteration.
import { s } from '../expr/expr.ts'
import type { KernelInstr, Place, Plan, ProgramInstr, RepeatInstr, Use } from './program.ts'

/** Elements of a value around a body: in turn `t` they begin at `offset + t * step`. */
export interface Window {
  readonly value: number
  readonly offset: number
  readonly step: number
}

export const isRepeat = (instr: ProgramInstr): instr is RepeatInstr => instr.kind === 'repeat'

/** Which kept value of a body an operand is; -1 if none. */
export const keptBy = ({ attrs: { body } }: RepeatInstr, operand: number): number =>
  body.kept.findIndex(({ first }) => {
    const given = body.given.get(first)
    return given?.from === 'operand' && given.operand === operand
  })

/** The operand of a body that its kept value `k` starts as. */
export function operandOf({ attrs: { body } }: RepeatInstr, k: number): number {
  const given = body.given.get(body.kept[k].first)
  if (given?.from !== 'operand') throw new Error('a body keeps a value that is not an operand')
  return given.operand
}

/** Where a place of a body outside of its arena is. A kept value is in an output. */
export function windowOf(instr: RepeatInstr, place: Place): Window {
  const { inputs, outputs, attrs } = instr
  if (place.in === 'operand') {
    const kept = keptBy(instr, place.operand)
    if (kept >= 0) return { value: outputs[kept], offset: 0, step: 0 }
    const { value, offset } = inputs[place.operand]
    return { value, offset, step: attrs.moves[place.operand] }
  }
  if (place.in !== 'result') throw new Error(`a value of a body is in ${place.in}`)
  return { value: outputs[attrs.body.kept.length + place.result], offset: 0, step: attrs.steps[place.result] }
}

/** Whether two values are in the same memory. */
export const samePlace = (a: Place | undefined, b: Place | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  ((a.in === 'buffer' && b.in === 'buffer' && a.buffer === b.buffer) ||
    (a.in === 'result' && b.in === 'result' && a.result === b.result) ||
    (a.in === 'argument' && b.in === 'argument' && a.argument === b.argument) ||
    (a.in === 'operand' && b.in === 'operand' && a.operand === b.operand) ||
    (a.in === 'arena' && b.in === 'arena' && a.at === b.at))

/** Copies the kept values, as they are before the first iteration, to their places; none for a value already there. */
export function beginnings(instr: RepeatInstr, { places }: Pick<Plan, 'places'>): KernelInstr<'map'>[] {
  return instr.attrs.body.kept.flatMap((_, k) => {
    const input: Use = instr.inputs[operandOf(instr, k)]
    const output = instr.outputs[k]
    if (input.offset === 0 && samePlace(places[input.value], places[output])) return []
    const attrs = { outs: [{ expr: s.input(0, input.dtype) }] }
    return [{ kind: 'map', attrs, inputs: [input], outputs: [output], origin: { name: 'copy' } }]
  })
}

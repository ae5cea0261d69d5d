// The last pass: what outlives the step gets memory of its own. A parameter's new value is computed where the old one
// lies when nothing reads the old one any more; else it is computed elsewhere and copied at the end.
import type { Prims, Spec } from '../../backend/backend.ts'
import type { Program, ProgramInstr, Use } from '../../backend/program.ts'
import { contiguousLayout } from '../../base/layout.ts'
import { s } from '../../expr/expr.ts'
import { mayOverwrite, usesOf } from '../alias.ts'

const wholeUse = (value: number, { shape, dtype }: Spec): Use => ({ value, dtype, ...contiguousLayout(shape) })

export function settle(program: Program): Program {
  const values = [...program.values]
  const instrs = [...program.instrs]
  const copy = (value: number): number => {
    const spec = values[value]
    const attrs: Prims['map'] = { outs: [{ expr: s.input(0, spec.dtype) }] }
    const made = values.push(spec) - 1
    instrs.push({ kind: 'map', attrs, inputs: [wholeUse(value, spec)], outputs: [made], origin: { name: 'copy' } })
    return made
  }

  const overwritten = new Set(program.kept.map(({ first }) => first))
  const own = new Map<number, number>()
  const results = program.results.map((use): Use => {
    const from = program.given.get(use.value)?.from
    const lasts = from === 'constant' || from === 'draw' || overwritten.has(use.value)
    if (!lasts) return use
    const known = own.get(use.value) ?? copy(use.value)
    own.set(use.value, known)
    return { ...use, value: known }
  })

  const definedAt = new Map<number, number>()
  instrs.forEach((instr, i) => {
    for (const value of instr.outputs) definedAt.set(value, i)
  })
  const placed = new Set<number>()
  const inPlace = ({ first, last }: { first: number; last: number }): boolean => {
    const at = definedAt.get(last)
    if (at === undefined || placed.has(last)) return false
    placed.add(last)
    for (let i = at + 1; i < instrs.length; i++) if (usesOf(instrs[i]).some((use) => use.value === first)) return false
    const instr = instrs[at]
    return (
      usesOf(instr).every((use) => use.value !== first) ||
      mayOverwrite({ ...program, values }, instr, instr.outputs.indexOf(last), first)
    )
  }
  const kept = program.kept.map((pair) => (inPlace(pair) ? pair : { ...pair, last: copy(pair.last) }))
  return { ...program, values, instrs: instrs as ProgramInstr[], kept, results }
}

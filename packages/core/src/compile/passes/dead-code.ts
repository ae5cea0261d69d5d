// Removes what nothing needs: instructions whose outputs reach no result, kept value or check; unread outputs of maps,
// and operands that their expressions do not read.
import type { Prims } from '../../backend/backend.ts'
import { isUse, type Program, type ProgramInstr } from '../../backend/program.ts'
import { type Expr, inputsOf, s } from '../../expr/expr.ts'
import { mayFail, usesOf } from '../alias.ts'
import { isMap, isReducing } from './graph.ts'
import { Expressions } from './rewrite.ts'

/** The map without unneeded outputs; one stays if the map has a check. */
function withNeededOutputs(instr: ProgramInstr<'map'>, needed: (value: number) => boolean): ProgramInstr<'map'> {
  const at = instr.outputs.flatMap((value, k) => (needed(value) ? [k] : []))
  if (at.length === instr.outputs.length) return instr
  if (at.length === 0) at.push(0)
  return { ...instr, attrs: { outs: at.map((k) => instr.attrs.outs[k]) }, outputs: at.map((k) => instr.outputs[k]) }
}

/** Maps known to read all their operands, because most instructions pass through all passes unchanged. */
const slim = new WeakSet<ProgramInstr>()

/**
 * The attributes that result from removing operands. Equal instructions share attributes, and continue to share them.
 */
const renumbered = new WeakMap<Prims['map'], { readonly read: string; readonly attrs: Prims['map'] }>()

/** The attributes of a map that keeps only the operands at these positions. */
function keeping(read: readonly number[], attrs: Prims['map']): Prims['map'] {
  const known = renumbered.get(attrs)
  if (known?.read === read.join()) return known.attrs
  const exprs = reading(
    read,
    attrs.outs.map((out) => out.expr),
  )
  const made = { outs: attrs.outs.map((out, k) => ({ ...out, expr: exprs[k] })) }
  renumbered.set(attrs, { read: read.join(), attrs: made })
  return made
}

/** Expressions over the operands at these positions. */
function reading(read: readonly number[], exprs: readonly Expr[]): Expr[] {
  const renumber = new Map(read.map((from, to) => [from, to]))
  return new Expressions().rewrite(exprs, (x) => s.input(renumber.get(x.value) as number, x.dtype))
}

/** The map without unread operands; one view stays if only it gives a reduction its shape. */
function withReadOperands(instr: ProgramInstr<'map'>): ProgramInstr<'map'> {
  if (slim.has(instr)) return instr
  const { attrs, inputs, check } = instr
  const exprs = attrs.outs.map((out) => out.expr)
  if (check !== undefined) exprs.push(check.expr)
  const read = inputsOf(exprs)
  const shaped = read.some((i) => isUse(inputs[i]))
  const kept = shaped ? -1 : inputs.findIndex(isUse)
  if (kept >= 0 && isReducing(instr)) read.push(kept)
  if (read.length === inputs.length) {
    slim.add(instr)
    return instr
  }
  return {
    ...instr,
    attrs: keeping(read, attrs),
    inputs: read.map((i) => inputs[i]),
    check: check && { ...check, expr: reading(read, [check.expr])[0] },
  }
}

export function deadCode(program: Program): Program {
  const needed = new Set<number>()
  for (const { last } of program.kept) needed.add(last)
  for (const { value } of program.results) needed.add(value)
  const instrs: ProgramInstr[] = []
  for (const instr of [...program.instrs].reverse()) {
    // An error is an effect: it must occur whether the outputs are read or not.
    if (!mayFail(instr) && !instr.outputs.some((value) => needed.has(value))) continue
    const left = isMap(instr) ? withReadOperands(withNeededOutputs(instr, (value) => needed.has(value))) : instr
    for (const { value } of usesOf(left)) needed.add(value)
    instrs.push(left)
  }
  for (const { first } of program.kept) needed.add(first)
  const given = new Map([...program.given].filter(([value]) => needed.has(value)))
  return { ...program, given, instrs: instrs.reverse() }
}

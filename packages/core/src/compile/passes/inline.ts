// Inlining: a map's expression replaces the operand that reads its output, also through views. So values with one
// reader are never stored, and cheap values are recomputed rather than stored.
import type { Backend, Check } from '../../backend/backend.ts'
import { isUse, type Program, type ProgramInstr, type ProgramOperand, type Use } from '../../backend/program.ts'
import { numelOf } from '../../base/shape.ts'
import { type Expr, inputsOf } from '../../expr/expr.ts'
import { readsWhole, usesOf } from '../alias.ts'
import { compose } from './compose.ts'
import { deadCode } from './dead-code.ts'
import {
  cheap,
  costOf,
  fusedOrigin,
  isMap,
  isReduced,
  isReducing,
  leavingValues,
  makersOf,
  mostSteps,
  readersOf,
  stepsOf,
} from './graph.ts'
import { Expressions, Operands, operandKey } from './rewrite.ts'

export const exprOf = (instr: ProgramInstr<'map'>, value: number): Expr =>
  instr.attrs.outs[instr.outputs.indexOf(value)].expr

/** A map's operand as seen where `use` reads the map's output; undefined if no layout expresses it. */
function through(use: Use, x: ProgramOperand): ProgramOperand | undefined {
  if (!isUse(x)) return x
  const layout = compose(use, x)
  return layout === null ? undefined : { ...x, ...layout }
}

/** Why the expression of a value cannot replace the operand in `reader`; null if it can. */
export function inlineRefusal(
  program: Program,
  { caps }: Backend,
  maker: ProgramInstr,
  value: number,
  reader: ProgramInstr,
): string | null {
  if (!isMap(reader) || !isMap(maker)) return 'only maps read expressions'
  if (isReduced(maker, value)) return `v${value} is reduced`
  if (maker.check !== undefined) return `v${value} is checked`
  if (largestOf(reader) + stepsOf(exprOf(maker, value)) > mostSteps) return `together they have over ${mostSteps} steps`
  const uses = usesOf(reader).filter((use) => use.value === value)
  const cost = costOf(exprOf(maker, value))
  if (cost > 0 && uses.some(({ sizes }) => numelOf(sizes) > numelOf(program.values[value].sizes)))
    return `v${value} is broadcast: it would be computed more often`
  if (cost > cheap && new Set(uses.map(operandKey)).size > 1) return `v${value} is read in several orders`
  const checked = reader.check === undefined ? [] : inputsOf([reader.check.expr])
  if (cost > 0 && checked.some((i) => (reader.inputs[i] as Use).value === value)) return `a check reads v${value}`
  for (const use of uses) {
    for (const x of maker.inputs) {
      const operand = through(use, x)
      if (operand === undefined) return `no layout reads v${value}'s operands as v${value} is read`
      if (isUse(operand) && !caps.strided && !readsWhole(program, operand))
        return 'kernels of the backend read no views'
    }
  }
  return null
}

/** The number of steps of a map's largest expression. */
const largestOf = ({ attrs }: ProgramInstr<'map'>): number =>
  attrs.outs.reduce((most, { expr }) => Math.max(most, stepsOf(expr)), 0)

/** The map with the expressions of `values` in place of the operands that read them. */
function inlined(
  reader: ProgramInstr<'map'>,
  values: readonly number[],
  makers: ReadonlyMap<number, ProgramInstr>,
  expressions: Expressions,
): ProgramInstr<'map'> {
  const operands = new Operands()
  const read = (x: Expr): Expr => {
    const operand = reader.inputs[x.value]
    if (!isUse(operand) || !values.includes(operand.value)) return operands.read(operand, x)
    const maker = makers.get(operand.value) as ProgramInstr<'map'>
    const [expr] = expressions.rewrite([exprOf(maker, operand.value)], (y) =>
      operands.read(through(operand, maker.inputs[y.value]) as ProgramOperand, y),
    )
    return expr
  }
  const { outs } = reader.attrs
  const roots = outs.map((out) => out.expr)
  if (reader.check !== undefined) roots.push(reader.check.expr)
  const exprs = expressions.rewrite(roots, read)
  return {
    ...reader,
    attrs: { outs: outs.map((out, k) => ({ ...out, expr: exprs[k] })) },
    inputs: operands.list,
    check: reader.check && ({ ...reader.check, expr: exprs[outs.length] } satisfies Check),
    origin: fusedOrigin([...values.flatMap((value) => worthNaming(makers.get(value), value)), reader]),
  }
}

/** Numbers, casts and copies are inlined everywhere and do not contribute to a kernel's name. */
const worthNaming = (maker: ProgramInstr | undefined, value: number): ProgramInstr[] =>
  isMap(maker) && costOf(exprOf(maker, value)) > 0 ? [maker] : []

/** Whether the backend can run a map: it has few enough operands, and if it reduces, one that gives it a shape. */
const runs = (instr: ProgramInstr<'map'>, { caps }: Backend): boolean =>
  usesOf(instr).length <= caps.maxArgs && (usesOf(instr).length > 0 || !isReducing(instr))

/** Inlines into every map the operands that `wanted` selects, as far as the backend's kernels allow. */
function inlineWhere(
  program: Program,
  backend: Backend,
  wanted: (maker: ProgramInstr<'map'>, value: number, reader: ProgramInstr<'map'>) => boolean,
): Program {
  const expressions = new Expressions()
  const makers = makersOf(program)
  const instrs = program.instrs.map((instr) => {
    if (!isMap(instr)) return instr
    let steps = largestOf(instr)
    const values = [...new Set(usesOf(instr).map((use) => use.value))].filter((value) => {
      const maker = makers.get(value)
      if (!isMap(maker) || !wanted(maker, value, instr)) return false
      if (inlineRefusal(program, backend, maker, value, instr) !== null) return false
      steps += stepsOf(exprOf(maker, value))
      return steps <= mostSteps
    })
    for (; values.length > 0; values.pop()) {
      const next = inlined(instr, values, makers, expressions)
      if (!runs(next, backend)) continue
      for (const value of next.outputs) makers.set(value, next)
      return next
    }
    return instr
  })
  return deadCode({ ...program, instrs })
}

/** Inlines free expressions everywhere, and others into their only reader. */
export function inline(program: Program, backend: Backend): Program {
  const leaves = leavingValues(program)
  const readers = readersOf(program)
  return inlineWhere(program, backend, (maker, value) => {
    if (leaves.has(value)) return false
    if (costOf(exprOf(maker, value)) === 0) return true
    return readers.get(value)?.length === 1 && maker.outputs.length === 1
  })
}

/**
 * Recomputes cheap values that are still stored in all their readers, if these then read no more elements than were
 * written and read for the value.
 */
export function recompute(program: Program, backend: Backend): Program {
  const leaves = leavingValues(program)
  const readers = readersOf(program)
  const size = (value: number): number => numelOf(program.values[value].sizes)
  const pays = (maker: ProgramInstr<'map'>, value: number, all: readonly ProgramInstr[]): boolean => {
    const sources = new Set(inputsOf([exprOf(maker, value)]).flatMap((i) => valueOf(maker.inputs[i])))
    let more = 0
    for (const reader of all) {
      const read = new Set(usesOf(reader).map((use) => use.value))
      for (const source of sources) if (!read.has(source)) more += size(source)
    }
    return more <= size(value) * (1 + all.length)
  }
  const decided = new Map<number, boolean>()
  return inlineWhere(program, backend, (maker, value) => {
    let decision = decided.get(value)
    if (decision === undefined) {
      const all = readers.get(value) as ProgramInstr[]
      decision =
        !leaves.has(value) &&
        costOf(exprOf(maker, value)) <= cheap &&
        all.every((reader) => inlineRefusal(program, backend, maker, value, reader) === null) &&
        pays(maker, value, all)
      decided.set(value, decision)
    }
    return decision
  })
}

const valueOf = (x: ProgramOperand): number[] => (isUse(x) ? [x.value] : [])

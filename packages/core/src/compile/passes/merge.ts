// Maps over one shape become one map of several outputs, reduced ones among them: one pass over what they read. A map
// that reads another's output at the same place gets its expression; the output is stored only if others read it.
import type { Backend } from '../../backend/backend.ts'
import { isUse, type Program, type ProgramInstr, type Use } from '../../backend/program.ts'
import { numelOf, sameShape } from '../../base/shape.ts'
import { type Expr, inputsOf } from '../../expr/expr.ts'
import { readsWhole, usesOf } from '../alias.ts'
import { deadCode } from './dead-code.ts'
import { cheap, costOf, fusedOrigin, isMap, isReduced, isReducing, iteratedShape, tooMany } from './graph.ts'
import { exprOf } from './inline.ts'
import { Expressions, Operands, operandKey } from './rewrite.ts'

/** An instruction, or several that have become one. */
interface Group {
  readonly instr: ProgramInstr
  /** Positions of the first and the last of its instructions in the program. */
  readonly first: number
  readonly last: number
  /** The values that it reads. */
  readonly sources: readonly number[]
  /** Of a map: the operands that are not smaller than what it iterates over. */
  readonly reads: ReadonlySet<string>
  /** Positions of its instructions and of all that it needs, a bit each. */
  readonly above: Uint32Array
}

function groupOf(program: Program, instr: ProgramInstr, first: number, last: number, above: Uint32Array): Group {
  const size = isMap(instr) ? numelOf(iteratedShape(program, instr)) : Number.POSITIVE_INFINITY
  const large = usesOf(instr).filter(({ value }) => numelOf(program.values[value].shape) >= size)
  const sources = [...new Set(usesOf(instr).map((use) => use.value))]
  return { instr, first, last, sources, reads: new Set(large.map(operandKey)), above }
}

const readsOf = (a: Group, b: Group): boolean => b.sources.some((value) => a.instr.outputs.includes(value))

/** Whether there is something to gain: one reads what the other makes, or both read the same elements. */
function related(a: Group, b: Group): boolean {
  for (const key of a.reads) if (b.reads.has(key)) return true
  return readsOf(a, b) || readsOf(b, a)
}

/** Whether `b` needs `a`, itself or through others. */
const needs = (b: Group, a: Group): boolean => ((b.above[a.first >> 5] >>> (a.first & 31)) & 1) === 1
const addAll = (to: Uint32Array, from: Uint32Array): void => {
  for (let i = 0; i < to.length; i++) to[i] |= from[i]
}

/** More outputs than this make a kernel too large to be compiled well. */
const mostOutputs = 16

/** What two maps read that neither makes; `b` may read outputs of `a`. */
const viewsOf = (a: ProgramInstr<'map'>, b: ProgramInstr<'map'>): Use[] => [
  ...usesOf(a),
  ...usesOf(b).filter(({ value }) => !a.outputs.includes(value)),
]

/** Why the second of two maps cannot be computed together with the first, whatever lies between; null where it can. */
export function mergeRefusal(
  program: Program,
  { caps }: Backend,
  a: ProgramInstr<'map'>,
  b: ProgramInstr<'map'>,
): string | null {
  const shape = iteratedShape(program, a)
  if (!sameShape(shape, iteratedShape(program, b))) return 'they iterate over different shapes'
  for (const use of usesOf(b)) {
    if (!a.outputs.includes(use.value)) continue
    if (isReduced(a, use.value)) return `v${use.value} is reduced`
    if (!readsWhole(program, use) || !sameShape(use.shape, shape)) return `v${use.value} is read in another order`
  }
  if (!caps.multiOutput) return 'kernels of the backend have one output'
  if (a.outputs.length + b.outputs.length > mostOutputs) return `they have more than ${mostOutputs} outputs`
  const read = new Set(viewsOf(a, b).map(operandKey))
  if (read.size === 0 && (isReducing(a) || isReducing(b))) return 'no view would say what is reduced'
  if (read.size > caps.maxArgs) return tooMany(read.size, caps)
  if (b.check === undefined) return null
  if (a.check !== undefined) return 'both have checks'
  const dear = inputsOf([b.check.expr]).find((i) => {
    const x = b.inputs[i]
    return isUse(x) && a.outputs.includes(x.value) && costOf(exprOf(a, x.value)) > cheap
  })
  return dear === undefined ? null : 'a check reads what would be computed twice'
}

/** Both maps in one; `b` may read outputs of `a`. */
function union(a: ProgramInstr<'map'>, b: ProgramInstr<'map'>, expressions: Expressions): ProgramInstr<'map'> {
  const operands = new Operands()
  const fromA = (x: Expr): Expr => operands.read(a.inputs[x.value], x)
  const made = expressions.rewrite([...a.attrs.outs.map((out) => out.expr), ...checkOf(a)], fromA)
  const read = new Set(usesOf(b).map((use) => use.value))
  const exprsOfA = made.map((expr, k) => (read.has(a.outputs[k]) ? expressions.rounded(expr) : expr))
  const exprsOfB = expressions.rewrite([...b.attrs.outs.map((out) => out.expr), ...checkOf(b)], (x) => {
    const operand = b.inputs[x.value]
    const k = isUse(operand) ? a.outputs.indexOf(operand.value) : -1
    return k >= 0 ? exprsOfA[k] : operands.read(operand, x)
  })
  const check = a.check
    ? { ...a.check, expr: exprsOfA[a.outputs.length] }
    : b.check && { ...b.check, expr: exprsOfB[b.outputs.length] }
  return {
    kind: 'map',
    attrs: {
      outs: [
        ...a.attrs.outs.map((out, k) => ({ ...out, expr: exprsOfA[k] })),
        ...b.attrs.outs.map((out, k) => ({ ...out, expr: exprsOfB[k] })),
      ],
    },
    // A view that only gives a reduction its shape stays if no other does.
    inputs: operands.views.length > 0 ? operands.list : [...operands.list, ...viewsOf(a, b).slice(0, 1)],
    outputs: [...a.outputs, ...b.outputs],
    check,
    origin: fusedOrigin([a, b]),
  }
}

const checkOf = ({ check }: ProgramInstr): Expr[] => (check === undefined ? [] : [check.expr])

export function merge(program: Program, backend: Backend): Program {
  const expressions = new Expressions()
  const makers = new Map<number, Group>()
  const groups = new Set<Group>()
  const makersFor = ({ sources }: Group): Group[] => sources.flatMap((value) => makers.get(value) ?? [])
  const needsThroughOthers = (b: Group, a: Group): boolean =>
    makersFor(b).some((maker) => maker !== a && needs(maker, a))
  const add = (group: Group): Group => {
    groups.add(group)
    for (const value of group.instr.outputs) makers.set(value, group)
    return group
  }
  const alone = (instr: ProgramInstr, at: number): Group => {
    const group = groupOf(program, instr, at, at, new Uint32Array((program.instrs.length >> 5) + 1))
    group.above[at >> 5] |= 1 << (at & 31)
    for (const { above } of makersFor(group)) addAll(group.above, above)
    return add(group)
  }
  const join = (x: Group, y: Group): Group | null => {
    const [a, b] = needs(x, y) ? [y, x] : [x, y]
    if (!isMap(a.instr) || !isMap(b.instr) || needsThroughOthers(b, a)) return null
    if (mergeRefusal(program, backend, a.instr, b.instr) !== null) return null
    const above = a.above.slice()
    addAll(above, b.above)
    for (const other of groups) if (needs(other, a) || needs(other, b)) addAll(other.above, above)
    groups.delete(a)
    groups.delete(b)
    const instr = union(a.instr, b.instr, expressions)
    return add(groupOf(program, instr, Math.min(a.first, b.first), Math.max(a.last, b.last), above))
  }

  const byShape = new Map<string, Group[]>()
  program.instrs.forEach((instr, i) => {
    let group = alone(instr, i)
    if (!isMap(instr)) return
    const shape = iteratedShape(program, instr)
    const single = numelOf(shape) === 1
    const others: Group[] = []
    for (const other of (byShape.get(shape.join()) ?? []).reverse()) {
      const joined = single || related(other, group) ? join(other, group) : null
      if (joined === null) others.push(other)
      else group = joined
    }
    byShape.set(shape.join(), [...others.reverse(), group])
  })
  return deadCode({ ...program, instrs: inOrder([...groups], makers) })
}

/**
 * Each group as late as its readers allow, so that a parameter is replaced after its old value was read; groups with a
 * check as early as possible, so that an error comes before anything is replaced.
 */
function inOrder(groups: readonly Group[], makers: ReadonlyMap<number, Group>): ProgramInstr[] {
  const place = ({ instr, first, last }: Group): number => (instr.check === undefined ? last : first)
  const order = new Set<Group>()
  const emit = (group: Group | undefined): void => {
    if (group === undefined || order.has(group)) return
    for (const value of group.sources) emit(makers.get(value))
    order.add(group)
  }
  for (const group of [...groups].sort((a, b) => place(a) - place(b))) emit(group)
  return [...order].map(({ instr }) => instr)
}

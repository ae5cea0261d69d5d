// Merges maps over one shape into one map of several outputs, including reductions: one pass over their operands. A map
// that reads another's output at the same position gets its expression; the output is stored only if others read it.
import type { Backend } from '../../backend/backend.ts'
import { isUse, type Program, type ProgramInstr, type Use } from '../../backend/program.ts'
import { numelOf, sameShape } from '../../base/shape.ts'
import { type Expr, inputsOf } from '../../expr/expr.ts'
import { readsWhole, usesOf } from '../alias.ts'
import { deadCode } from './dead-code.ts'
import { cheap, costOf, fusedOrigin, isMap, isReduced, isReducing, iteratedShape, tooMany } from './graph.ts'
import { exprOf } from './inline.ts'
import { Expressions, Operands, operandKey } from './rewrite.ts'

/** An instruction, or several that have been merged. */
interface Group {
  readonly instr: ProgramInstr
  /** Positions of the first and the last of its instructions in the program. */
  readonly first: number
  readonly last: number
  /** The values that it reads. */
  readonly sources: readonly number[]
  /** For a map: the operands that are not smaller than the shape it iterates over. */
  readonly reads: ReadonlySet<string>
  /** Among the last positions, those of its instructions and of all its dependencies. */
  readonly above: Positions
}

/**
 * Maps farther apart than this are not merged, and only the last `mostTried` over a shape are tried, so that the pass
 * takes linear time.
 */
const farthest = 4096
const mostTried = 512

/**
 * A set of positions in a program, one bit each; positions more than `farthest` before the first one added are dropped.
 */
class Positions {
  readonly #from: number
  #words: Uint32Array

  constructor(at: number) {
    this.#from = Math.max(0, at - farthest) >> 5
    this.#words = new Uint32Array((at >> 5) - this.#from + 1)
    this.#words[(at >> 5) - this.#from] = 1 << (at & 31)
  }

  has(at: number): boolean {
    const word = (at >> 5) - this.#from
    return word >= 0 && word < this.#words.length && ((this.#words[word] >>> (at & 31)) & 1) === 1
  }

  addAll(other: Positions): void {
    const shift = other.#from - this.#from
    const length = other.#words.length + shift
    if (length > this.#words.length) {
      const longer = new Uint32Array(length)
      longer.set(this.#words)
      this.#words = longer
    }
    for (let i = Math.max(0, -shift); i < other.#words.length; i++) this.#words[i + shift] |= other.#words[i]
  }
}

function groupOf(program: Program, instr: ProgramInstr, first: number, last: number, above: Positions): Group {
  const size = isMap(instr) ? numelOf(iteratedShape(program, instr)) : Number.POSITIVE_INFINITY
  const large = usesOf(instr).filter(({ value }) => numelOf(program.values[value].sizes) >= size)
  const sources = [...new Set(usesOf(instr).map((use) => use.value))]
  return { instr, first, last, sources, reads: new Set(large.map(operandKey)), above }
}

const readsOf = (a: Group, b: Group): boolean => b.sources.some((value) => a.instr.outputs.includes(value))

/** Whether merging pays off: one reads the other's output, or both read the same elements. */
function related(a: Group, b: Group): boolean {
  for (const key of a.reads) if (b.reads.has(key)) return true
  return readsOf(a, b) || readsOf(b, a)
}

/** Whether `b` depends on `a`, directly or through others. */
const needs = (b: Group, a: Group): boolean => b.above.has(a.first)

/** A kernel with more outputs is too large to compile well. */
const mostOutputs = 16

/** The operands of two maps that neither makes; `b` may read outputs of `a`. */
const viewsOf = (a: ProgramInstr<'map'>, b: ProgramInstr<'map'>): Use[] => [
  ...usesOf(a),
  ...usesOf(b).filter(({ value }) => !a.outputs.includes(value)),
]

/**
 * Why the second of two maps cannot be computed together with the first, regardless of instructions in between; null if
 * it can.
 */
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
    if (!readsWhole(program, use) || !sameShape(use.sizes, shape)) return `v${use.value} is read in another order`
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

/** The merged map; `b` may read outputs of `a`. */
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
    // A view that only gives a reduction its shape stays if no other view does.
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
  /** Groups by the position of their last instruction. */
  const groups: (Group | undefined)[] = []
  const makersFor = ({ sources }: Group): Group[] => sources.flatMap((value) => makers.get(value) ?? [])
  const needsThroughOthers = (b: Group, a: Group): boolean =>
    makersFor(b).some((maker) => maker !== a && needs(maker, a))
  const add = (group: Group): Group => {
    groups[group.last] = group
    for (const value of group.instr.outputs) makers.set(value, group)
    return group
  }
  const alone = (instr: ProgramInstr, at: number): Group => {
    const group = groupOf(program, instr, at, at, new Positions(at))
    for (const { above } of makersFor(group)) group.above.addAll(above)
    return add(group)
  }
  const join = (x: Group, y: Group): Group | null => {
    const [a, b] = needs(x, y) ? [y, x] : [x, y]
    if (!isMap(a.instr) || !isMap(b.instr) || needsThroughOthers(b, a)) return null
    if (mergeRefusal(program, backend, a.instr, b.instr) !== null) return null
    const first = Math.min(a.first, b.first)
    const { above } = a.first === first ? a : b
    above.addAll((a.first === first ? b : a).above)
    groups[a.last] = undefined
    groups[b.last] = undefined
    for (let at = first + 1; at < groups.length; at++) {
      const other = groups[at]
      if (other !== undefined && (needs(other, a) || needs(other, b))) other.above.addAll(above)
    }
    const instr = union(a.instr, b.instr, expressions)
    return add(groupOf(program, instr, first, Math.max(a.last, b.last), above))
  }

  const byShape = new Map<string, Group[]>()
  program.instrs.forEach((instr, i) => {
    let group = alone(instr, i)
    if (!isMap(instr)) return
    const shape = iteratedShape(program, instr)
    const single = numelOf(shape) === 1
    const others: Group[] = []
    for (const other of (byShape.get(shape.join()) ?? []).reverse()) {
      if (i - other.first > farthest) continue
      const joined = single || related(other, group) ? join(other, group) : null
      if (joined === null) others.push(other)
      else group = joined
    }
    byShape.set(shape.join(), [...others.reverse(), group].slice(-mostTried))
  })
  const left = groups.filter((group) => group !== undefined)
  return deadCode({ ...program, instrs: inOrder(left, makers) })
}

/**
 * Orders groups as late as their readers allow, so that a parameter is replaced after its old value was read; groups
 * with a check as early as possible, so that an error occurs before anything is replaced.
 */
function inOrder(groups: readonly Group[], makers: ReadonlyMap<number, Group>): ProgramInstr[] {
  const place = ({ instr, first, last }: Group): number => (instr.check === undefined ? last : first)
  const seen = new Set<Group>()
  const instrs: ProgramInstr[] = []
  const path: { readonly group: Group; next: number }[] = []
  const enter = (group: Group | undefined): void => {
    if (group === undefined || seen.has(group)) return
    seen.add(group)
    path.push({ group, next: 0 })
  }
  for (const group of [...groups].sort((a, b) => place(a) - place(b))) {
    enter(group)
    while (path.length > 0) {
      const last = path[path.length - 1]
      const { sources, instr } = last.group
      if (last.next < sources.length) enter(makers.get(sources[last.next++]))
      else {
        instrs.push(instr)
        path.pop()
      }
    }
  }
  return instrs
}

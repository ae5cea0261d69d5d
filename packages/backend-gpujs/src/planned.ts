// Plans, kept with the descriptors of instructions. The values of scalars and the offsets of views, which change from
// call to call, are part of neither.
import {
  descriptorOf,
  type Expr,
  type Instr,
  isScalar,
  type MapOut,
  type Operand,
  type Prims,
  rankOf,
  Slot,
  topological,
} from '@flambeau/core/backend'
import type { Entry } from './kernels.ts'
import { lengthOf, type Plan } from './plan.ts'

/** The functions of plans/index.ts for instructions of all kinds. */
export interface Planning {
  canPlan(instr: Instr): boolean
  planOf(instr: Instr): Plan
  boundOf(instr: Instr, bounds: readonly number[]): number
}

/** The plan shared by instructions that differ only in numbers. */
export interface Planned {
  /** For each operand, what the plan depends on in addition to the descriptor. */
  readonly operands: readonly number[]
  /** Undefined if no kernels can run it. */
  readonly plan: Plan | undefined
  /** The kernel of each step, once it is compiled. */
  readonly entries: (Entry | undefined)[]
  /** Whether it computes integers, whose bounds must be checked. */
  readonly integers: boolean
}

/** The number of plans kept with one descriptor. */
const mostOfOne = 16

/** The dtype of a number; for a view the length of its texture, and whether the view starts where the texture does. */
const wordOf = (x: Operand): number => (isScalar(x) ? -1 - rankOf(x.dtype) : 2 * lengthOf(x) + (x.offset === 0 ? 0 : 1))

function isFor({ operands }: Planned, { inputs }: Instr): boolean {
  for (let i = 0; i < operands.length; i++) if (operands[i] !== wordOf(inputs[i])) return false
  return true
}

function expressionsOf({ kind, attrs, check }: Instr): readonly Expr[] {
  const found: Expr[] = check === undefined ? [] : [check.expr]
  if (kind === 'map') {
    for (const { expr, reduce } of (attrs as { readonly outs: readonly MapOut[] }).outs) {
      found.push(expr)
      if (reduce?.post !== undefined) found.push(reduce.post)
    }
  }
  const { post } = attrs as Prims['contract']
  if (post !== undefined) found.push(post)
  return found
}

const computesIntegers = (instr: Instr): boolean =>
  [...instr.inputs, ...instr.outputs, ...topological(expressionsOf(instr))].some((x) => x.dtype === 'int32')

export class Plans {
  readonly #planning: Planning
  readonly #most: number
  readonly #slot = new Slot<Planned[]>()

  /** No kernel may read or write more than `most` elements. */
  constructor(planning: Planning, most: number) {
    this.#planning = planning
    this.#most = most
  }

  find(instr: Instr): Planned {
    const descriptor = descriptorOf(instr)
    const known = this.#slot.of(descriptor) ?? this.#slot.keep(descriptor, [])
    for (let i = 0; i < known.length; i++) if (isFor(known[i], instr)) return known[i]
    if (known.length === mostOfOne) known.length = 0
    const made = this.#make(instr)
    known.push(made)
    return made
  }

  #make(instr: Instr): Planned {
    const operands = (instr.inputs as readonly Operand[]).map(wordOf)
    const integers = computesIntegers(instr)
    const none = { operands, plan: undefined, entries: [], integers }
    if (!this.#planning.canPlan(instr)) return none
    const plan = this.#planning.planOf(instr)
    const sizes = plan.steps.flatMap(({ kernel }) => [kernel.length, ...kernel.textures])
    if (sizes.some((n) => n > this.#most)) return none
    return { operands, plan, entries: new Array(plan.steps.length).fill(undefined), integers }
  }
}

// The cache of plans: instructions of the same kind, shapes and layouts share one. The values of scalars and the
// offsets of views, which change from call to call, are not part of the key.
import {
  type Expr,
  type Instr,
  isScalar,
  type Kind,
  type MapOut,
  type Prims,
  rankOf,
  topological,
} from '@flambeau/core/backend'
import type { Entry } from './kernels.ts'
import { Key, Table } from './key.ts'
import { lengthOf, type Plan } from './plan.ts'

/** The functions of plans/index.ts for instructions of all kinds. */
export interface Planning {
  canPlan(instr: Instr): boolean
  planOf(instr: Instr): Plan
  boundOf(instr: Instr, bounds: readonly number[]): number
  /** The part of data attributes that a plan depends on. */
  keyOf(instr: Instr): string
}

/** The plan shared by instructions that differ only in numbers. */
export interface Planned {
  /** Undefined if no kernels can run it. */
  readonly plan: Plan | undefined
  /** The kernel of each step, once it is compiled. */
  readonly entries: (Entry | undefined)[]
  /** Whether it computes integers, whose bounds must be checked. */
  readonly integers: boolean
}

/** The number of plans per generation; above twice as many, the older half is dropped. */
const generation = 2048

/** Numbers objects by identity, and attrs that are data by content. */
class Names {
  readonly #ofObjects = new WeakMap<object, number>()
  #ofTexts = new Map<string, number>()
  #next = 0

  ofObject(x: object): number {
    const known = this.#ofObjects.get(x)
    if (known !== undefined) return known
    this.#ofObjects.set(x, this.#next)
    return this.#next++
  }

  /** The same number for attrs that planners treat alike. */
  ofAttrs(instr: Instr, planning: Planning): number {
    const { attrs: x, kind } = instr
    const known = this.#ofObjects.get(x)
    if (known !== undefined) return known
    const text = kind + planning.keyOf(instr)
    let name = this.#ofTexts.get(text)
    if (name === undefined) {
      if (this.#ofTexts.size >= generation) this.#ofTexts = new Map()
      name = this.#next++
      this.#ofTexts.set(text, name)
    }
    this.#ofObjects.set(x, name)
    return name
  }
}

const hasExpressions = (kind: Kind, attrs: object): boolean =>
  kind === 'map' || (kind === 'contract' && 'post' in attrs)

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
  readonly #names = new Names()
  readonly #key = new Key()
  #young = new Table<Planned>()
  #old = new Table<Planned>()

  /** No kernel may read or write more than `most` elements. */
  constructor(planning: Planning, most: number) {
    this.#planning = planning
    this.#most = most
  }

  find(instr: Instr): Planned {
    this.#describe(instr)
    return this.#young.find(this.#key) ?? this.#keep(this.#old.find(this.#key) ?? this.#make(instr))
  }

  #keep(planned: Planned): Planned {
    if (this.#young.size >= generation) {
      this.#old = this.#young
      this.#young = new Table()
    }
    this.#young.add(this.#key, planned)
    return planned
  }

  #describe(instr: Instr): void {
    const { kind, attrs, inputs, outputs, check } = instr
    const key = this.#key
    const names = this.#names
    key.start(kind)
    key.add(hasExpressions(kind, attrs) ? names.ofObject(attrs) : names.ofAttrs(instr, this.#planning))
    key.add(check === undefined ? -1 : names.ofObject(check.expr))
    key.add(inputs.length)
    for (let i = 0; i < inputs.length; i++) {
      const x = inputs[i]
      if (isScalar(x)) key.add(-1 - rankOf(x.dtype))
      else {
        key.add(rankOf(x.dtype))
        key.add(x.offset === 0 ? 0 : 1)
        key.add(lengthOf(x))
        key.addAll(x.sizes)
        key.addAll(x.strides)
      }
    }
    for (let i = 0; i < outputs.length; i++) {
      key.add(rankOf(outputs[i].dtype))
      key.addAll(outputs[i].sizes)
    }
  }

  #make(instr: Instr): Planned {
    const integers = computesIntegers(instr)
    const none = { plan: undefined, entries: [], integers }
    if (!this.#planning.canPlan(instr)) return none
    const plan = this.#planning.planOf(instr)
    const sizes = plan.steps.flatMap(({ kernel }) => [kernel.length, ...kernel.textures])
    if (sizes.some((n) => n > this.#most)) return none
    return { plan, entries: new Array(plan.steps.length).fill(undefined), integers }
  }
}

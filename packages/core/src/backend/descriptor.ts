// Descriptors: one object for all instructions that differ only in the places of their operands and the values of their
// numbers. A backend keeps in it what it derived from the first of them (a plan, words, loops) and finds it at every
// later one. A backend that does not ask for descriptors pays nothing.
import { sameShape, type Shape } from '../base/shape.ts'
import type { Expr } from '../expr/expr.ts'
import type { Attributes, Instr, Kind, Output, Prims, Spec, View } from './backend.ts'

/** A view without its memory. */
export interface Strided extends Spec {
  readonly strides: readonly number[]
}

/** An instruction without its memory and its numbers. */
export interface Descriptor {
  readonly kind: Kind
  /** null for a number. */
  readonly inputs: readonly (Strided | null)[]
  /** A reduced axis may be present as 1 or absent: instructions of both forms share a descriptor. */
  readonly outputs: readonly Spec[]
  readonly check: Expr | undefined
  /** Values that backends keep here, each in its slots. */
  readonly kept: unknown[]
}

/** The largest number of descriptors in a family, and of families known by content. */
const mostOfOne = 256
const mostTexts = 2048

let slots = 0

/** A place in descriptors, or in families of them, for the values of one backend. */
export class Slot<T> {
  readonly #at = slots++

  of({ kept }: { readonly kept: readonly unknown[] }): T | undefined {
    return kept[this.#at] as T | undefined
  }

  keep({ kept }: { readonly kept: unknown[] }, value: T): T {
    kept[this.#at] = value
    return value
  }
}
const nothingKept = (): unknown[] => new Array(slots).fill(undefined)

/** The descriptors of instructions of one kind with the same attributes. */
export class Family {
  readonly kind: Kind
  readonly kept = nothingKept()
  /** The last descriptor, because the next instruction often has the same. */
  last: Descriptor | null = null
  /** By hash, or at the next free number. */
  readonly #known = new Map<number, Descriptor>()

  constructor(kind: Kind) {
    this.kind = kind
  }

  find(instr: Instr): Descriptor {
    const known = this.#known
    let at = hashOf(instr)
    let found = known.get(at)
    while (found !== undefined && !describes(found, instr)) found = known.get(++at)
    if (found === undefined) {
      if (known.size === mostOfOne) known.clear()
      found = describe(instr)
      known.set(at, found)
    }
    this.last = found
    return found
  }
}

const families = new WeakMap<object, Family>()
const familiesByText = new Map<string, Family>()

/** The part of attributes without numbers and positions, which backends read at every run; by default all of them. */
const lasting: { readonly [K in Kind]?: (attrs: Attributes[K]) => unknown } = {
  pad: ({ low, high }) => [low, high],
  fold: ({ out, axes }) => [out, axes],
  assign: ({ region: { sizes, strides } }) => [sizes, strides],
}

/** JSON cannot express -0, NaN and the infinities. */
const exactly = (_: string, x: unknown): unknown => (typeof x === 'number' ? (Object.is(x, -0) ? '-0' : `${x}`) : x)

function textOf({ kind, attrs }: Instr): string {
  const part = lasting[kind] as ((attrs: object) => unknown) | undefined
  return kind + JSON.stringify(part === undefined ? attrs : part(attrs), exactly)
}

/** Attributes with expressions are compared by identity, others by content. */
function makeFamily(instr: Instr): Family {
  const { kind, attrs } = instr
  if (kind === 'map' || (attrs as Prims['contract']).post !== undefined) return new Family(kind)
  const text = textOf(instr)
  const known = familiesByText.get(text)
  if (known !== undefined) return known
  if (familiesByText.size === mostTexts) familiesByText.clear()
  const made = new Family(kind)
  familiesByText.set(text, made)
  return made
}

const same = (a: Shape, b: Shape): boolean => a === b || sameShape(a, b)

/** Results follow from attributes and operands, so they are compared only if no operand is a view. */
function describes(d: Descriptor, { inputs, outputs, check }: Instr): boolean {
  if (d.check !== check?.expr || d.inputs.length !== inputs.length) return false
  let reads = false
  for (let i = 0; i < inputs.length; i++) {
    const y = d.inputs[i]
    // A number has no strides.
    const { sizes, strides, dtype } = inputs[i] as Partial<View>
    if (y === null) {
      if (strides !== undefined) return false
      continue
    }
    if (strides === undefined || dtype !== y.dtype || !same(sizes as Shape, y.sizes) || !same(strides, y.strides))
      return false
    reads = true
  }
  return reads || makes(d, outputs)
}

function makes(d: Descriptor, outputs: readonly Spec[]): boolean {
  for (let k = 0; k < outputs.length; k++) {
    const { sizes, dtype } = outputs[k]
    if (dtype !== d.outputs[k].dtype || !same(sizes, d.outputs[k].sizes)) return false
  }
  return true
}

/** The hash of the shapes and strides that `describes` compares. */
function hashOf({ inputs, outputs }: Instr): number {
  const first = inputs.length
  let hash = first
  for (let i = 0; i < inputs.length; i++) {
    const { sizes, strides } = inputs[i] as View
    if (strides === undefined) continue
    for (let k = 0; k < strides.length; k++) hash = (Math.imul(hash, 961) + 31 * sizes[k] + strides[k]) | 0
  }
  return hash === first ? sizesHash(outputs) : hash
}

function sizesHash(outputs: readonly Spec[]): number {
  let hash = 0
  for (let k = 0; k < outputs.length; k++) {
    const { sizes } = outputs[k]
    for (let i = 0; i < sizes.length; i++) hash = (Math.imul(hash, 31) + sizes[i]) | 0
  }
  return hash
}

function describe({ kind, inputs, outputs, check }: Instr): Descriptor {
  return {
    kind,
    inputs: (inputs as readonly View[]).map(({ sizes, strides, dtype }) =>
      strides === undefined ? null : { sizes, dtype, strides },
    ),
    outputs: (outputs as readonly Output[]).map(({ sizes, dtype }) => ({ sizes, dtype })),
    check: check?.expr,
    kept: nothingKept(),
  }
}

/** The family of the last call, because a backend asks for it more than once per instruction. */
let lastAttrs: object | undefined
let lastFamily: Family | undefined

/** The family of an instruction: the same object for one of the same kind and attributes. */
export function familyOf(instr: Instr): Family {
  const { kind, attrs } = instr
  if (attrs === lastAttrs && lastFamily?.kind === kind) return lastFamily
  let family = families.get(attrs)
  if (family === undefined || family.kind !== kind) {
    family = makeFamily(instr)
    families.set(attrs, family)
  }
  lastAttrs = attrs
  lastFamily = family
  return family
}

/** The descriptor of an instruction: the same object for one of the same family, check, shapes, dtypes and strides. */
export function descriptorOf(instr: Instr): Descriptor {
  const family = familyOf(instr)
  const { last } = family
  return last !== null && describes(last, instr) ? last : family.find(instr)
}

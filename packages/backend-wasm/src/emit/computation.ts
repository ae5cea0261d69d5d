// The values of a map's expressions in the function that is being written: each is computed in the outermost loop in
// which it is known, and kept in a local.
import { type DType, roundTo } from '@flambeau/core/backend'
import * as w from './code.ts'
import type { Code } from './code.ts'
import type { Computed, MapOf, Operand, Value } from './decode.ts'
import type { Body } from './module.ts'
import { emitOf, nothing, outerPart } from './steps.ts'
import { Vectors } from './vectors.ts'

/** Engines limit the local variables of a function, and take long to compile large ones. */
export const mostValues = 1000
/** What a longer expression would save without the parts that change nothing is not worth a second loop. */
const fewValues = 8

/** Whether the steps and the dtypes of a map can be emitted. */
export function canCompute({ values, inputs, outs }: MapOf): boolean {
  const known = (dtype: DType): boolean => dtype !== 'float64'
  return (
    values.length <= mostValues &&
    values.every((x) => known(x.dtype) && (x.kind !== 'step' || emitOf(x) !== undefined)) &&
    inputs.every(({ dtype }) => known(dtype)) &&
    outs.every(({ from }) => known(from.dtype))
  )
}

export class Computation {
  readonly m: Vectors
  readonly #map: MapOf
  readonly #body: Body
  /** The loop in which a value changes, from 1 on; 0 if none. */
  readonly #levels = new Map<Value, number>()
  readonly #used = new Set<Value>()
  readonly #code = new Map<Value, Code>()
  /** What has been computed of steps in outer loops; and before all loops, with the bits that change something. */
  readonly #outer = new Map<Value, Code>()
  readonly #first = new Map<Value, Code>()

  constructor(map: MapOf, body: Body, levelOf: (x: Operand) => number) {
    this.m = new Vectors(body)
    this.#map = map
    this.#body = body
    for (const x of map.inputs) this.#levels.set(x, levelOf(x.operand))
    for (const x of map.values) {
      if (x.kind !== 'step') this.#levels.set(x, 0)
      else {
        this.#levels.set(x, Math.max(0, ...x.args.map((arg) => this.#levels.get(arg) ?? 0)))
        for (const arg of x.args) this.#used.add(arg)
      }
    }
    for (const { from } of map.outs) this.#used.add(from)
  }

  of(x: Value): Code {
    return this.#code.get(x) as Code
  }

  /** Computes the values that are known in so many loops; `load` returns the code of an operand there. */
  at(level: number, load: (x: Operand) => Code): void {
    const { inputs, values } = this.#map
    const set = (x: Value, code: Code): void => void this.#code.set(x, this.m.keep(code))
    // All memory is read before any is written, and before any pointer moves.
    for (const x of inputs) {
      if (this.#levels.get(x) === level && this.#used.has(x)) set(x, load(x.operand))
    }
    for (const x of values) {
      const own = this.#levels.get(x) as number
      if (x.kind === 'constant') {
        if (own === level) this.#code.set(x, constantOf(this.m, x))
        continue
      }
      const args = this.#argsOf(x, own, level)
      if (own !== level) continue
      const emit = emitOf(x)
      if (emit === undefined) throw new Error(`no instruction for the step '${x.step}'`)
      const [a, b, c = this.#outer.get(x) as Code] = args.map((arg) => this.of(arg))
      set(x, emit(this.m, a, b, c))
    }
  }

  /** The operands of a step: one that is known in an outer loop comes last, if the step has a part to compute there. */
  #argsOf(x: Computed, own: number, level: number): readonly Value[] {
    const known = x.args.find((arg) => (this.#levels.get(arg) as number) < own)
    const outer = known && outerPart(x, known)
    if (known === undefined || outer === undefined) return x.args
    if (this.#levels.get(known) === level) {
      const rest = outer.of(this.m, this.of(known))
      this.#outer.set(x, rest === nothing ? rest : this.m.keep(rest))
      if (level === 0 && rest !== nothing)
        this.#first.set(x, w.xor(this.#outer.get(x) as Code, this.m.float(outer.neutral)))
    }
    return [...x.args.filter((arg) => arg !== known), known]
  }

  /** Whether what was computed of steps before all loops changes anything; undefined if it is known, or hardly matters. */
  get changes(): Code | undefined {
    if (this.#first.size === 0 || this.#map.values.length > fewValues) return undefined
    return w.anyTrue([...this.#first.values()].reduce(w.or))
  }
  /** Leaves it out from here on. */
  leaveOut(): void {
    for (const x of this.#first.keys()) this.#outer.set(x, nothing)
  }

  /** The elements of an operand of bytes as lanes. */
  widened(bytes: Code, dtype: DType): Code {
    const lanes = w.fromBytes(bytes)
    return dtype === 'bool' ? w.neInts(lanes, this.m.int(0)) : lanes
  }

  /** An output's lanes as they are stored: the whole vector, or its first four bytes. */
  stored(x: Value): Code {
    const value = this.of(x)
    if (x.dtype !== 'bool' && x.dtype !== 'uint8') return value
    return w.lowBytes(this.m.keep(x.dtype === 'bool' ? w.and(value, this.m.int(1)) : value))
  }

  /** Writes the function's part: first the constants, then what `write` adds. */
  write(write: () => void): void {
    const all = this.#body.piece(write)
    this.#body.add(this.m.first, all)
  }
}

function constantOf(m: Vectors, { dtype, value }: { readonly dtype: DType; readonly value: number }): Code {
  const x = roundTo(value, dtype)
  if (dtype === 'float32') return m.float(x)
  return m.int(dtype === 'bool' ? -x : x)
}

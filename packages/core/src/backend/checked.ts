// A backend in front of another one that trusts neither core nor the backend: at every call it checks specs, bounds,
// donation, use after free, and reads of unwritten elements. The conformance suite runs each backend behind one;
// authors of backends and ops can use it to find a fault.
import { type DType, newArray, type TypedArray } from '../base/dtype.ts'
import { isContiguous } from '../base/layout.ts'
import { numelOf, shapeString } from '../base/shape.ts'
import {
  type Backend,
  type DeviceBuffer,
  type Instr,
  isScalar,
  type Memory,
  type Output,
  type Spec,
  type View,
} from './backend.ts'
import { isComposite } from './composites.ts'
import { checkClaims, checkView, checkWhole } from './claims.ts'
import { readBy, wrongAliases, wrongTypes } from './faults.ts'
import { wrongIn } from './plan-model.ts'
import {
  type Bindings,
  type Ended,
  type Executable,
  isUse,
  type Plan,
  type Program,
  type RepeatInstr,
  standIn,
} from './program.ts'
import { isRepeat } from './repetition.ts'

/** Known about a buffer besides its length. */
interface Known {
  readonly dtype: DType
  /** All of it has been written to. */
  written: boolean
  /** Why it must not be used anymore. */
  gone?: 'freed' | 'donated'
}

/** Unwritten memory is filled with values that show up wherever they get to. */
const poison: Readonly<Record<DType, number>> = {
  float32: Number.NaN,
  float64: Number.NaN,
  int32: 7654321,
  uint8: 165,
  bool: 165,
}
const poisons = new Map<DType, TypedArray>()
function poisoned(dtype: DType, length: number): TypedArray {
  let data = poisons.get(dtype)
  if (data === undefined || data.length < length) {
    data = newArray(dtype, Math.max(1024, length)).fill(poison[dtype])
    poisons.set(dtype, data)
  }
  return data.subarray(0, length)
}

const refused = 'the backend said that it cannot run this'

/**
 * A backend in front of another one that checks every call and throws at the first wrong one. `found` also lists the
 * faults, because the error may be caught on the way.
 *
 * @example
 * useDevice(new CheckedBackend(js()))
 * ones(3).sum() // tensor(3.)
 * useDevice(js())
 */
export class CheckedBackend implements Backend {
  /** The backend that does the work. */
  readonly inner: Backend
  readonly name: string
  readonly caps: Backend['caps']
  /** The faults, in order. */
  readonly found: string[] = []
  readonly compile?: NonNullable<Backend['compile']>
  readonly #known = new WeakMap<DeviceBuffer, Known>()

  constructor(inner: Backend) {
    this.inner = inner
    this.name = inner.name
    this.caps = inner.caps
    this.compile = inner.compile && ((program, plan) => this.#compile(program, plan))
  }

  #fail(what: string, wrong: string): never {
    const sentence = `${what}: ${wrong}`
    if (!this.found.includes(sentence)) this.found.push(sentence)
    throw new Error(sentence)
  }

  /** Turns the error of a claim into a fault. */
  #claims(what: string, check: () => void): void {
    try {
      check()
    } catch (error) {
      this.#fail(what, (error as Error).message.split('\n')[0])
    }
  }

  #knows(buffer: DeviceBuffer, what: string): Known {
    const known = this.#known.get(buffer)
    if (known === undefined) return this.#fail(what, 'its memory is not this backend’s')
    if (known.gone !== undefined) return this.#fail(what, `its memory was ${known.gone}`)
    return known
  }

  #readable({ buffer, dtype, sizes }: Pick<View, 'buffer' | 'dtype' | 'sizes'>, what: string): void {
    const known = this.#knows(buffer, what)
    if (known.dtype !== dtype) this.#fail(what, `${known.dtype} is read as ${dtype}`)
    if (!known.written && numelOf(sizes) > 0) this.#fail(what, 'it was never written to')
  }

  #writable({ buffer, dtype, sizes }: Output, what: string): Known {
    const known = this.#knows(buffer, what)
    if (known.dtype !== dtype) this.#fail(what, `${dtype} is written to ${known.dtype}`)
    if (numelOf(sizes) !== buffer.length)
      this.#fail(what, `${shapeString(sizes)} is written to ${buffer.length} elements: the others have no value`)
    return known
  }

  #demandCaps(instr: Instr, what: string): void {
    const { caps } = this
    const { kind, attrs, inputs, outputs } = instr
    const dtypes = [...inputs.filter((x) => !isScalar(x)), ...outputs].map(({ dtype }) => dtype)
    const other = dtypes.find((dtype) => !caps.dtypes.has(dtype))
    if (other !== undefined) this.#fail(what, `the backend has no ${other}`)
    if (outputs.some(({ sizes }) => numelOf(sizes) > caps.maxElements)) this.#fail(what, 'too many elements')
    if (isComposite(instr)) {
      if (caps.fused?.has(instr.kind) !== true) this.#fail(what, 'the backend has no kernel of this composition')
      if (numelOf(instr.inputs[0].sizes) === 0) this.#fail(what, 'a kernel of a composition must have elements')
    }
    if (kind !== 'map') return
    const { outs } = attrs
    if (!caps.multiOutput && outs.length > 1) this.#fail(what, 'the backend has no maps of several outputs')
    if (!caps.reducedPost && outs.some(({ reduce }) => reduce?.post !== undefined))
      this.#fail(what, 'the backend has no post expressions of reductions')
  }

  supports(instr: Instr): boolean {
    return this.inner.supports(instr)
  }

  alloc(spec: Spec): DeviceBuffer {
    const buffer = this.inner.alloc(spec)
    const length = numelOf(spec.sizes)
    if (buffer.length !== length)
      this.#fail(`alloc of ${shapeString(spec.sizes)}`, `its buffer says ${buffer.length} elements`)
    this.inner.write({ ...spec, buffer }, poisoned(spec.dtype, length))
    this.#known.set(buffer, { dtype: spec.dtype, written: false })
    return buffer
  }

  write(out: Output, data: TypedArray): void {
    this.#claims('write', () => checkWhole(out, data.length, 'the output of a write'))
    const known = this.#writable(out, 'write')
    this.inner.write(out, data)
    known.written = true
  }

  /** The memory holds other numbers before, which show in the results if the function leaves them. */
  fill(out: Output, elements: (memory: TypedArray) => void): void {
    const data = newArray(out.dtype, numelOf(out.sizes)).fill(1)
    elements(data)
    this.write(out, data)
  }

  run(instr: Instr): void {
    const { kind, inputs, outputs, donate = [], origin } = instr
    const what = `${origin.name} (${kind})`
    this.#claims(what, () => checkClaims(instr))
    this.#demandCaps(instr, what)
    const read = readBy(instr)
    inputs.forEach((x, i) => {
      if (isScalar(x)) return
      if (read(i)) this.#readable(x, `${what}, operand ${i}`)
      else this.#knows(x.buffer, `${what}, operand ${i}`)
      if (!this.caps.strided && origin.name !== 'copy' && !(isContiguous(x) && x.offset === 0))
        this.#fail(`${what}, operand ${i}`, 'the backend reads no strides')
    })
    const written = outputs.map((out, k) => this.#writable(out, `${what}, result ${k}`))
    const wrong = wrongTypes(instr) ?? wrongAliases(instr)
    if (wrong !== undefined) this.#fail(what, wrong)
    if (!this.inner.supports(instr)) this.#fail(what, refused)
    // Memory is not as the backend gave it, but poisoned.
    this.inner.run(instr.fresh === true ? { ...instr, fresh: false } : instr)
    for (const known of written) known.written = true
    for (const i of donate) {
      const x = inputs[i]
      if (!isScalar(x) && !outputs.some(({ buffer }) => buffer === x.buffer))
        (this.#known.get(x.buffer) as Known).gone = 'donated'
    }
  }

  #demandRead(view: View): void {
    this.#claims('read', () => checkView(view, 'the view of a read'))
    this.#readable(view, 'read')
  }

  #demandResult(view: View, data: TypedArray): TypedArray {
    if (data.length !== numelOf(view.sizes)) this.#fail('read', `${data.length} elements of ${shapeString(view.sizes)}`)
    if (data.constructor !== newArray(view.dtype, 0).constructor)
      this.#fail('read', `${data.constructor.name} for ${view.dtype}`)
    if (view.dtype === 'bool' && data.some((x) => x > 1)) this.#fail('read', `a bool is ${data.find((x) => x > 1)}`)
    return data
  }

  readSync(view: View): TypedArray {
    this.#demandRead(view)
    return this.#demandResult(view, this.inner.readSync(view))
  }

  async read(view: View): Promise<TypedArray> {
    this.#demandRead(view)
    return this.#demandResult(view, await this.inner.read(view))
  }

  free(buffer: DeviceBuffer): void {
    const known = this.#knows(buffer, 'free')
    this.inner.free(buffer)
    known.gone = 'freed'
  }

  sync(): Promise<void> {
    return this.inner.sync()
  }

  memory(): Memory {
    return this.inner.memory()
  }

  dispose(): void {
    this.inner.dispose()
  }

  // ---- programs ----

  /** Checks the specs of every instruction, then the memory of all. */
  #demandProgram(program: Program, plan: Plan, where = 'program'): void {
    const { values } = program
    const known = new Set(program.given.keys())
    const length = (value: number): number => numelOf(values[value].sizes)
    const buffer = (value: number): DeviceBuffer => ({ backend: this, length: length(value) })
    program.instrs.forEach((instr, at) => {
      const what = `${where}, ${at}: ${instr.origin.name} (${instr.kind})`
      for (const x of instr.inputs) {
        if (!isUse(x)) continue
        if (!known.has(x.value)) this.#fail(what, `v${x.value} is read before it is computed`)
        if (values[x.value].dtype !== x.dtype) this.#fail(what, `v${x.value} is read as ${x.dtype}`)
      }
      if (isRepeat(instr)) this.#demandBody(program, plan, instr, what)
      else {
        const bound = standIn(program, instr, buffer)
        this.#claims(what, () => checkClaims(bound))
        this.#demandCaps(bound, what)
        const wrong = wrongTypes(bound)
        if (wrong !== undefined) this.#fail(what, wrong)
        if (!this.inner.supports(bound)) this.#fail(what, refused)
      }
      for (const value of instr.outputs) {
        if (known.has(value)) this.#fail(what, `v${value} was computed before`)
        known.add(value)
      }
    })
    const wrong = wrongIn(program, plan)
    if (wrong !== undefined) this.#fail('plan', wrong)
  }

  /**
   * Checks that windows are within their values in every iteration, that outputs have the right size, and the body as a
   * program.
   */
  #demandBody(program: Program, plan: Plan, instr: RepeatInstr, what: string): void {
    const { inputs, outputs, attrs } = instr
    const { times, body, moves, steps } = attrs
    const elements = (value: number): number => numelOf(program.values[value].sizes)
    if (!(times > 0)) this.#fail(what, `${times} turns`)
    inputs.forEach((x, i) => {
      const last = x.offset + moves[i] * (times - 1)
      if (Math.min(x.offset, last) < 0 || Math.max(x.offset, last) + numelOf(x.sizes) > elements(x.value))
        this.#fail(what, `input ${i} leaves v${x.value}`)
    })
    for (const { from, operand } of [...body.given.values()].flatMap((x) => (x.from === 'operand' ? [x] : [])))
      if (operand >= inputs.length) this.#fail(what, `the body is given ${from} ${operand}`)
    const made = [
      ...body.kept.map(({ first }) => numelOf(body.values[first].sizes)),
      ...body.results.map(({ sizes }, k) => steps[k] * (times - 1) + numelOf(sizes)),
    ]
    if (made.length !== outputs.length) this.#fail(what, `${outputs.length} outputs, and ${made.length} are made`)
    outputs.forEach((value, k) => {
      if (elements(value) !== made[k])
        this.#fail(what, `v${value} does not have the elements that the iterations compute`)
    })
    const inner = plan.bodies.get(instr)?.plan
    if (inner === undefined) this.#fail(what, 'the body has no plan')
    this.#demandProgram(body, inner, `${what}, body`)
  }

  #compile(program: Program, plan: Plan): Executable {
    this.#demandProgram(program, plan)
    const compile = this.inner.compile as NonNullable<Backend['compile']>
    const inner = compile.call(this.inner, program, plan)
    const demand = (bindings: Bindings, times: number, stacked: boolean): void =>
      this.#demandBindings(program, plan, bindings, times, stacked)
    const after = (bindings: Bindings): void => {
      for (const buffer of bindings.results) this.#knows(buffer, 'program, result').written = true
    }
    const ended = (bindings: Bindings, end: Ended): Ended => {
      if (end.runs > 0) after(bindings)
      return end
    }
    return {
      run: (bindings) => {
        demand(bindings, 1, false)
        inner.run(bindings)
        after(bindings)
      },
      repeat:
        inner.repeat &&
        ((bindings, times, stacked) => {
          demand(bindings, times, stacked)
          return ended(bindings, (inner.repeat as NonNullable<Executable['repeat']>)(bindings, times, stacked))
        }),
      repeatAsync:
        inner.repeatAsync &&
        (async (bindings, times, stacked) => {
          demand(bindings, times, stacked)
          return ended(
            bindings,
            await (inner.repeatAsync as NonNullable<Executable['repeatAsync']>)(bindings, times, stacked),
          )
        }),
      source: inner.source,
    }
  }

  /** Checks what a run reads and writes besides its arena. */
  #demandBindings(program: Program, plan: Plan, bindings: Bindings, times: number, stacked: boolean): void {
    const { values, given, kept } = program
    const replaced = new Set(kept.map(({ first }) => first))
    const read = new Set<number>()
    for (const instr of program.instrs) {
      const reads = readBy(instr)
      for (const [i, x] of instr.inputs.entries()) if (isUse(x) && reads(i)) read.add(x.value)
    }
    for (const [value, x] of given) {
      const what = `program, v${value}`
      const spec = values[value]
      if (x.from === 'draw' && bindings.draws[x.draw].length !== times * numelOf(spec.sizes))
        this.#fail(what, `${bindings.draws[x.draw].length} drawn numbers for ${times} times ${shapeString(spec.sizes)}`)
      const buffer = x.from === 'buffer' ? x.buffer : x.from === 'argument' ? bindings.args[x.argument] : undefined
      if (buffer === undefined) continue
      if (buffer.length < numelOf(spec.sizes))
        this.#fail(what, `${buffer.length} elements for ${shapeString(spec.sizes)}`)
      if (read.has(value)) this.#readable({ ...spec, buffer }, what)
      else this.#knows(buffer, what)
      if (replaced.has(value)) this.#knows(buffer, what).written = true
    }
    plan.results.forEach((value, i) => {
      const { sizes, dtype } = values[value]
      this.#writable(
        { sizes: stacked ? [times, ...sizes] : sizes, dtype, buffer: bindings.results[i] },
        `program, result ${i}`,
      )
    })
  }
}

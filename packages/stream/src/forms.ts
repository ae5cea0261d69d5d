// Instructions that come again. What an instruction says beside where its operands lie follows from its attributes and its
// operands' shapes and steps: its form. From the second time on that a form is seen, C++ has its words, checked, with all
// that follows from them, and it is written as a call: which program, and where its operands are.
import {
  contractionOf,
  type DType,
  type Expr,
  hasMatrices,
  HostBuffer,
  type Instr,
  isPlain,
  isView,
  type Kind,
  newArray,
  type Operand,
  sameShape,
  type Shape,
  Slab,
  type Spec,
  type View,
  withOperands,
} from '@flambeau/core/backend'
import { encode, mayFail, workOf } from './encode.ts'
import { canCheck, hasKernel } from './supports.ts'
import type { Runner } from './host.ts'
import { type Read, Words } from './program.ts'
import { anyLength } from './words.ts'

/** How many forms C++ has at most, and how many of one expression are remembered. */
const most = 1024
const mostOfOne = 128

/** Kinds that core describes by the same object again and again, and whose words do not ask whose memory an operand is. */
const formed: ReadonlySet<string> = new Set<Kind>(['map', 'contract', 'argReduce', 'concat', 'gather', 'scan'])

/** What is kept of an operand: not its memory. */
interface Strided extends Spec {
  readonly strides: readonly number[]
}

export interface Form {
  readonly kind: string
  /** null is a number. */
  readonly inputs: readonly (Strided | null)[]
  readonly output: Spec
  readonly check: Expr | undefined
  readonly mayFail: boolean
  readonly work: number
  /** Its number in C++, and in which filling of the table; `unseen` before it has one, `plain` where it gets none. */
  program: number
  filling: number
}
const unseen = -1
const plain = -2

function formOf(instr: Instr): Form {
  const { kind, inputs, outputs, check } = instr
  return {
    kind,
    inputs: inputs.map((x) => (isView(x) ? { sizes: x.sizes, dtype: x.dtype, strides: x.strides } : null)),
    output: { sizes: outputs[0].sizes, dtype: outputs[0].dtype },
    check: check?.expr,
    mayFail: mayFail(instr),
    work: workOf(instr),
    program: unseen,
    filling: 0,
  }
}

const same = (a: Shape, b: Shape): boolean => a === b || sameShape(a, b)

/** A number has no strides. */
const isLike = ({ sizes, strides, dtype }: Partial<View>, y: Strided): boolean =>
  dtype === y.dtype && strides !== undefined && same(sizes as Shape, y.sizes) && same(strides, y.strides)

function fits(form: Form, { kind, inputs, outputs, check }: Instr): boolean {
  if (form.kind !== kind || form.inputs.length !== inputs.length || form.check !== check?.expr) return false
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i]
    const y = form.inputs[i]
    if (y === null) {
      if (isView(x)) return false
    } else if (!isLike(x as Partial<View>, y)) return false
  }
  const out = outputs[0]
  return out.dtype === form.output.dtype && same(out.sizes, form.output.sizes)
}

/** Forms of one expression, by what is most often another among them; null was seen once. */
interface Known {
  readonly supported: boolean
  last: Form | null
  readonly forms: Map<number, Form | null>
}

/** Of shapes and steps; what differs otherwise may have the same. */
function hashOf({ inputs, outputs }: Instr): number {
  let hash = outputs[0].sizes.length
  for (const size of outputs[0].sizes) hash = (Math.imul(hash, 31) + size) | 0
  for (let i = 0; i < inputs.length; i++) {
    const { sizes, strides } = inputs[i] as Partial<View>
    if (strides === undefined) continue
    for (let k = 0; k < strides.length; k++) hash = (Math.imul(hash, 961) + 31 * (sizes as Shape)[k] + strides[k]) | 0
  }
  return hash
}

export class Forms {
  readonly #backend: Runner
  readonly #known = new WeakMap<object, Known>()
  /** What was looked up last: whether an instruction can be run is asked just before it is. */
  #attrs: object | undefined
  #last: Known | undefined
  #count = 0
  #filling = 0

  constructor(backend: Runner) {
    this.#backend = backend
  }

  #of(instr: Instr): Known | undefined {
    const { attrs } = instr
    if (attrs === this.#attrs) return this.#last
    let known = this.#known.get(attrs)
    if (known === undefined && formed.has(instr.kind)) {
      known = { supported: hasKernel(instr), last: null, forms: new Map() }
      this.#known.set(attrs, known)
    }
    this.#attrs = attrs
    this.#last = known
    return known
  }

  /** Whether C++ can run an instruction. */
  supports(instr: Instr): boolean {
    if (instr.kind === 'contract' && !hasMatrices(instr) && !isPlain(contractionOf(instr))) return false
    const known = this.#of(instr)
    return (known === undefined ? hasKernel(instr) : known.supported) && (!instr.check || canCheck(instr.check.expr))
  }

  /** The form of an instruction if C++ has it, which it has from the second time on. */
  of(instr: Instr): Form | undefined {
    const known = this.#of(instr)
    if (known === undefined) return undefined
    let form = known.last
    if (form === null || !fits(form, instr)) {
      const hash = hashOf(instr)
      const found = known.forms.get(hash)
      if (found === undefined) {
        if (known.forms.size === mostOfOne) known.forms.clear()
        known.forms.set(hash, null)
        return undefined
      }
      form = found !== null && fits(found, instr) ? found : formOf(instr)
      known.last = form
      if (form !== found) known.forms.set(hash, form)
    }
    if (form.program < 0 || form.filling !== this.#filling) this.#define(form, instr)
    return form.program < 0 ? undefined : form
  }

  /** Gives C++ the words over operands that only stand for those of calls. */
  #define(form: Form, instr: Instr): void {
    if (form.program === plain) return
    form.program = plain
    const words = new Words(this.#backend)
    const standIn = (dtype: DType): HostBuffer => {
      const slab = new Slab(newArray(dtype, 0))
      words.row(slab)
      return new HostBuffer(this.#backend, slab.data, 0, anyLength, slab)
    }
    let numbers = 0
    const inputs = form.inputs.map((view, i): Operand => {
      if (view !== null) return { ...view, offset: 0, buffer: standIn(view.dtype) }
      const read: Read = { value: Number.NaN, dtype: instr.inputs[i].dtype, reading: numbers++ }
      return read
    })
    const outputs = instr.outputs.map(({ sizes, dtype }) => ({ sizes, dtype, buffer: standIn(dtype) }))
    const rows = words.slabs.length
    // Elements before an operand's first one are found by no call.
    if (inputs.some((x) => isView(x) && x.strides.some((step) => step < 0))) return
    encode(words, withOperands(instr, inputs, outputs), 0)
    // Memory for what comes in between is one instruction's.
    if (words.slabs.length > rows) return
    if (this.#count === most) {
      this.#backend.submit()
      this.#count = 0
      this.#filling++
    }
    this.#backend.host.define(this.#count, words.words, words.at, rows, numbers)
    form.filling = this.#filling
    form.program = this.#count++
  }
}

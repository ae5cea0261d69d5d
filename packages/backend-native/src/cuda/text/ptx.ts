// The PTX dialect: verbs as instructions of PTX ISA 6.3, which every driver since CUDA 10.0 compiles for every GPU from
// compute capability 7.5 on. Texts are deterministic and have no sizes in them, because drivers cache what they compile
// by text. Floats are rounded after every operation (`.rn`), which also keeps compilers from contracting them.
import type { Computed, DType } from '@flambeau/core/backend'
import type { Body, Kernel, Param, SharedPart } from '../plan.ts'
import type { Prelude } from './prelude.ts'
import { writeStep } from './steps.ts'
import { type Type, typeOf, type Value } from '../value.ts'
import type { IndexOp, KernelWriter, Position } from './writer.ts'

const registers: Readonly<Record<Type, { readonly prefix: string; readonly declared: string }>> = {
  pred: { prefix: '%p', declared: '.pred' },
  i32: { prefix: '%r', declared: '.b32' },
  i64: { prefix: '%rd', declared: '.b64' },
  f32: { prefix: '%f', declared: '.f32' },
  f64: { prefix: '%fd', declared: '.f64' },
}
const moved: Readonly<Record<Type, string>> = { pred: 'pred', i32: 'b32', i64: 'b64', f32: 'f32', f64: 'f64' }
/** How a load or a store names the elements of a dtype. */
const stored: Readonly<Record<DType, string>> = {
  bool: 'u8',
  uint8: 'u8',
  int32: 's32',
  float32: 'f32',
  float64: 'f64',
}
const bytes: Readonly<Record<DType, number>> = { bool: 1, uint8: 1, int32: 4, float32: 4, float64: 8 }

const positions: Readonly<Record<Position, string>> = {
  thread: '%tid.x',
  block: '%ctaid.x',
  blocks: '%nctaid.x',
}
const indexOps: Readonly<Record<IndexOp, string>> = {
  add: 'add.s32',
  sub: 'sub.s32',
  mul: 'mul.lo.s32',
  min: 'min.s32',
  mulHigh: 'mul.hi.u32',
  shiftRight: 'shr.u32',
}

const words = new DataView(new ArrayBuffer(8))
const hex = (word: number): string => word.toString(16).toUpperCase().padStart(8, '0')
function literal(value: number, type: Type): string {
  if (type === 'f32') {
    words.setFloat32(0, value)
    return `0f${hex(words.getUint32(0))}`
  }
  if (type !== 'f64') return `${value | 0}`
  words.setFloat64(0, value)
  return `0d${hex(words.getUint32(0))}${hex(words.getUint32(4))}`
}

/** The value of a constant; NaN if it is a register. */
const constantOf = ({ text }: Value): number => (text.startsWith('%') ? Number.NaN : Number(text))
/** What needs no instruction, because it is constant or one of its operands. */
function foldedIndex(op: IndexOp, a: Value, b: Value): Value | undefined {
  const [x, y] = [constantOf(a), constantOf(b)]
  const int = (value: number): Value => ({ type: 'i32', text: literal(value, 'i32') })
  switch (op) {
    case 'add':
      return x === 0 ? b : y === 0 ? a : Number.isNaN(x + y) ? undefined : int(x + y)
    case 'sub':
      return y === 0 ? a : Number.isNaN(x - y) ? undefined : int(x - y)
    case 'mul':
      return x === 1
        ? b
        : y === 1
          ? a
          : x === 0 || y === 0
            ? int(0)
            : Number.isNaN(x * y)
              ? undefined
              : int(Math.imul(x, y))
    default:
      return undefined
  }
}

/** The first lines of every text. */
export const heading = '.version 6.3\n.target sm_75\n.address_size 64\n'
/** The label at the end of a body. */
export const end = '$end'

/** The declarations of so many registers of each type. */
export const registersOf = (used: Readonly<Record<Type, number>>): string =>
  Object.entries(used)
    .filter(([, count]) => count > 0)
    .map(([type, count]) => {
      const { declared, prefix } = registers[type as Type]
      return `\t.reg ${declared} ${prefix}<${count + 1}>;\n`
    })
    .join('')
const sharedOf = (parts: readonly SharedPart[]): string =>
  parts.map(({ name, bytes }) => `\t.shared .align 8 .b8 ${name}[${bytes}];\n`).join('')
/** Reads the parameters of a body from a space of memory. */
export const loadsOf = ({ params }: Body, space: 'param' | 'shared', place: (i: number) => string): string =>
  params.map(({ type, text }, i) => `\tld.${space}.${moved[type]} ${text}, [${place(i)}];\n`).join('')

/** Equal texts are one object, by which the device knows what it has compiled. */
const known = new Map<string, Kernel>()

export class PtxWriter implements KernelWriter {
  readonly #prelude: Prelude
  readonly #numbersInMemory: boolean
  readonly #lines: string[] = []
  readonly #used: Record<Type, number> = { pred: 0, i32: 0, i64: 0, f32: 0, f64: 0 }
  readonly #params: Param[] = []
  /** The register of each parameter. */
  readonly #declared: Value[] = []
  readonly #called = new Set<string>()
  readonly #shared: SharedPart[] = []
  #labels = 0

  /** `numbersInMemory`: the parameter of a number is its address. */
  constructor(prelude: Prelude, numbersInMemory = false) {
    this.#prelude = prelude
    this.#numbersInMemory = numbersInMemory
  }

  /** A new register. */
  register(type: Type): Value {
    return { type, text: `${registers[type].prefix}${++this.#used[type]}` }
  }

  line(text: string): void {
    this.#lines.push(`\t${text};\n`)
  }

  /** An instruction with a result. */
  op(code: string, type: Type, ...args: readonly Value[]): Value {
    const to = this.register(type)
    this.line(`${code} ${[to, ...args].map(({ text }) => text).join(', ')}`)
    return to
  }

  literal(value: number, type: Type): Value {
    return { type, text: literal(value, type) }
  }

  /** Calls a function of the prelude. */
  call(name: string, type: Type, args: readonly Value[]): Value {
    this.#called.add(name)
    const size = (t: Type): string => (t === 'f64' || t === 'i64' ? 'b64' : 'b32')
    const to = this.register(type)
    this.#lines.push('\t{\n')
    args.forEach((x, i) => {
      this.line(`.param .${size(x.type)} a${i}`)
      this.line(`st.param.${moved[x.type]} [a${i}], ${x.text}`)
    })
    this.line(`.param .${size(type)} back`)
    this.line(`call.uni (back), ${name}, (${args.map((_, i) => `a${i}`).join(', ')})`)
    this.line(`ld.param.${moved[type]} ${to.text}, [back]`)
    this.#lines.push('\t}\n')
    return to
  }

  param(param: Param): Value {
    this.#params.push(param)
    const read = (type: Type): Value => {
      const to = this.register(type)
      this.#declared.push(to)
      return to
    }
    if (param.is === 'number') {
      const value = this.#numbersInMemory ? this.load('float64', read('i64'), this.int(0)) : read('f64')
      return this.number(value, param.dtype)
    }
    if (param.is === 'attribute') return read(param.type === 'int' ? 'i32' : 'f64')
    return read(param.is === 'int' || param.is === 'tag' ? 'i32' : 'i64')
  }

  number(x: Value, dtype: DType): Value {
    const type = typeOf[dtype]
    if (type === 'f64') return x
    return type === 'f32' ? this.op('cvt.rn.f32.f64', 'f32', x) : this.op('cvt.rzi.s32.f64', 'i32', x)
  }

  position(position: Position): Value {
    return this.op('mov.u32', 'i32', { type: 'i32', text: positions[position] })
  }

  int(value: number): Value {
    return this.literal(value, 'i32')
  }

  index(op: IndexOp, a: Value, b: Value): Value {
    return foldedIndex(op, a, b) ?? this.op(indexOps[op], 'i32', a, b)
  }

  indexMad(a: Value, b: Value, c: Value): Value {
    const product = foldedIndex('mul', a, b)
    return product === undefined ? this.op('mad.lo.s32', 'i32', a, b, c) : this.index('add', product, c)
  }

  compare(relation: 'lt' | 'ge' | 'eq' | 'ne', a: Value, b: Value): Value {
    return this.op(`setp.${relation}.${a.type === 'i32' ? 's32' : a.type}`, 'pred', a, b)
  }

  both(a: Value, b: Value): Value {
    return this.op('and.pred', 'pred', a, b)
  }

  constant(value: number, dtype: DType): Value {
    return this.literal(value, typeOf[dtype])
  }

  #at(address: Value, index: Value, dtype: DType): Value {
    return this.op('mad.wide.s32', 'i64', index, this.int(bytes[dtype]), address)
  }

  load(dtype: DType, address: Value, index: Value): Value {
    const at = this.#at(address, index, dtype)
    const to = this.register(typeOf[dtype])
    this.line(`ld.global.${stored[dtype]} ${to.text}, [${at.text}]`)
    return to
  }

  store(dtype: DType, address: Value, index: Value, value: Value): void {
    const at = this.#at(address, index, dtype)
    this.line(`st.global.${stored[dtype]} [${at.text}], ${value.text}`)
  }

  /** What moves four elements: pieces of at most 16 bytes, with the elements of each. */
  #pieces(
    dtype: DType,
    address: Value,
    i: Value,
  ): { readonly at: string; readonly code: string; readonly from: number; readonly to: number }[] {
    const start = this.op('mad.wide.s32', 'i64', i, this.int(4 * bytes[dtype]), address)
    const width = Math.min(4, 16 / bytes[dtype])
    return Array.from({ length: 4 / width }, (_, piece) => ({
      at: `[${start.text}+${16 * piece}]`,
      code: `global.v${width}.${stored[dtype]}`,
      from: piece * width,
      to: (piece + 1) * width,
    }))
  }

  loadFour(dtype: DType, address: Value, i: Value): readonly Value[] {
    const values = Array.from({ length: 4 }, () => this.register(typeOf[dtype]))
    for (const { at, code, from, to } of this.#pieces(dtype, address, i))
      this.line(
        `ld.${code} {${values
          .slice(from, to)
          .map(({ text }) => text)
          .join(', ')}}, ${at}`,
      )
    return values
  }

  storeFour(dtype: DType, address: Value, i: Value, values: readonly Value[]): void {
    // A constant is no operand of a vector.
    const held = values.map((value) => this.variable(value))
    for (const { at, code, from, to } of this.#pieces(dtype, address, i))
      this.line(
        `st.${code} ${at}, {${held
          .slice(from, to)
          .map(({ text }) => text)
          .join(', ')}}`,
      )
  }

  isWhole(operands: readonly { readonly address: Value; readonly dtype: DType }[]): Value {
    const rest = operands.map(({ address, dtype }) =>
      this.op('and.b64', 'i64', address, this.literal(Math.min(16, 4 * bytes[dtype]) - 1, 'i64')),
    )
    const all = rest.reduce((a, b) => this.op('or.b64', 'i64', a, b))
    return this.op('setp.eq.s64', 'pred', all, this.literal(0, 'i64'))
  }

  shared(dtype: DType, elements: number): Value {
    const name = `s${this.#shared.length}`
    this.#shared.push({ name, bytes: Math.ceil((elements * bytes[dtype]) / 8) * 8 })
    return this.op('mov.u32', 'i32', { type: 'i32', text: name })
  }

  loadShared(dtype: DType, address: Value, index: Value): Value {
    const at = this.indexMad(index, this.int(bytes[dtype]), address)
    const to = this.register(typeOf[dtype])
    this.line(`ld.shared.${stored[dtype]} ${to.text}, [${at.text}]`)
    return to
  }

  storeShared(dtype: DType, address: Value, index: Value, value: Value): void {
    const at = this.indexMad(index, this.int(bytes[dtype]), address)
    this.line(`st.shared.${stored[dtype]} [${at.text}], ${value.text}`)
  }

  barrier(): void {
    this.line('bar.sync 0')
  }

  fromLane(value: Value, bit: number): Value {
    const moveWord = (word: Value): Value => {
      const to = this.register('i32')
      this.line(`shfl.sync.bfly.b32 ${to.text}, ${word.text}, ${bit}, 31, -1`)
      return to
    }
    if (value.type === 'i32') return moveWord(value)
    if (value.type === 'f32') {
      const moved = moveWord(this.op('mov.b32', 'i32', value))
      return this.op('mov.b32', 'f32', moved)
    }
    const [low, high] = [this.register('i32'), this.register('i32')]
    this.line(`mov.b64 {${low.text}, ${high.text}}, ${value.text}`)
    const to = this.register(value.type)
    this.line(`mov.b64 ${to.text}, {${moveWord(low).text}, ${moveWord(high).text}}`)
    return to
  }

  variable(initial: Value): Value {
    return this.op(`mov.${moved[initial.type]}`, initial.type, initial)
  }

  set(variable: Value, value: Value): void {
    this.line(`mov.${moved[variable.type]} ${variable.text}, ${value.text}`)
  }

  #label(): string {
    return `$L${this.#labels++}`
  }

  loop(from: Value, below: Value, step: Value, body: (i: Value) => void): Value {
    const [again, done] = [this.#label(), this.#label()]
    const i = this.variable(from)
    this.#lines.push(`${again}:\n`)
    const ended = this.compare('ge', i, below)
    this.line(`@${ended.text} bra ${done}`)
    body(i)
    this.line(`add.s32 ${i.text}, ${i.text}, ${step.text}`)
    this.line(`bra ${again}`)
    this.#lines.push(`${done}:\n`)
    return i
  }

  returnIf(condition: Value): void {
    this.line(`@${condition.text} bra ${end}`)
  }

  /** Ends the body for this thread. */
  leave(): void {
    this.line(`bra ${end}`)
  }

  when(condition: Value, body: () => void): void {
    const done = this.#label()
    this.line(`@!${condition.text} bra ${done}`)
    body()
    this.#lines.push(`${done}:\n`)
  }

  step(step: Computed, dtype: DType, of: DType, args: readonly Value[]): Value {
    return writeStep(this, step, dtype, of, args)
  }

  hasFailed(flag: Value): Value {
    const noted = this.register('i32')
    this.line(`ld.relaxed.gpu.global.s32 ${noted.text}, [${flag.text}]`)
    return this.compare('ne', noted, this.int(0))
  }

  fail(flag: Value, tag: Value, value: Value): void {
    const before = this.register('i32')
    this.line(`atom.global.cas.b32 ${before.text}, [${flag.text}], 0, ${tag.text}`)
    this.when(this.compare('eq', before, this.int(0)), () => this.line(`st.global.u32 [${flag.text}+4], ${value.text}`))
  }

  kernel(name: string): { readonly kernel: Kernel; readonly params: readonly Param[] } {
    const body: Body = {
      params: this.#declared,
      used: this.#used,
      shared: this.#shared,
      code: this.#lines.join(''),
      calls: this.#called,
    }
    const text = `${heading}${this.#prelude.textOf(this.#called)}.visible .entry ${name}(
${body.params.map(({ type }, i) => `\t.param .${moved[type]} p${i}`).join(',\n')}
)
{
${registersOf(this.#used)}${sharedOf(this.#shared)}${loadsOf(body, 'param', (i) => `p${i}`)}${body.code}${end}:
\tret;
}
`
    let kernel = known.get(text)
    if (kernel === undefined) {
      kernel = { text, name, body }
      known.set(text, kernel)
    }
    return { kernel, params: this.#params }
  }
}

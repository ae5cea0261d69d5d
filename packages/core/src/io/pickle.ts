// Python's pickles as plain data. A pickle is a program for a small stack machine; this one knows the opcodes in the table
// below and no others. It runs no code: a global stands for what the caller's allow-list says, or the pickle is refused
// with the global's name. Every opcode adds at most one entry to the stack or to the memo, and no length is believed
// before the bytes are there, so that memory stays below 150 times the pickle's size whatever it says.
import { ValueError } from '../base/errors.ts'
import { fromUtf8 } from './utf8.ts'

/** A Python tuple; a list is a plain array. */
export class Tuple extends Array<unknown> {}

/** A Python dict, OrderedDict or set, with its entries as they were written; a key may occur twice. */
export class Collection {
  readonly kind: 'dict' | 'OrderedDict' | 'set'
  /** Keys and values in turn, or a set's values; null while there are none, because an empty one costs one byte. */
  items: unknown[] | null = null
  /** The attributes of an OrderedDict: `_metadata` of a state dict. */
  attributes: Collection | null = null

  constructor(kind: Collection['kind'], items: unknown[] | null = null) {
    this.kind = kind
    this.items = items
  }

  add(items: readonly unknown[]): void {
    if (items.length === 0) return
    this.items ??= []
    for (const item of items) this.items.push(item)
  }
}

/** The error for the opcode that is being run. */
export type Fail = (sentence: string, hint?: string) => ValueError

/** A function that a pickle may call. */
export class Callable {
  readonly call: (args: Tuple, fail: Fail) => unknown

  constructor(call: Callable['call']) {
    this.call = call
  }
}

/** What a pickle means: what its names stand for, and objects that were stored outside of it. */
export interface Meaning {
  /** What a global, 'module.name', stands for: a `Callable` or a constant. Throws for one that is not allowed. */
  global(name: string, fail: Fail): unknown
  /** The object with a persistent id. */
  persistent(id: unknown, fail: Fail): unknown
}

const saveAgain = 'Write it with torch.save(model.state_dict(), path), whose pickles have protocol 2.'
/** Longer names of globals and longer integers do not occur. */
const LONGEST = 255

class Machine {
  readonly #name: string
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly meaning: Meaning
  /** Where the next byte is read, and where the opcode began. */
  at: number
  #start: number
  readonly #stack: unknown[] = []
  /** The height of the stack at each mark; what is below the last one is out of reach. */
  readonly #marks: number[] = []
  readonly memo = new Map<number, unknown>()
  done = false

  constructor(name: string, bytes: Uint8Array, start: number, meaning: Meaning) {
    this.#name = name
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.meaning = meaning
    this.at = start
    this.#start = start
  }

  readonly fail: Fail = (sentence, hint) =>
    new ValueError(`${this.#name}: byte ${this.#start} of the pickle: ${sentence}`, hint)

  run(): unknown {
    while (!this.done) {
      this.#start = this.at
      const code = this.byte()
      const known = Object.hasOwn(opcodes, code) ? opcodes[code] : undefined
      if (known === undefined) {
        const text = code > 32 && code < 127 ? ` ('${String.fromCharCode(code)}')` : ''
        throw this.fail(`Unsupported operand ${code}${text}`, saveAgain)
      }
      known[1](this)
    }
    return this.pop()
  }

  /** The next `size` bytes, without a copy. */
  take(size: number): Uint8Array {
    const left = this.#bytes.length - this.at
    if (size > left)
      throw this.fail(`it wants ${size} bytes more, of which ${left} are there`, 'The file is cut short.')
    this.at += size
    return this.#bytes.subarray(this.at - size, this.at)
  }
  byte(): number {
    return this.at < this.#bytes.length ? this.#bytes[this.at++] : this.take(1)[0]
  }
  number(read: 'getUint16' | 'getUint32' | 'getInt32', size: number): number {
    this.take(size)
    return this.#view[read](this.at - size, true)
  }
  float(): number {
    this.take(8)
    return this.#view.getFloat64(this.at - 8)
  }
  /** A size of 8 bytes. */
  size(): number {
    this.take(8)
    return Number(this.#view.getBigUint64(this.at - 8, true))
  }
  text(size: number): string {
    const text = fromUtf8(this.take(size))
    if (text === undefined) throw this.fail('a string is not UTF-8')
    return text
  }
  line(): string {
    const end = this.#bytes.subarray(this.at, this.at + LONGEST + 1).indexOf(10)
    if (end < 0) throw this.fail('the name of a global has no end')
    const text = this.text(end)
    this.at++
    return text
  }
  /** An integer in two's complement, from the lowest byte; a bigint where a number cannot hold it. */
  long(size: number): number | bigint {
    if (size > LONGEST) throw this.fail(`an integer has ${size} bytes`, `Integers have up to ${LONGEST} bytes.`)
    const bytes = this.take(size)
    let value = 0n
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i])
    value = BigInt.asIntN(8 * size, value)
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }

  push(value: unknown): void {
    this.#stack.push(value)
  }
  #reach(count: number): void {
    if (this.#stack.length - count < (this.#marks.at(-1) ?? 0)) throw this.fail('the stack is empty', saveAgain)
  }
  pop(): unknown {
    this.#reach(1)
    return this.#stack.pop()
  }
  top(): unknown {
    this.#reach(1)
    return this.#stack.at(-1)
  }
  mark(): void {
    this.#marks.push(this.#stack.length)
  }
  /** What is above the last mark. */
  popMark(): unknown[] {
    const from = this.#marks.pop()
    if (from === undefined) throw this.fail('there is no mark', saveAgain)
    return this.#stack.splice(from)
  }
  tuple(count: number): void {
    this.#reach(count)
    const from = this.#stack.length - count
    const items = new Tuple()
    for (let i = from; i < from + count; i++) items.push(this.#stack[i])
    this.#stack.length = from
    this.push(items)
  }

  list(): unknown[] {
    const list = this.top()
    if (Array.isArray(list) && !(list instanceof Tuple)) return list
    throw this.fail(`Can only append to lists, but got ${typeOf(list)}`)
  }
  collection(isSet: boolean): Collection {
    const x = this.top()
    if (x instanceof Collection && (x.kind === 'set') === isSet) return x
    throw this.fail(`Can only add to ${isSet ? 'sets' : 'dicts'}, but got ${typeOf(x)}`)
  }
  global(module: unknown, name: unknown): void {
    if (typeof module !== 'string' || typeof name !== 'string') throw this.fail('the name of a global is not a string')
    this.push(this.meaning.global(`${module}.${name}`, this.fail))
  }
  reduce(): void {
    const args = this.pop()
    const called = this.pop()
    if (!(called instanceof Callable))
      throw this.fail(`Trying to call reduce for unrecognized function ${typeOf(called)}`)
    if (!(args instanceof Tuple)) throw this.fail(`the arguments of a call are ${typeOf(args)}, not a tuple`)
    this.push(called.call(args, this.fail))
  }
  build(): void {
    const state = this.pop()
    const built = this.top()
    if (!(built instanceof Collection) || built.kind !== 'OrderedDict' || !(state instanceof Collection))
      throw this.fail(`Can only build Tensor, parameter or dict objects, but got ${typeOf(built)}`, saveAgain)
    built.attributes = state
  }
  recall(index: number): void {
    if (!this.memo.has(index)) throw this.fail(`the memo has no entry ${index}`)
    this.push(this.memo.get(index))
  }
}

/** A value's type in messages, in Python's words. */
export function typeOf(x: unknown): string {
  if (x === null) return 'None'
  if (x instanceof Collection) return x.kind
  if (x instanceof Tuple) return 'tuple'
  if (Array.isArray(x)) return 'list'
  if (x instanceof Callable) return 'a function'
  const words: Record<string, string> = { string: 'str', boolean: 'bool', bigint: 'int' }
  if (typeof x === 'number') return Number.isInteger(x) ? 'int' : 'float'
  return words[typeof x] ?? (x instanceof Uint8Array ? 'bytes' : 'an object')
}

/** Every opcode that is known, with Python's name of it. All others are refused; so is a protocol above 5. */
const opcodes: Readonly<Record<number, readonly [name: string, run: (m: Machine) => void]>> = {
  128: [
    'PROTO',
    (m) => {
      const version = m.byte()
      if (version > 5) throw m.fail(`unsupported pickle protocol: ${version}`, saveAgain)
    },
  ],
  149: ['FRAME', (m) => void m.take(8)],
  46: ['STOP', (m) => void (m.done = true)],

  78: ['NONE', (m) => m.push(null)],
  137: ['NEWFALSE', (m) => m.push(false)],
  136: ['NEWTRUE', (m) => m.push(true)],
  75: ['BININT1', (m) => m.push(m.byte())],
  77: ['BININT2', (m) => m.push(m.number('getUint16', 2))],
  74: ['BININT', (m) => m.push(m.number('getInt32', 4))],
  138: ['LONG1', (m) => m.push(m.long(m.byte()))],
  139: ['LONG4', (m) => m.push(m.long(m.number('getUint32', 4)))],
  71: ['BINFLOAT', (m) => m.push(m.float())],
  140: ['SHORT_BINUNICODE', (m) => m.push(m.text(m.byte()))],
  88: ['BINUNICODE', (m) => m.push(m.text(m.number('getUint32', 4)))],
  141: ['BINUNICODE8', (m) => m.push(m.text(m.size()))],
  // The strings of Python 2.
  85: ['SHORT_BINSTRING', (m) => m.push(m.text(m.byte()))],
  84: ['BINSTRING', (m) => m.push(m.text(m.number('getUint32', 4)))],
  67: ['SHORT_BINBYTES', (m) => m.push(m.take(m.byte()).slice())],
  66: ['BINBYTES', (m) => m.push(m.take(m.number('getUint32', 4)).slice())],

  40: ['MARK', (m) => m.mark()],
  41: ['EMPTY_TUPLE', (m) => m.push(new Tuple())],
  133: ['TUPLE1', (m) => m.tuple(1)],
  134: ['TUPLE2', (m) => m.tuple(2)],
  135: ['TUPLE3', (m) => m.tuple(3)],
  116: ['TUPLE', (m) => m.push(Tuple.from(m.popMark()))],
  93: ['EMPTY_LIST', (m) => m.push([])],
  97: [
    'APPEND',
    (m) => {
      const item = m.pop()
      m.list().push(item)
    },
  ],
  101: [
    'APPENDS',
    (m) => {
      const items = m.popMark()
      const list = m.list()
      for (const item of items) list.push(item)
    },
  ],
  125: ['EMPTY_DICT', (m) => m.push(new Collection('dict'))],
  115: [
    'SETITEM',
    (m) => {
      const value = m.pop()
      const key = m.pop()
      m.collection(false).add([key, value])
    },
  ],
  117: [
    'SETITEMS',
    (m) => {
      const items = m.popMark()
      if (items.length % 2 > 0) throw m.fail('a key has no value')
      m.collection(false).add(items)
    },
  ],
  143: ['EMPTY_SET', (m) => m.push(new Collection('set'))],
  144: [
    'ADDITEMS',
    (m) => {
      const items = m.popMark()
      m.collection(true).add(items)
    },
  ],

  113: ['BINPUT', (m) => void m.memo.set(m.byte(), m.top())],
  114: ['LONG_BINPUT', (m) => void m.memo.set(m.number('getUint32', 4), m.top())],
  148: ['MEMOIZE', (m) => void m.memo.set(m.memo.size, m.top())],
  104: ['BINGET', (m) => m.recall(m.byte())],
  106: ['LONG_BINGET', (m) => m.recall(m.number('getUint32', 4))],

  99: [
    'GLOBAL',
    (m) => {
      const module = m.line()
      m.global(module, m.line())
    },
  ],
  147: [
    'STACK_GLOBAL',
    (m) => {
      const name = m.pop()
      m.global(m.pop(), name)
    },
  ],
  82: ['REDUCE', (m) => m.reduce()],
  // cls.__new__(cls, *args): of the classes that are allowed, the same as a call.
  129: ['NEWOBJ', (m) => m.reduce()],
  98: ['BUILD', (m) => m.build()],
  81: ['BINPERSID', (m) => m.push(m.meaning.persistent(m.pop(), m.fail))],
}

/** The names of the opcodes that are known, for the guide and the tests. */
export const opcodeNames = (): ReadonlyMap<number, string> =>
  new Map(Object.entries(opcodes).map(([code, [name]]) => [Number(code), name]))

/**
 * Reads one pickle that begins at `start`; `name` names the file in errors. Returns what it holds, as data of the classes
 * above, and where it ends. Throws a ValueError for anything else, with the byte and what is wrong there.
 */
export function unpickle(
  name: string,
  bytes: Uint8Array,
  start: number,
  meaning: Meaning,
): { value: unknown; end: number } {
  const machine = new Machine(name, bytes, start, meaning)
  const value = machine.run()
  return { value, end: machine.at }
}

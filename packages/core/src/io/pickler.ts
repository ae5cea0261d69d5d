// Writes pickles of protocol 2 as Python's own pickler does: the same opcodes in the same order, with a memo entry for
// every string, container, global and result of a call. What is written for a module's state dict are the bytes of
// `torch.save`.
import { ValueError } from '../base/errors.ts'
import { toUtf8 } from './utf8.ts'

/** Python's batches of entries. */
const BATCH = 1000
const code = (text: string): number => text.charCodeAt(0)
const MARK = code('(')
const REDUCE = code('R')

export class Pickler {
  #bytes = new Uint8Array(1024)
  #view = new DataView(this.#bytes.buffer)
  #size = 0
  /** Memo entries of strings and of objects, and of globals by their names. */
  readonly #memo = new Map<unknown, number>()
  readonly #globals = new Map<string, number>()
  #entries = 0

  constructor() {
    this.bytes(0x80, 2)
  }

  /** What was written, with the end of the pickle. */
  finish(): Uint8Array {
    this.bytes(code('.'))
    return this.#bytes.slice(0, this.#size)
  }

  /** Makes room for as many bytes, and returns where they begin. */
  #room(count: number): number {
    const at = this.#size
    this.#size += count
    if (this.#size > this.#bytes.length) {
      const grown = new Uint8Array(2 * this.#size)
      grown.set(this.#bytes.subarray(0, at))
      this.#bytes = grown
      this.#view = new DataView(grown.buffer)
    }
    return at
  }
  bytes(...bytes: readonly number[]): void {
    const at = this.#room(bytes.length)
    this.#bytes.set(bytes, at)
  }
  #raw(opcode: number, bytes: Uint8Array): void {
    const at = this.#room(5 + bytes.length)
    this.#bytes[at] = opcode
    this.#view.setUint32(at + 1, bytes.length, true)
    this.#bytes.set(bytes, at + 5)
  }

  /** Gives what was written last the next entry of the memo. */
  #put(memo?: Map<unknown, number>, key?: unknown): void {
    const entry = this.#entries++
    memo?.set(key, entry)
    this.#index(code('q'), code('r'), entry)
  }
  #index(short: number, long: number, entry: number): void {
    if (entry < 256) return this.bytes(short, entry)
    const at = this.#room(5)
    this.#bytes[at] = long
    this.#view.setUint32(at + 1, entry, true)
  }
  #recalled(memo: Map<unknown, number>, key: unknown): boolean {
    const entry = memo.get(key)
    if (entry !== undefined) this.#index(code('h'), code('j'), entry)
    return entry !== undefined
  }
  /** Recalls an object that was written before, and says whether there was one. */
  recall(object: object): boolean {
    return this.#recalled(this.#memo, object)
  }

  none(): void {
    this.bytes(code('N'))
  }
  bool(value: boolean): void {
    this.bytes(value ? 0x88 : 0x89)
  }
  /** A whole number that JavaScript holds exactly becomes an int, any other a float. */
  number(value: number | bigint): void {
    if (typeof value === 'bigint' || (Number.isSafeInteger(value) && !Object.is(value, -0))) return this.#int(value)
    const at = this.#room(9)
    this.#bytes[at] = code('G')
    this.#view.setFloat64(at + 1, value)
  }
  #int(value: number | bigint): void {
    if (value >= 0 && value < 256) return this.bytes(code('K'), Number(value))
    if (value >= 0 && value < 65536) return this.bytes(code('M'), Number(value) & 255, Number(value) >> 8)
    if (value >= -(2 ** 31) && value < 2 ** 31) {
      const at = this.#room(5)
      this.#bytes[at] = code('J')
      this.#view.setInt32(at + 1, Number(value), true)
      return
    }
    let left = BigInt(value)
    const long: number[] = []
    // Until what is left is the sign of the highest byte that was written.
    do {
      long.push(Number(BigInt.asUintN(8, left)))
      left >>= 8n
    } while (left !== (long[long.length - 1] > 127 ? -1n : 0n))
    if (long.length > 255) throw new ValueError(`an integer of ${long.length} bytes cannot be written`)
    this.bytes(0x8a, long.length, ...long)
  }
  string(text: string): void {
    if (this.#recalled(this.#memo, text)) return
    this.freshString(text)
    this.#memo.set(text, this.#entries - 1)
  }
  /** A string that Python makes anew each time, so that it never recalls one. */
  freshString(text: string): void {
    if (/\p{Surrogate}/u.test(text))
      throw new ValueError('a string has half of a surrogate pair, which UTF-8 cannot write')
    this.#raw(code('X'), toUtf8(text))
    this.#put()
  }
  /** Bytes, as Python writes them in protocol 2. */
  byteString(bytes: Uint8Array): void {
    let text = ''
    for (const byte of bytes) text += String.fromCharCode(byte)
    this.global('_codecs', 'encode')
    this.string(text)
    this.string('latin1')
    this.tuple(2)
    this.reduce(bytes)
  }

  list<T>(object: object, items: readonly T[], write: (item: T) => void): void {
    this.bytes(code(']'))
    this.#put(this.#memo, object)
    this.#batches(items, write, code('a'), code('e'))
  }
  dict<K, V>(object: object, entries: readonly (readonly [K, V])[], write: (entry: readonly [K, V]) => void): void {
    this.bytes(code('}'))
    this.#put(this.#memo, object)
    this.#batches(entries, write, code('s'), code('u'))
  }
  orderedDict<K, V>(
    object: object,
    entries: readonly (readonly [K, V])[],
    write: (entry: readonly [K, V]) => void,
  ): void {
    this.global('collections', 'OrderedDict')
    this.bytes(code(')'))
    this.reduce(object)
    this.#batches(entries, write, code('s'), code('u'))
  }
  #batches<T>(items: readonly T[], write: (item: T) => void, one: number, many: number): void {
    for (let from = 0; from < items.length; from += BATCH) {
      const to = Math.min(from + BATCH, items.length)
      const single = to - from === 1
      if (!single) this.bytes(MARK)
      for (let i = from; i < to; i++) write(items[i])
      this.bytes(single ? one : many)
    }
  }

  mark(): void {
    this.bytes(MARK)
  }
  /** A tuple of what was written since: the last `count` values, or all after the mark. */
  tuple(count?: number): void {
    if (count === 0) return this.bytes(code(')'))
    this.bytes(count === undefined ? code('t') : 0x84 + count)
    this.#put()
  }
  /** A tuple of whole numbers. */
  numbers(values: readonly number[]): void {
    if (values.length > 3) this.mark()
    for (const value of values) this.number(value)
    this.tuple(values.length > 3 ? undefined : values.length)
  }
  global(module: string, name: string): void {
    const full = `${module}\n${name}\n`
    if (this.#recalled(this.#globals, full)) return
    this.bytes(code('c'), ...toUtf8(full))
    this.#put(this.#globals, full)
  }
  /** Calls a global with a tuple; `object` is what this makes. */
  reduce(object?: object): void {
    this.bytes(REDUCE)
    this.#put(object === undefined ? undefined : this.#memo, object)
  }
  /** Sets the attributes of an object. */
  build(): void {
    this.bytes(code('b'))
  }
  persistent(): void {
    this.bytes(code('Q'))
  }
}

// A log of a training as JSON lines: one entry, one line, on the disk when `append` returns. A program that is killed
// leaves at most half a line, which the next one removes.
import { type GrowingFile, openFile, readWhole } from '#training-files'
import { signatures, Tensor, TypeError, ValueError } from '@flambeau/core'

const { constructing, int, keyword, required, signature, str, bool } = signatures

/** What a line holds: names with numbers, texts, booleans, lists of them, and objects. */
export type Entry = Readonly<Record<string, unknown>>

const entry: signatures.Kind<Entry> = {
  expected: 'dict',
  accepts: (x) => typeof x === 'object' && x !== null && !Array.isArray(x) && signatures.isOptions(x),
  hint: 'An entry is a plain object: { step, loss }.',
}
const readLog = constructing('JsonLinesLog', required('path', str), keyword('resume', bool, true))
const readAppend = signature('append', required('entry', entry))
const readRewind = signature('rewind', required('count', int))

/** JSON has no numbers that are not finite, so they are texts. */
const special = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
])
const written = (key: string, x: unknown): unknown => {
  if (typeof x === 'number' && !Number.isFinite(x)) return String(x)
  if (typeof x === 'bigint' || typeof x === 'function' || typeof x === 'symbol')
    throw new TypeError(`append(): entry '${key}' is a ${typeof x}, which JSON has not`)
  return x
}
const read = (_: string, x: unknown): unknown => (typeof x === 'string' ? (special.get(x) ?? x) : x)

/** Tensors of one element are numbers; others are lists, as `JSON.stringify` would not write them. */
const plain = (x: unknown, depth: number): unknown => {
  if (depth > 64) throw new ValueError('append(): the entry is too deep', 'Does it contain itself?')
  if (x instanceof Tensor) return x.elements === 1 ? x.detach().item() : x.detach().toNested()
  if (ArrayBuffer.isView(x) && !(x instanceof DataView)) return Array.from(x as Float32Array)
  if (Array.isArray(x)) return x.map((value) => plain(value, depth + 1))
  if (typeof x !== 'object' || x === null || !signatures.isOptions(x)) return x
  return Object.fromEntries(Object.entries(x).map(([name, value]) => [name, plain(value, depth + 1)]))
}

/** What `loadLog` and the constructor find in a file. */
interface Found {
  readonly entries: Entry[]
  /** Where each line ends. */
  readonly ends: number[]
  /** What is behind the last whole line. */
  readonly rest: string
}

function parse(bytes: Uint8Array, path: string): Found {
  const found: Found = { entries: [], ends: [], rest: '' }
  const decoder = new TextDecoder()
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(10, from)
    const text = decoder.decode(bytes.subarray(from, end < 0 ? bytes.length : end))
    if (end < 0) return { ...found, rest: text }
    let value: unknown
    try {
      value = JSON.parse(text, read)
    } catch (error) {
      const line = found.entries.length + 1
      throw new ValueError(
        `${path}, line ${line}: ${(error as Error).message}`,
        'Only the last line may be damaged, by a program that was killed. Mend or remove it, or begin a new file.',
      )
    }
    if (!entry.accepts(value)) throw new ValueError(`${path}, line ${found.entries.length + 1}: the line is no object`)
    found.entries.push(value as Entry)
    found.ends.push(end + 1)
    from = end + 1
  }
  return found
}

/**
 * A log of a training as JSON lines: each entry is a line of the file, which is on the disk when `append` returns. A file
 * that is there already is gone on with, and its entries are in `entries`; `{ resume: false }` begins it anew. Half a last
 * line, which a program leaves that was killed while it wrote, is removed, and is then in `dropped`.
 *
 * NaN and infinities are written as texts and read as numbers; a tensor of one element is written as its number, others
 * as lists.
 *
 * Only in Node: in a browser it throws a RuntimeError. Throws a ValueError that names the file and the line for a file
 * that has other lines, which is then left as it is.
 *
 * @example
 * // not run: writes a file
 * const log = new JsonLinesLog('runs/first.jsonl')
 * for (let epoch = log.entries.length; epoch < 10; epoch++) log.append({ epoch, loss: train(), accuracy: test() })
 */
export class JsonLinesLog {
  readonly path: string
  /** Half a line that was removed from the end of the file, if there was one. */
  readonly dropped: string | undefined
  readonly #file: GrowingFile
  readonly #entries: Entry[]
  readonly #ends: number[]

  constructor(path: string, options?: { readonly resume?: boolean })
  constructor(...args: readonly unknown[]) {
    const [path, resume] = readLog(args)
    const { entries, ends, rest } = resume ? parse(readWhole(path), path) : { entries: [], ends: [], rest: '' }
    this.path = path
    this.dropped = rest === '' ? undefined : rest
    this.#entries = entries
    this.#ends = ends
    this.#file = openFile(path)
    if (rest !== '' || !resume) this.#file.truncate(this.#size)
    if (rest !== '')
      console.warn(`flambeau: ${path}: removed half a line at its end, ${JSON.stringify(rest.slice(0, 80))}`)
  }

  /** The entries of the file, in order. */
  get entries(): readonly Entry[] {
    return this.#entries
  }

  /**
   * Writes an entry as a line. Throws a TypeError for what is no plain object or has no JSON, and a ValueError for one
   * that contains itself; nothing is written then.
   *
   * @example
   * // not run: writes a file
   * log.append({ step: 100, loss })
   */
  append(entry: Entry): void {
    const [given] = readAppend([entry])
    const line = JSON.stringify(plain(given, 0), written)
    const bytes = new TextEncoder().encode(`${line}\n`)
    this.#file.write(bytes)
    this.#ends.push(this.#size + bytes.length)
    this.#entries.push(JSON.parse(line, read) as Entry)
  }

  /**
   * Keeps the first `count` entries, for a training that goes on from an earlier checkpoint. Throws a ValueError for a
   * number that the log does not have.
   */
  rewind(count: number): void {
    const [kept] = readRewind([count])
    if (kept < 0 || kept > this.#entries.length)
      throw new ValueError(`rewind(): the log has ${this.#entries.length} entries, not ${kept}`)
    this.#file.truncate(kept === 0 ? 0 : this.#ends[kept - 1])
    this.#entries.length = kept
    this.#ends.length = kept
  }

  /** Closes the file. */
  close(): void {
    this.#file.close()
  }

  get #size(): number {
    return this.#ends[this.#ends.length - 1] ?? 0
  }
}

// A table keyed by many numbers. Numbers are written into one reused key, because a string of them would be built,
// hashed and discarded at every instruction.

/** A sequence of numbers with the kind of instruction that they describe. */
export class Key {
  readonly #words: number[] = []
  #length = 0
  #kind = ''
  hash = 0

  /** Starts a new key. */
  start(kind: string): void {
    this.#kind = kind
    this.#length = 0
    this.hash = 0
  }

  add(word: number): void {
    this.#words[this.#length++] = word
    this.hash = Math.imul(((this.hash << 5) | (this.hash >>> 27)) ^ word, 0x9e3779b1)
  }

  /** Adds the length of a list and its elements. */
  addAll(words: readonly number[]): void {
    this.add(words.length)
    for (let i = 0; i < words.length; i++) this.add(words[i])
  }

  /** A table entry for a value under the current key. */
  of<T>(value: T): Known<T> {
    return { kind: this.#kind, words: this.#words.slice(0, this.#length), value }
  }

  finds({ kind, words }: Known<unknown>): boolean {
    if (kind !== this.#kind || words.length !== this.#length) return false
    for (let i = 0; i < words.length; i++) if (words[i] !== this.#words[i]) return false
    return true
  }
}

interface Known<T> {
  readonly kind: string
  readonly words: readonly number[]
  readonly value: T
}

/** Values by key, each at its key's hash, or at the next free number. */
export class Table<T> {
  readonly #known = new Map<number, Known<T>>()

  get size(): number {
    return this.#known.size
  }

  find(key: Key): T | undefined {
    for (let at = key.hash; ; at++) {
      const known = this.#known.get(at)
      if (known === undefined) return undefined
      if (key.finds(known)) return known.value
    }
  }

  /** Adds a value for a key that was not found. */
  add(key: Key, value: T): void {
    let at = key.hash
    while (this.#known.has(at)) at++
    this.#known.set(at, key.of(value))
  }
}

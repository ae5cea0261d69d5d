// Values found by many numbers. The numbers of what is looked for are written into one key, again and again: a text of
// them would be made, hashed and thrown away at every instruction.

/** Some numbers and the kind of instruction that they are of. */
export class Key {
  readonly #words: number[] = []
  #length = 0
  #kind = ''
  hash = 0

  /** Forgets all numbers. */
  start(kind: string): void {
    this.#kind = kind
    this.#length = 0
    this.hash = 0
  }

  add(word: number): void {
    this.#words[this.#length++] = word
    this.hash = Math.imul(((this.hash << 5) | (this.hash >>> 27)) ^ word, 0x9e3779b1)
  }

  /** How many, and which. */
  addAll(words: readonly number[]): void {
    this.add(words.length)
    for (let i = 0; i < words.length; i++) this.add(words[i])
  }

  /** A value that is found by this key as it is now. */
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

/** Values by their keys: each at its key's hash, or at the next number that was free. */
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

  /** Adds a value whose key was not found. */
  add(key: Key, value: T): void {
    let at = key.hash
    while (this.#known.has(at)) at++
    this.#known.set(at, key.of(value))
  }
}

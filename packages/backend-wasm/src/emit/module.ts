// Writes WebAssembly modules: types, imports, functions and exports as the bytes of the binary format. The same calls
// give the same bytes. What a function computes is built from the instructions of code.ts.
import { bytesOf, type Code, unsigned } from './code.ts'

export const i32 = 0x7f
export const f32 = 0x7d
export const f64 = 0x7c
export const v128 = 0x7b
/** The index of the pointer to the stack of C++. */
export const stackPointer = 0
/** The index of the mask by which long loops turn round: 0 if the next one goes forwards, -1 if it goes backwards. */
export const turned = 1
/** The type of a value. */
export type Type = typeof i32 | typeof f32 | typeof f64 | typeof v128

/** A local variable of a function. */
export interface Local {
  readonly get: Code
  set(value: Code): Code
  /** Sets it and leaves the value. */
  tee(value: Code): Code
}

/** A function that is being written: its locals and its instructions. */
export class Body {
  readonly #params: number
  readonly #locals: Type[] = []
  /** The code that reads each local, and the locals by it and by their index as it is written. */
  readonly #gets: Code[] = []
  readonly #numbers = new Map<Code, number>()
  readonly #code: Code[] = []

  constructor(params: number) {
    this.#params = params
  }

  param(index: number): Local {
    return localAt(index)
  }

  local(type: Type): Local {
    const local = localAt(this.#params + this.#locals.push(type) - 1)
    const number = this.#gets.push(local.get) - 1
    this.#numbers.set(local.get, number).set((local.get as readonly Code[])[1], number)
    return local
  }

  /** The number of the local that this code reads; undefined if it is other code. */
  localOf(code: Code): number | undefined {
    return this.#numbers.get(code)
  }

  /** The local, if it is of vectors, that this instruction sets, and its value. */
  vectorSet(code: Code): { readonly local: number; readonly value: Code } | undefined {
    const [value, instruction, at] = code as readonly Code[]
    const local = instruction === 0x21 ? this.#numbers.get(at) : undefined
    return local !== undefined && this.#locals[local] === v128 ? { local, value } : undefined
  }
  vector(local: number): Code {
    return this.#gets[local]
  }
  setVector(local: number, value: Code): Code {
    return localAt(this.#params + local).set(value)
  }

  /** Appends instructions. */
  add(...code: readonly Code[]): void {
    this.#code.push(...code)
  }

  /** Keeps a value in a local of its own; the result reads it. */
  keep(value: Code, type: Type = v128): Code {
    const local = this.local(type)
    this.add(local.set(value))
    return local.get
  }

  /** What `write` appends, as a piece of code instead. */
  piece(write: () => void): readonly Code[] {
    const from = this.#code.length
    write()
    return this.#code.splice(from)
  }

  /** Runs `write` again and again, as long as the i32 that it returns is not 0. */
  loop(write: () => Code): void {
    this.add([0x03, 0x40])
    const again = write()
    this.add(again, [0x0d, 0, 0x0b])
  }

  /** The bytes of the function in the code section. */
  encode(): Code {
    const groups: Code[] = []
    for (let i = 0; i < this.#locals.length; ) {
      let end = i
      while (end < this.#locals.length && this.#locals[end] === this.#locals[i]) end++
      groups.push([...unsigned(end - i), this.#locals[i]])
      i = end
    }
    return sized([unsigned(groups.length), groups, this.#code, 0x0b])
  }
}

function localAt(index: number): Local {
  const at = unsigned(index)
  return {
    get: [0x20, at],
    set: (value) => [value, 0x21, at],
    tee: (value) => [value, 0x22, at],
  }
}

export interface Signature {
  readonly params: readonly Type[]
  readonly results: readonly Type[]
}

const sized = (code: Code): Code => {
  const bytes = bytesOf(code)
  return [unsigned(bytes.length), bytes]
}
const list = (items: readonly Code[]): Code => [unsigned(items.length), items]
/** A name of ASCII. */
const text = (name: string): Code => list(Array.from(name, (letter) => letter.charCodeAt(0)))
const section = (id: number, items: readonly Code[]): Code => (items.length === 0 ? [] : [id, sized(list(items))])

/** A module that imports a memory and functions. All imports come before the first function. */
export class Module {
  readonly #types: string[] = []
  readonly #typeBytes: Code[] = []
  readonly #imports: Code[] = []
  readonly #functions: { readonly type: number; readonly body: Body }[] = []
  readonly #exports: Code[] = []
  #imported = 0

  #type({ params, results }: Signature): number {
    const key = `${params} ${results}`
    const known = this.#types.indexOf(key)
    if (known >= 0) return known
    this.#typeBytes.push([0x60, list([...params]), list([...results])])
    return this.#types.push(key) - 1
  }

  importMemory(from: string, name: string): void {
    this.#imports.push([text(from), text(name), 0x02, 0x00, 0])
  }

  /** Imports a variable of i32. */
  importVariable(from: string, name: string): void {
    this.#imports.push([text(from), text(name), 0x03, i32, 1])
  }

  /** Returns the index of the function, by which it is called. */
  importFunction(from: string, name: string, signature: Signature): number {
    this.#imports.push([text(from), text(name), 0x00, unsigned(this.#type(signature))])
    return this.#imported++
  }

  /** Adds a function, written into the body later or before; returns its index. */
  add(signature: Signature, body: Body, name?: string): number {
    const index = this.#imported + this.#functions.push({ type: this.#type(signature), body }) - 1
    if (name !== undefined) this.#exports.push([text(name), 0x00, unsigned(index)])
    return index
  }

  encode(): Uint8Array {
    return Uint8Array.from(
      bytesOf([
        [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
        section(1, this.#typeBytes),
        section(2, this.#imports),
        section(
          3,
          this.#functions.map(({ type }) => unsigned(type)),
        ),
        section(7, this.#exports),
        section(
          10,
          this.#functions.map(({ body }) => body.encode()),
        ),
      ]),
    )
  }
}

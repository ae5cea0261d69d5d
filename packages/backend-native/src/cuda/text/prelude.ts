// The functions that nvcc compiled (native/src/cuda/prelude.cu), as parts of a PTX text. A kernel takes those that it
// calls, and what these need, so its text stays short.

interface Part {
  readonly name: string
  readonly text: string
  /** The names of other parts in it. */
  readonly uses: readonly string[]
}

/** The parts of a text in which a declaration ends with `;` or `}` at the start of a line's code. */
function partsOf(text: string): { name: string; text: string }[] {
  const parts: { name: string; text: string }[] = []
  let current = ''
  let depth = 0
  for (const line of text.split('\n')) {
    if (line === '' || /^(\/\/|\.(version|target|address_size)\b)/.test(line)) continue
    current += `${line}\n`
    for (const c of line) depth += c === '{' ? 1 : c === '}' ? -1 : 0
    if (depth > 0 || !/;$|^\}/.test(line)) continue
    const found =
      /\.func\s*(?:\([^)]*\)\s*)?([\w$]+)/.exec(current) ?? /^\.[^=;]*?([\w$]+)(?:\[[^\]]*\])*\s*(?:=|;)/.exec(current)
    parts.push({ name: found?.[1] ?? '', text: current })
    current = ''
  }
  return parts
}

export class Prelude {
  readonly #parts: readonly Part[]

  constructor(text: string) {
    const parts = partsOf(text)
    const names = new Set(parts.map(({ name }) => name))
    this.#parts = parts.map(({ name, text }) => ({
      name,
      text,
      uses: [...new Set(text.match(/[A-Za-z_$][\w$]*/g))].filter((word) => word !== name && names.has(word)),
    }))
  }

  /** The text of some functions and of what they need, in the order of the prelude. */
  textOf(functions: Iterable<string>): string {
    const wanted = new Set<string>()
    const want = (name: string): void => {
      if (wanted.has(name)) return
      wanted.add(name)
      for (const part of this.#parts) if (part.name === name) part.uses.forEach(want)
    }
    for (const name of functions) want(name)
    return this.#parts
      .filter(({ name }) => wanted.has(name))
      .map(({ text }) => text)
      .join('')
  }
}

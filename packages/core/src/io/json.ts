// JSON from a file that nobody vouches for. Unlike JSON.parse, it refuses an object that names a key twice, and what is
// nested deeper than a reader can follow; it keeps the order of keys that look like numbers, and its objects are maps, so
// that no key means anything to JavaScript.

export type Json = string | number | boolean | null | readonly Json[] | ReadonlyMap<string, Json>

const mostLevels = 400
const literals: readonly (readonly [text: string, value: Json])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
]

/** The value of a text; `refuse` throws the error for what is wrong at a character. */
export function parseJson(text: string, refuse: (what: string, at: number) => never): Json {
  let at = 0
  const space = (): void => {
    while (at < text.length && ' \n\r\t'.includes(text[at])) at++
  }
  const is = (mark: string): boolean => {
    space()
    if (text[at] !== mark) return false
    at++
    return true
  }
  const demand = (mark: string): void => {
    if (!is(mark)) refuse(at < text.length ? `has ${JSON.stringify(text[at])} instead of '${mark}'` : 'ends early', at)
  }
  const string = (): string => {
    const start = at
    demand('"')
    for (;;) {
      const end = text.indexOf('"', at)
      if (end === -1) refuse('has a string without an end', start)
      let slashes = 0
      while (text[end - 1 - slashes] === '\\') slashes++
      at = end + 1
      if (slashes % 2 === 0) break
    }
    try {
      return JSON.parse(text.slice(text.indexOf('"', start), at)) as string
    } catch {
      return refuse('has a string that is not valid', start)
    }
  }
  const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
  const members = (close: string, member: () => void): void => {
    if (is(close)) return
    do member()
    while (is(','))
    demand(close)
  }
  const value = (level: number): Json => {
    if (level > mostLevels) refuse(`is nested more than ${mostLevels} levels deep`, at)
    if (is('{')) {
      const map = new Map<string, Json>()
      members('}', () => {
        space()
        const begin = at
        const key = string()
        if (map.has(key)) refuse(`names ${JSON.stringify(key)} twice`, begin)
        demand(':')
        map.set(key, value(level + 1))
      })
      return map
    }
    if (is('[')) {
      const list: Json[] = []
      members(']', () => void list.push(value(level + 1)))
      return list
    }
    if (text[at] === '"') return string()
    for (const [word, meaning] of literals) {
      if (!text.startsWith(word, at)) continue
      at += word.length
      return meaning
    }
    number.lastIndex = at
    const found = number.exec(text)
    if (found === null) return refuse(at < text.length ? 'is not JSON' : 'ends early', at)
    at = number.lastIndex
    return Number(found[0])
  }
  const result = value(0)
  space()
  if (at < text.length) refuse('goes on after its end', at)
  return result
}

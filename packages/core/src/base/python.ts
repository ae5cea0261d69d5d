// Python's words for what JavaScript calls otherwise: PyTorch's messages are full of them.

/** Python's name of a value's type, in messages. */
export function typeName(x: unknown): string {
  if (x === null || x === undefined) return 'NoneType'
  if (typeof x === 'number') return Number.isInteger(x) ? 'int' : 'float'
  if (Array.isArray(x)) return 'list'
  return { string: 'str', boolean: 'bool', object: 'dict' }[typeof x as string] ?? typeof x
}

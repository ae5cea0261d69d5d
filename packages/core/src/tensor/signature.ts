// Reads the arguments of public functions. A function declares its parameters once, with names, kinds and defaults.
// Arguments come by position, in PyTorch's order, or by name in one options object at the end; an argument that is
// unknown, missing, given twice or of another kind throws PyTorch's sentence, before anything is computed.
import { checkDType, type DType, isDTypeWord } from '../base/dtype.ts'
import { RuntimeError, TypeError } from '../base/errors.ts'
import { snakeCase, typeName } from '../base/python.ts'
import { Tensor } from './tensor.ts'

export type { Arguments, Takes } from './arguments.ts'

/** A kind of argument. */
export interface Kind<T> {
  /** The name in messages: 'int', 'tuple of ints', 'Tensor'. */
  readonly expected: string
  readonly accepts: (value: unknown) => boolean
  /** The kind of a list's elements, so that a message can say which one is wrong. */
  readonly element?: Kind<unknown>
  /** A more specific error for some values. */
  readonly refuse?: (value: unknown, argument: string) => Error | undefined
  readonly hint?: string
  /** What a function gets for an accepted value that can be written in several ways. */
  readonly read?: (value: unknown) => T
  /** Only for the type checker: the type of accepted values. */
  readonly type?: T
}

const kind = <T>(expected: string, accepts: (value: unknown) => boolean, rest: Omit<Kind<T>, 'type'> | object = {}) =>
  ({ expected, accepts, ...rest }) as Kind<T>

const overflow = (value: unknown, argument: string): Error | undefined =>
  typeof value === 'number' && Number.isInteger(value)
    ? new RuntimeError('Overflow when unpacking long', `The ${argument} is ${value}, more than 2^53 - 1.`)
    : undefined

/** A whole number that a JavaScript number represents exactly. */
export const int: Kind<number> = kind('int', Number.isSafeInteger, { refuse: overflow })
/** Any number, including NaN and infinities. */
export const number: Kind<number> = kind('float', (x) => typeof x === 'number')
/** A number that is neither NaN nor infinite. */
export const finite: Kind<number> = kind('float', Number.isFinite, {
  refuse: (value: unknown, argument: string) =>
    typeof value === 'number' ? new RuntimeError(`${argument} must be finite, but got ${value}`) : undefined,
})
/** A number that is not NaN. */
export const real: Kind<number> = kind('float', (x) => typeof x === 'number' && !Number.isNaN(x))
/** A number, or a boolean for 1 or 0: what PyTorch calls a Scalar. */
export const scalar: Kind<number | boolean> = kind('Number', (x) => typeof x === 'number' || typeof x === 'boolean')
export const bool: Kind<boolean> = kind('bool', (x) => typeof x === 'boolean')
export const str: Kind<string> = kind('str', (x) => typeof x === 'string')
/** Whether a value is a tensor, not merely an object with its prototype, which has no memory. */
export const isTensor = (x: unknown): x is Tensor => x instanceof Tensor && x.wrapped === false
export const tensor: Kind<Tensor> = kind('Tensor', isTensor)
// biome-ignore lint/complexity/noBannedTypes: the caller gives the type of the function
export const fn: Kind<Function> = kind('function', (x) => typeof x === 'function')
/** The name of a dtype; a function gets the dtype for PyTorch's other words. */
export const dtype: Kind<DType> = kind('torch.dtype', isDTypeWord, {
  read: checkDType,
  refuse: (value: unknown) => {
    if (typeof value !== 'string') return undefined
    try {
      checkDType(value)
    } catch (error) {
      return error as Error
    }
    return undefined
  },
})
/** The name of a device. */
export const device: Kind<string> = kind('torch.device', (x) => typeof x === 'string')

const every = (x: unknown, accepts: (value: unknown) => boolean): boolean => {
  if (!Array.isArray(x)) return false
  // By index, because `every` skips holes.
  for (let i = 0; i < x.length; i++) if (!accepts(x[i])) return false
  return true
}
/** An array of one kind. */
export const list = <T>(element: Kind<T>): Kind<readonly T[]> =>
  kind(`tuple of ${element.expected}s`, (x) => every(x, element.accepts), { element })
/** An array of whole numbers. */
export const ints: Kind<readonly number[]> = list(int)
/** Anything that `for ... of` iterates over. */
export const iterable: Kind<Iterable<unknown>> = kind(
  'iterable',
  (x) => typeof x === 'object' && x !== null && !(x instanceof Tensor) && Symbol.iterator in x,
)
export const tensors: Kind<readonly Tensor[]> = list(tensor)
/** One dimension or several. */
export const dims: Kind<number | readonly number[]> = kind(
  'tuple of ints',
  (x) => Number.isSafeInteger(x) || ints.accepts(x),
  { element: int, refuse: overflow },
)
/** Any value, which is checked later. */
export const anything: Kind<unknown> = kind('any', () => true)
/** The kind, or null. */
export const nullable = <T>(of: Kind<T>): Kind<T | null> =>
  ({ ...of, accepts: (x: unknown) => x === null || of.accepts(x) }) as Kind<T | null>
/** One kind or the other; messages name the first. */
export const either = <A, B>(a: Kind<A>, b: Kind<B>): Kind<A | B> =>
  ({ ...a, accepts: (x: unknown) => a.accepts(x) || b.accepts(x) }) as Kind<A | B>
/** An instance of a class. */
export const instance = <T>(type: abstract new (...args: never) => T, expected: string): Kind<T> =>
  kind(expected, (x) => x instanceof type)
/** A position of PyTorch's that accepts only null here. */
export const nothing = (hint: string): Kind<null> => kind('None', (x) => x === null, { hint })

/** One parameter of a function. */
export interface Parameter<T> {
  readonly name: string
  readonly kind: Kind<unknown>
  readonly required: boolean
  /** By name only. */
  readonly keyword: boolean
  readonly otherwise: T | undefined
  /** Other names that PyTorch has for it. */
  readonly also?: readonly string[]
  /** Changes values in place once all are read, for an argument that decides another. */
  readonly settle?: Settle
}
/** `at` gives the place of a parameter by name. */
export type Settle = (values: unknown[], at: (name: string) => number) => void

/** The same parameter, which may also be given by other names. */
export const also = <T>(parameter: Parameter<T>, ...names: readonly string[]): Parameter<T> => ({
  ...parameter,
  also: names,
})

export const required = <T>(name: string, kind: Kind<T>): Parameter<T> =>
  ({ name, kind, required: true, keyword: false, otherwise: undefined }) as Parameter<T>
/** By position or by name, with the default `otherwise`. */
export const optional = <T, D extends T | null | undefined>(
  name: string,
  kind: Kind<T>,
  otherwise: D,
): Parameter<T | D> => ({ name, kind, required: false, keyword: false, otherwise }) as Parameter<T | D>
/** By name only. */
export const keyword = <T, D extends T | null | undefined>(
  name: string,
  kind: Kind<T>,
  otherwise: D,
): Parameter<T | D> => ({ name, kind, required: false, keyword: true, otherwise }) as Parameter<T | D>

/** The values of parameters, in order. */
export type Values<P extends readonly Parameter<unknown>[]> = {
  readonly [K in keyof P]: P[K] extends Parameter<infer T> ? T : never
}
/** A plain object, which gives arguments by name; it may come from another realm, with another Object. */
export const isOptions = (x: object): x is Record<string, unknown> => {
  const prototype: object | null = Object.getPrototypeOf(x)
  if (prototype === Object.prototype || prototype === null) return true
  return !Array.isArray(x) && Object.getPrototypeOf(prototype) === null
}

/** Any value but an object of options, which is checked later. */
export const notOptions: Kind<unknown> = {
  ...anything,
  accepts: (x) => typeof x !== 'object' || x === null || !isOptions(x),
}

class Signature {
  readonly #name: string
  readonly #python: boolean
  readonly #params: readonly Parameter<unknown>[]
  /** The checks of the kinds in an array, because kinds are objects of many shapes. */
  readonly #accepts: readonly ((value: unknown) => boolean)[]
  /** What reads the values that can be written in several ways, if a parameter takes such. */
  readonly #reads: readonly (((value: unknown) => unknown) | undefined)[] | null
  /** How many arguments may be given by position. */
  readonly #places: number
  readonly #otherwise: readonly unknown[] | null
  readonly #settle: Settle | undefined
  readonly #place = (name: string): number => this.#params.findIndex((p) => p.name === name)
  /** The last number that was the only argument, and the values read then: a dimension is often the same one. */
  #number: number | undefined
  #ofNumber: readonly unknown[] = []

  constructor(name: string, python: boolean, params: readonly Parameter<unknown>[]) {
    this.#name = name
    this.#python = python
    this.#params = params
    this.#accepts = params.map((p) => p.kind.accepts)
    this.#reads = params.some((p) => p.kind.read !== undefined) ? params.map((p) => p.kind.read) : null
    this.#places = params.filter((p) => !p.keyword).length
    this.#settle = params.find((p) => p.settle !== undefined)?.settle
    this.#otherwise = params.some((p) => p.required) ? null : params.map((p) => p.otherwise)
  }

  read(args: readonly unknown[]): readonly unknown[] {
    let given = args.length
    while (given > 0 && args[given - 1] === undefined) given--
    if (given === 0 && this.#otherwise !== null) return this.#otherwise
    const params = this.#params
    const last = given === 0 ? undefined : args[given - 1]
    const alone = given === 1 && typeof last === 'number'
    if (alone && Object.is(last, this.#number)) return this.#ofNumber
    let options: Record<string, unknown> | null = null
    if (
      typeof last === 'object' &&
      last !== null &&
      !isTensor(last) &&
      isOptions(last) &&
      !this.#isPositional(last, given - 1)
    ) {
      options = this.#known(last)
      given--
    }
    if (given > this.#places) throw this.#tooMany(given)
    const values = new Array<unknown>(params.length)
    for (let i = 0; i < params.length; i++) {
      const param = params[i]
      let value = i < given ? args[i] : undefined
      const byName = options === null ? undefined : options[param.name]
      if (byName !== undefined) {
        if (value !== undefined) throw this.#twice(param)
        value = byName
      }
      if (value === undefined) {
        if (param.required) throw this.#missing(args.slice(0, given), options)
        values[i] = param.otherwise
      } else if (this.#accepts[i](value)) {
        const read = this.#reads?.[i]
        values[i] = read === undefined || value === null ? value : read(value)
      } else throw refused(this.#name, param, byName === undefined ? i + 1 : 0, value)
    }
    this.#settle?.(values, this.#place)
    if (alone) {
      this.#number = last
      this.#ofNumber = values
    }
    return values
  }

  #isPositional(value: object, place: number): boolean {
    return place < this.#places && this.#accepts[place](value)
  }

  /** The options by the parameters' own names; an unknown name throws. */
  #known(options: Record<string, unknown>): Record<string, unknown> {
    let known = options
    for (const name in options) {
      if (this.#params.some((p) => p.name === name)) continue
      const param = this.#params.find((p) => p.name === numpyNames[name] || p.also?.includes(name) === true)
      if (param === undefined) {
        throw unexpected(
          this.#name,
          name,
          this.#params.flatMap((p) => [p.name, ...(p.also ?? [])]),
        )
      }
      if (options[param.name] !== undefined) throw this.#twice(param)
      if (known === options) known = { ...options }
      known[param.name] = options[name]
    }
    return known
  }

  #tooMany(given: number): TypeError {
    // Python counts `self`.
    const own = this.#python ? 1 : 0
    const most = this.#places + own
    const least = this.#params.filter((p) => p.required && !p.keyword).length + own
    if (most === 0 && this.#params.length > 0) {
      // The function has read its other arguments itself.
      const names = this.#params.map((p) => p.name).join(', ')
      return new TypeError(`${this.#name}() got an unexpected argument`, `Give it by name: ${names}.`)
    }
    const range = least === most ? `${most}` : `from ${least} to ${most}`
    return new TypeError(
      most === 0
        ? `${this.#name}() takes no arguments (${given} given)`
        : `${this.#name}() takes ${range} positional argument${range === '1' ? '' : 's'} but ${given + own} ${given + own === 1 ? 'was' : 'were'} given`,
      takes(this.#params.map((p) => p.name)),
    )
  }

  #twice({ name }: Parameter<unknown>): TypeError {
    return new TypeError(`${this.#name}() got multiple values for argument '${snakeCase(name)}'`)
  }

  /** Names all missing arguments. PyTorch's C++ says "arguments" for one, and "argument" for several. */
  #missing(given: readonly unknown[], options: Readonly<Record<string, unknown>> | null): TypeError {
    const missing = this.#params.filter(
      (p, i) => p.required && given[i] === undefined && options?.[p.name] === undefined,
    )
    const { length } = missing
    const names = missing.map(({ name }) => snakeCase(name))
    const [plural, list] = this.#python
      ? [length > 1, inWords(names.map((name) => `'${name}'`))]
      : [length === 1, names.map((name) => `"${name}"`).join(', ')]
    return new TypeError(
      `${this.#name}() missing ${length} required positional argument${plural ? 's' : ''}: ${list}`,
      missing[0].kind.hint,
    )
  }
}

/** A list in Python's form: 'a' and 'b'; 'a', 'b', and 'c'. */
const inWords = (words: readonly string[]): string =>
  words.length < 3 ? words.join(' and ') : `${words.slice(0, -1).join(', ')}, and ${words[words.length - 1]}`

const takes = (names: readonly string[]): string | undefined =>
  names.length === 0 ? undefined : `It takes ${names.join(', ')}.`

/** PyTorch's error for an argument of the wrong kind; `place` is its position from 1, or 0 if it was given by name. */
export function refused(name: string, { name: param, kind }: Parameter<unknown>, place: number, value: unknown): Error {
  const { expected, element, refuse, hint } = kind
  const argument = `argument '${snakeCase(param)}'`
  const more = refuse?.(value, `${argument} of ${name}()`)
  if (more !== undefined) return more
  const mustBe = `must be ${expected}`
  if (element !== undefined && Array.isArray(value)) {
    const wrong = Array.from(value).findIndex((x) => !element.accepts(x))
    if (wrong >= 0) {
      const overflowing = element.refuse?.(value[wrong], `${argument} of ${name}()`)
      if (overflowing !== undefined) return overflowing
      return new TypeError(
        `${name}(): ${argument} ${mustBe}, but found element of type ${typeName(value[wrong])} at pos ${wrong + 1}`,
        hint,
      )
    }
  }
  const where = place > 0 ? `${argument} (position ${place})` : argument
  return new TypeError(`${name}(): ${where} ${mustBe}, not ${typeName(value)}`, hint)
}

// ---- unknown names ----

/** NumPy's names, which PyTorch takes, too. */
const numpyNames: Readonly<Record<string, string>> = { axis: 'dim', keepdims: 'keepdim' }

/** Names for PyTorch's arguments in other libraries and in everyday use. */
const aliases: Readonly<Record<string, string>> = {
  ...numpyNames,
  axes: 'dim',
  dims: 'dim',
  dimension: 'dim',
  learningrate: 'lr',
  type: 'dtype',
}
const folded = (name: string): string => name.toLowerCase().replaceAll('_', '')

/** The edit distance: how many letters must be changed, added or removed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(next[j] + 1, row[j + 1] + 1, row[j] + (a[i] === b[j] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]
}

/** The name that was probably meant, or undefined. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const word = folded(name)
  const same = known.find((k) => folded(k) === word || folded(k) === folded(aliases[word] ?? word))
  if (same !== undefined || word.length > 40) return same
  const close = known
    .map((k) => ({ k, far: distance(word, folded(k)) }))
    .filter(({ k, far }) => far <= Math.max(1, Math.floor(Math.min(k.length, word.length) / 3)))
    .sort((a, b) => a.far - b.far)
  return close[0]?.k
}

/** PyTorch's error for an unknown option, with the name that was probably meant. */
export function unexpected(name: string, option: string, known: readonly string[]): TypeError {
  const meant = nearest(option, known)
  return new TypeError(
    `${name}() got an unexpected keyword argument '${option}'`,
    meant === undefined ? takes(known) : `Did you mean ${meant}? ${takes(known)}`,
  )
}

// ---- declaring ----

/** The error for an argument, or options, that a function does not take at all. */
export function tooMany(name: string, extra: unknown): TypeError {
  if (typeof extra === 'object' && extra !== null && isOptions(extra)) {
    for (const option in extra) return unexpected(name, option, [])
  }
  return new TypeError(`${name}() got an unexpected argument`, `It takes no ${typeName(extra)} there.`)
}

/** Throws if a function that reads its arguments itself gets too many. */
export function nothingMore(name: string, more: readonly unknown[]): void {
  if (more.length > 0 && more[0] !== undefined) throw tooMany(name, more[0])
}

/** Reads arguments by a signature that is made when the first come: a program calls few of the functions that exist. */
function reader(name: string, python: boolean, params: readonly Parameter<unknown>[]) {
  let own: Signature | undefined
  return (args: readonly unknown[]): readonly unknown[] => {
    own ??= new Signature(name, python, params)
    return own.read(args)
  }
}

/** Declares a function's parameters; the result reads its arguments. `name` is PyTorch's. */
export function signature<P extends readonly Parameter<unknown>[]>(
  name: string,
  ...params: P
): (args: readonly unknown[]) => Values<P> {
  return reader(name, false, params) as (args: readonly unknown[]) => Values<P>
}

/** Declares the parameters of a class's constructor. */
export function constructing<P extends readonly Parameter<unknown>[]>(
  name: string,
  ...params: P
): (args: readonly unknown[]) => Values<P> {
  return reader(`${name}.__init__`, true, params) as (args: readonly unknown[]) => Values<P>
}

/** Declares the parameters of a method of Tensor, which is also a function; the tensor itself is checked with them. */
export function method<P extends readonly Parameter<unknown>[]>(
  name: string,
  ...params: P
): (self: Tensor, args: readonly unknown[]) => Values<P> {
  const read = reader(name, false, params)
  return (self, args) => {
    if (!isTensor(self)) throw refused(name, input, 1, self)
    return read(args) as Values<P>
  }
}
const input = required('input', tensor)

/** Checks the tensor itself, for a function without other arguments. */
export function checkSelf(name: string, self: unknown): asserts self is Tensor {
  if (!isTensor(self)) throw refused(name, input, 1, self)
}

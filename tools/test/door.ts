// Wrong arguments, and their allowed outcomes. A function is called with each of its arguments replaced in turn by each
// of these values. It must refuse a value of another kind with a flambeau error that names the argument, and leave its
// inputs unchanged; it may refuse a value of the right kind or return a result, but never NaN for a finite value.

/** Kinds of parameters, followed by `?` if the argument is optional, and `|null` if it may be null. */
export type Kind = string

export interface Param {
  readonly name: string
  readonly kind: Kind
  /** A valid value, created for every call. */
  readonly good: () => unknown
  /** Whether it is passed by name in the options object. */
  readonly named: boolean
}

const make =
  (named: boolean) =>
  (name: string, kind: Kind, good: unknown): Param => ({
    name,
    kind,
    named,
    good: typeof good === 'function' ? (good as () => unknown) : () => good,
  })
/** An argument by position; `good` returns a valid value. */
export const at = make(false)
/** An argument by name, in the options. */
export const by = make(true)

export interface Entry {
  /** Called with its receiver first, if it is a method. */
  readonly fn: (...args: unknown[]) => unknown
  readonly params: readonly Param[]
  /** Creates the receiver. A failed call must leave it unchanged. */
  readonly on?: () => unknown
  /** Words that PyTorch's own sentence uses in place of the argument's name. */
  readonly words?: RegExp
  /** It takes any number of arguments of the last kind, so one more is not an error. */
  readonly open?: boolean
  /** Its options are the caller's own, so unknown names are allowed. */
  readonly anyOption?: boolean
  /** Why finite numbers may give NaN. */
  readonly nan?: string
  /** Why a failed call may change its inputs. */
  readonly writes?: string
}

interface Wrong {
  readonly name: string
  readonly value: () => unknown
  /** The kinds for which the value is valid. */
  readonly fits: readonly string[]
}

const numbers = ['number', 'real', 'finite', 'operand', 'scalar', 'bound', 'any', 'data', 'seed']
const cyclic = (): unknown => {
  const list: unknown[] = []
  list.push(list)
  return list
}

/** Thrown by a getter: the caller's own error, which must propagate. */
export class Trap extends Error {}

/**
 * The values. `tensors` are those that only a package with tensors can create: by name, with the kinds that accept
 * tensors.
 */
export function wrongValues(tensors: Readonly<Record<string, () => unknown>>): readonly Wrong[] {
  const tensor = ['tensor', 'operand', 'bound', 'any', 'copied', 'iterable', 'listed']
  const trapped = (): unknown =>
    new Proxy(
      {},
      {
        get: () => {
          throw new Trap('a getter')
        },
      },
    )
  return [
    { name: 'undefined', value: () => undefined, fits: ['any'] },
    { name: 'null', value: () => null, fits: ['any', 'index', 'copied'] },
    { name: 'NaN', value: () => Number.NaN, fits: numbers.filter((x) => !['real', 'finite', 'seed'].includes(x)) },
    { name: 'Infinity', value: () => Number.POSITIVE_INFINITY, fits: numbers.filter((x) => x !== 'finite') },
    { name: '-1', value: () => -1, fits: [...numbers, 'int', 'dims', 'size', 'index', 'copied'] },
    { name: '0.5', value: () => 0.5, fits: [...numbers, 'copied'] },
    { name: '2 ** 53', value: () => 2 ** 53, fits: [...numbers, 'copied'] },
    { name: '1e99', value: () => 1e99, fits: [...numbers, 'copied'] },
    { name: '-1e99', value: () => -1e99, fits: [...numbers, 'copied'] },
    { name: '1n', value: () => 1n, fits: ['any', 'seed', 'copied'] },
    { name: 'true', value: () => true, fits: ['bool', 'operand', 'scalar', 'bound', 'any', 'data', 'index', 'copied'] },
    { name: "''", value: () => '', fits: ['text', 'any', 'copied'] },
    { name: "'x'", value: () => 'x', fits: ['text', 'any', 'copied'] },
    { name: "'1'", value: () => '1', fits: ['text', 'any', 'index', 'copied'] },
    { name: "'); throw 1; ('", value: () => "'); throw 1; ('", fits: ['text', 'any', 'copied'] },
    { name: 'a symbol', value: () => Symbol('x'), fits: ['any', 'copied'] },
    { name: 'a function', value: () => () => 1, fits: ['fn', 'operand', 'bound', 'any', 'copied'] },
    {
      name: '[]',
      value: () => [],
      fits: ['ints', 'dims', 'size', 'tensors', 'listed', 'iterable', 'any', 'data', 'index', 'copied', 'list'],
    },
    { name: "['a']", value: () => ['a'], fits: ['any', 'copied', 'list'] },
    { name: '[0.5]', value: () => [0.5], fits: ['any', 'data', 'copied', 'list', 'index', 'numbers'] },
    { name: '[NaN]', value: () => [Number.NaN], fits: ['any', 'data', 'copied', 'list'] },
    { name: '[1e99]', value: () => [1e99], fits: ['any', 'data', 'copied', 'list', 'numbers'] },
    { name: '[[0]]', value: () => [[0]], fits: ['any', 'data', 'index', 'copied', 'list'] },
    { name: 'a list with holes', value: () => new Array(2), fits: ['any', 'copied', 'list', 'holes'] },
    { name: 'a cyclic list', value: cyclic, fits: ['any', 'copied', 'list'] },
    {
      name: 'a proxy of a list',
      value: () => new Proxy([0], {}),
      fits: ['ints', 'dims', 'size', 'any', 'data', 'index', 'copied', 'list', 'numbers'],
    },
    { name: '{}', value: () => ({}), fits: ['any', 'options', 'copied', 'dict'] },
    { name: 'an unknown option', value: () => ({ surelyUnknown: 1 }), fits: ['any', 'copied', 'dict'] },
    { name: 'a proxy that throws', value: trapped, fits: ['any', 'copied', 'dict'] },
    {
      name: 'an object without a prototype',
      value: () => Object.create(null),
      fits: ['any', 'options', 'copied', 'dict'],
    },
    { name: 'a Date', value: () => new Date(0), fits: ['any', 'copied'] },
    { name: 'a Map', value: () => new Map([['dim', 0]]), fits: ['any', 'copied', 'dict'] },
    { name: 'a Promise', value: () => Promise.resolve(1), fits: ['any', 'copied'] },
    { name: 'a typed array', value: () => new Float32Array(2), fits: ['any', 'data', 'copied'] },
    ...Object.entries(tensors).map(([name, value]) => ({ name, value, fits: tensor })),
  ]
}

/** What the checks must know about the package under test. */
export interface House {
  readonly wrong: readonly Wrong[]
  /** Whether the package throws an error on purpose. */
  readonly isOurs: (error: unknown) => boolean
  /** The state of a value that a failed call must not change, as a string that changes with it. */
  readonly stateOf: (value: unknown) => string
  /** Whether there is NaN in a result. */
  readonly hasNaN: (result: unknown) => boolean
}

/** `TMax` is 'T_max'. */
const snake = (name: string): string => name.replace(/(?<=.)[A-Z]/g, (c) => `_${c.toLowerCase()}`)
const optional = (kind: Kind): boolean => kind.includes('?')
const fits = ({ kind }: Param, wrong: Wrong): boolean => {
  const [of, ...or] = kind.replace('?', '').split('|')
  if (wrong.name === 'undefined' && optional(kind)) return true
  if (wrong.name === 'null' && or.includes('null')) return true
  // An empty options object in place of an optional argument passes none.
  if (wrong.fits.includes('options') && optional(kind)) return true
  return [of, ...or].some((k) => wrong.fits.includes(k))
}

/** The arguments of a call: positional ones, then the options. */
export function argumentsOf(params: readonly Param[], values: readonly unknown[]): unknown[] {
  const positional = params.flatMap(({ named }, i) => (named ? [] : [values[i]]))
  const options = params.flatMap(({ named, name }, i) => (named ? [[name, values[i]] as const] : []))
  return options.length === 0 ? positional : [...positional, Object.fromEntries(options)]
}

const textOf = (error: unknown): string =>
  error instanceof Error
    ? `${error.name}: ${error.message.split('\n')[0]}`
    : `something that is no error: ${typeof error}`

/** The faults of a function's reactions to wrong arguments, one line each; empty if there are none. */
export function faultsOf(
  { fn, params, on, words, open = false, anyOption = false, nan, writes }: Entry,
  house: House,
): string[] {
  const faults: string[] = []
  const good = (): unknown[] => params.map((p) => p.good())

  const attempt = (what: string, values: readonly unknown[], args: readonly unknown[], judge: Judge): void => {
    const target = on === undefined ? [] : [on()]
    const states = (): string[] => [...values, ...target].map(house.stateOf)
    const before = states()
    try {
      const result = fn(...target, ...args)
      if (result instanceof Promise) result.catch(() => {})
      judge.result?.(result)
    } catch (error) {
      if (error instanceof Trap) return
      if (!house.isOurs(error)) faults.push(`${what}: ${textOf(error)}`)
      else judge.error?.(error as Error)
      if (writes !== undefined) return
      const after = states()
      const changed = after.findIndex((state, i) => state !== before[i])
      if (changed >= 0) faults.push(`${what}: throws and has changed ${params[changed]?.name ?? 'its object'}`)
    }
  }

  const right = good()
  try {
    fn(...(on === undefined ? [] : [on()]), ...argumentsOf(params, right))
  } catch (error) {
    return [`right arguments: ${textOf(error)}`]
  }

  params.forEach((param, i) => {
    for (const wrong of house.wrong) {
      const what = `${param.name} = ${wrong.name}`
      const values = good()
      values[i] = wrong.value()
      const args = argumentsOf(params, values)
      const mayBe = fits(param, wrong)
      const isFinite = Number.isFinite(values[i])
      attempt(what, values, args, {
        result: (result) => {
          if (!mayBe) faults.push(`${what}: is taken`)
          else if (nan === undefined && isFinite && house.hasNaN(result)) faults.push(`${what}: gives NaN`)
        },
        error: ({ message }) => {
          const named = [param.name, snake(param.name)].some((name) => message.includes(name))
          if (!mayBe && !named && words?.test(message) !== true && wrong.name !== 'an unknown option')
            faults.push(`${what}: does not name it: ${message.split('\n')[0]}`)
        },
      })
    }
  })

  // One argument, or one option, too many.
  if (!open) {
    const values = good()
    const args = argumentsOf(params, values)
    if (!anyOption) {
      const last = args[args.length - 1]
      const withUnknown = params.some((p) => p.named)
        ? [...args.slice(0, -1), { ...(last as object), surelyUnknown: 1 }]
        : [...args, { surelyUnknown: 1 }]
      attempt('an option too many', values, withUnknown, { result: () => faults.push('an option too many: is taken') })
    }
  }
  return faults
}

interface Judge {
  readonly result?: (result: unknown) => void
  readonly error?: (error: Error) => void
}

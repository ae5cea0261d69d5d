// PyTorch's printed forms of tensors and of their containers. Pure functions over a reader of elements, so that only
// the elements that are shown are read; they do not depend on tensors.
import { defaults } from '../base/default-dtype.ts'
import type { DType } from '../base/dtype.ts'
import { TypeError, ValueError } from '../base/errors.ts'
import { contiguousStrides } from '../base/layout.ts'
import { typeName } from '../base/python.ts'
import { numelOf } from '../base/shape.ts'

/** Options for printing tensors, as in `torch.set_printoptions`. */
export interface PrintOptions {
  /** Digits after the point. */
  precision: number
  /** A tensor with more elements is summarized. */
  threshold: number
  /** Elements shown at both ends of a summarized dimension. */
  edgeitems: number
  /** Characters per line. */
  linewidth: number
  /** Scientific notation always, never, or (undefined) where PyTorch chooses it. */
  sciMode: boolean | undefined
}

const profiles: Readonly<Record<'default' | 'short' | 'full', Omit<PrintOptions, 'sciMode'>>> = {
  default: { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80 },
  short: { precision: 2, threshold: 1000, edgeitems: 2, linewidth: 80 },
  full: { precision: 4, threshold: Number.POSITIVE_INFINITY, edgeitems: 3, linewidth: 80 },
}

let printOptions: PrintOptions = { ...profiles.default, sciMode: undefined }

/** The current options. */
export const getPrintOptions = (): PrintOptions => ({ ...printOptions })

/**
 * Sets options for printing tensors: a profile first, then single options over it. As in PyTorch, omitted options stay
 * unchanged, except `sciMode`, which returns to automatic.
 *
 * Throws a ValueError for an unknown profile or a number that is not a count.
 *
 * @example
 * setPrintOptions({ precision: 2 })
 */
export const setPrintOptions = (options: Partial<PrintOptions> & { profile?: keyof typeof profiles } = {}): void => {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`setPrintOptions(): argument 'options' must be dict, not ${typeName(options)}`)
  const { profile, sciMode, ...given } = options
  for (const name in given) {
    if (Object.hasOwn(profiles.default, name)) continue
    throw new TypeError(
      `set_printoptions() got an unexpected keyword argument '${name}'`,
      `It takes profile, sciMode, ${Object.keys(profiles.default).join(', ')}.`,
    )
  }
  if (sciMode !== undefined && typeof sciMode !== 'boolean')
    throw new TypeError(`set_printoptions(): argument 'sci_mode' must be bool, not ${typeName(sciMode)}`)
  const next = { ...printOptions }
  if (profile !== undefined) {
    if (typeof profile !== 'string' || !Object.hasOwn(profiles, profile)) {
      throw new ValueError(
        `unknown print profile '${typeof profile === 'string' ? profile : typeName(profile)}'`,
        "The profiles are 'default', 'short' and 'full'.",
      )
    }
    Object.assign(next, profiles[profile])
  }
  const least = { precision: 0, threshold: 0, edgeitems: 1, linewidth: 1 }
  for (const name of Object.keys(least) as (keyof typeof least)[]) {
    const value = given[name]
    if (value === undefined) continue
    const endless = name === 'threshold' || name === 'linewidth' ? Number.POSITIVE_INFINITY : undefined
    const most = name === 'precision' ? 100 : Number.MAX_SAFE_INTEGER
    if (value !== endless && !(Number.isInteger(value) && value >= least[name] && value <= most)) {
      throw new ValueError(
        `${name} expects a whole number of at least ${least[name]}, got ${typeof value === 'number' ? value : typeName(value)}`,
      )
    }
    next[name] = value
  }
  printOptions = { ...next, sciMode }
}

const notFinite = (x: number): string => (Number.isNaN(x) ? 'nan' : x > 0 ? 'inf' : '-inf')
/** C's exponents have at least two digits. */
const exponentText = (exponent: number): string =>
  `e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
/** Checks arguments; JavaScript prints up to 100 digits. */
function checkFormat(name: string, x: unknown, digits: unknown): void {
  if (typeof x !== 'number') throw new TypeError(`${name}(): argument 'x' must be float, not ${typeName(x)}`)
  if (Number.isInteger(digits) && (digits as number) >= 0 && (digits as number) <= 100) return
  throw new ValueError(`${name}(): argument 'digits' must be a whole number from 0 to 100, not ${typeName(digits)}`)
}
const signOf = (x: number): string => (x < 0 || Object.is(x, -0) ? '-' : '')

// JavaScript's toFixed and toExponential round exact ties away from zero, C's printf rounds to even. If a tie was
// rounded up to an odd last digit, that digit is one too high, and subtracting one borrows nothing.
const tieToEven = (digits: string, tie: boolean): string => {
  const last = digits.charCodeAt(digits.length - 1)
  return tie && last % 2 === 1 ? digits.slice(0, -1) + String.fromCharCode(last - 1) : digits
}

/** Formats `x` with `digits` digits after the point, rounded from its exact value, ties to even: C's `%.4f`. */
export const formatFixed = (x: number, digits: number): string => {
  checkFormat('formatFixed', x, digits)
  if (!Number.isFinite(x)) return notFinite(x)
  const size = Math.abs(x)
  if (size >= 1e21) return `${signOf(x)}${BigInt(size)}${digits > 0 ? `.${'0'.repeat(digits)}` : ''}`
  // size * 10^digits ends in exactly a half if and only if size * 2^(digits + 1) is odd.
  return signOf(x) + tieToEven(size.toFixed(digits), (size * 2 ** (digits + 1)) % 2 === 1)
}

/** Formats `x` as one digit, `digits` more and an exponent of at least two, rounded like `formatFixed`: C's `%.4e`. */
export const formatExponent = (x: number, digits: number): string => {
  checkFormat('formatExponent', x, digits)
  if (!Number.isFinite(x)) return notFinite(x)
  const size = Math.abs(x)
  const [mantissa, power] = size.toExponential(digits).split('e')
  const exponent = Number(power)
  const rounded = tieToEven(mantissa, isTie(size, digits - exponent))
  return signOf(x) + rounded + exponentText(exponent)
}

/**
 * Whether `size` lies exactly halfway between two numbers with `digits` digits after the point (before it, if
 * negative).
 */
const isTie = (size: number, digits: number): boolean => {
  if (digits >= 0) return (size * 2 ** (digits + 1)) % 2 === 1
  if (!Number.isInteger(size)) return false
  const step = 10n ** BigInt(-digits)
  return (BigInt(size) % step) * 2n === step
}

/** A number in the format of Python's `repr` of a float: `1.0`, `0.001`, `1e-05`, `1e+16`. */
export const reprFloat = (x: number): string => {
  if (!Number.isFinite(x)) return notFinite(x)
  const [mantissa, power] = Math.abs(x).toExponential().split('e')
  const exponent = Number(power)
  if (exponent < -4 || exponent >= 16) return signOf(x) + mantissa + exponentText(exponent)
  const digits = mantissa.replace('.', '')
  if (exponent < 0) return `${signOf(x)}0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  return `${signOf(x)}${whole}.${digits.slice(exponent + 1) || '0'}`
}

/** A string quoted like Python's `repr`. */
export const reprString = (text: string): string => {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const named: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', [quote]: `\\${quote}` }
  let out = ''
  for (const c of text) {
    const code = c.codePointAt(0) as number
    out += named[c] ?? (code < 32 || code === 127 ? `\\x${code.toString(16).padStart(2, '0')}` : c)
  }
  return quote + out + quote
}

/** The data of a tensor that `formatTensor` needs. */
export interface Printable {
  /** The element at a position in row-major order; booleans are 0 and 1. */
  readonly at: (index: number) => number
  readonly shape: readonly number[]
  readonly dtype: DType
  readonly suffixes?: {
    /** Only if the device is not the default. */
    readonly device?: string
    /** The name of the node, `MulBackward0`. */
    readonly gradFn?: string
    readonly requiresGrad?: boolean
  }
  /** Override the current options. */
  readonly options?: Partial<PrintOptions>
}

/** Turns elements into strings of one width. */
interface Formatter {
  readonly width: number
  readonly format: (x: number) => string
}

const PREFIX = 'tensor('

/**
 * Formats a tensor as PyTorch prints it, character for character.
 *
 * @example
 * formatTensor({ at: (i) => [1, 2.5][i], shape: [2], dtype: 'float32' }) // tensor([1.0000, 2.5000])
 */
export const formatTensor = ({ at, shape, dtype, suffixes = {}, options = {} }: Printable): string => {
  const chosen = { ...printOptions, ...options }
  const count = numelOf(shape)
  const after: string[] = []
  if (suffixes.device !== undefined) after.push(`device='${suffixes.device}'`)
  if (count === 0 && shape.length !== 1) after.push(`size=${formatTuple(shape)}`)
  // int32 stands for PyTorch's int64; an empty tensor has no element that shows its type.
  const shown = dtype === defaults.float || (count > 0 && (dtype === 'int32' || dtype === 'bool'))
  if (!shown) after.push(`dtype=torch.${dtype}`)
  if (suffixes.gradFn !== undefined) after.push(`grad_fn=<${suffixes.gradFn}>`)
  else if (suffixes.requiresGrad) after.push('requires_grad=True')
  const body = count === 0 ? '[]' : formatElements(at, shape, dtype, chosen, count > chosen.threshold)
  return addSuffixes(PREFIX + body, after, chosen.linewidth)
}

const formatElements = (
  at: (index: number) => number,
  shape: readonly number[],
  dtype: DType,
  options: PrintOptions,
  summarize: boolean,
): string => {
  const places = shape.map((size) => shownPlaces(size, options.edgeitems, summarize))
  const strides = contiguousStrides(shape)
  const values: number[] = []
  const collect = (axis: number, offset: number): void => {
    if (axis === shape.length) values.push(at(offset))
    else for (const i of places[axis]) if (i >= 0) collect(axis + 1, offset + i * strides[axis])
  }
  collect(0, 0)
  const formatter = makeFormatter(values, dtype, options)
  let next = 0
  const render = (axis: number, indent: number): string => {
    if (axis === shape.length) return formatter.format(values[next++])
    if (axis === shape.length - 1) {
      const items = places[axis].map((i) => (i < 0 ? ' ...' : formatter.format(values[next++])))
      const perLine = Math.max(1, Math.floor((options.linewidth - indent) / (formatter.width + 2)))
      const lines: string[] = []
      for (let i = 0; i < items.length; i += perLine) lines.push(items.slice(i, i + perLine).join(', '))
      return `[${lines.join(`,\n${' '.repeat(indent + 1)}`)}]`
    }
    const blocks = places[axis].map((i) => (i < 0 ? '...' : render(axis + 1, indent + 1)))
    const between = `,${'\n'.repeat(shape.length - axis - 1)}${' '.repeat(indent + 1)}`
    return `[${blocks.join(between)}]`
  }
  return render(0, PREFIX.length)
}

/** The positions of a dimension that are shown; -1 stands for the dots. */
const shownPlaces = (size: number, edge: number, summarize: boolean): number[] => {
  if (!summarize || size <= 2 * edge) return Array.from({ length: size }, (_, i) => i)
  const start = Array.from({ length: edge }, (_, i) => i)
  return [...start, -1, ...start.map((i) => size - edge + i)]
}

const makeFormatter = (values: readonly number[], dtype: DType, options: PrintOptions): Formatter => {
  const text = dtype === 'float32' || dtype === 'float64' ? floatText(values, options) : undefined
  const plain = dtype === 'bool' ? (x: number) => (x ? 'True' : 'False') : (x: number) => String(x)
  const width = text ? text.width : values.reduce((longest, x) => Math.max(longest, plain(x).length), 1)
  const turn = text ? text.format : plain
  return { width, format: (x) => turn(x).padStart(width) }
}

const floatText = (values: readonly number[], { precision, sciMode }: PrintOptions): Formatter => {
  // Zeros, infinities and NaN do not affect the notation or the width.
  const telling = values.filter((x) => Number.isFinite(x) && x !== 0)
  let least = Number.POSITIVE_INFINITY
  let most = 0
  for (const x of telling) {
    least = Math.min(least, Math.abs(x))
    most = Math.max(most, Math.abs(x))
  }
  const whole = telling.every(Number.isInteger)
  const apart = telling.length > 0 && (most / least > 1000 || most > 1e8 || (!whole && least < 1e-4))
  const scientific = (x: number) => formatExponent(x, precision)
  const integral = (x: number) => formatFixed(x, 0) + (Number.isFinite(x) ? '.' : '')
  const fixed = (x: number) => formatFixed(x, precision)
  const natural = whole ? integral : fixed
  // The width is that of the natural notation, even if an option requests the other one.
  const measured = apart ? scientific : natural
  const width = telling.reduce((longest, x) => Math.max(longest, measured(x).length), 1)
  return { width, format: (sciMode ?? apart) ? scientific : natural }
}

const addSuffixes = (body: string, suffixes: readonly string[], linewidth: number): string => {
  let out = body
  let length = body.length - body.lastIndexOf('\n') + 1
  for (const suffix of suffixes) {
    if (length + suffix.length + 2 > linewidth) {
      out += `,\n${' '.repeat(PREFIX.length)}${suffix}`
      length = PREFIX.length + suffix.length
    } else {
      out += `, ${suffix}`
      length += suffix.length + 2
    }
  }
  return `${out})`
}

/** Numbers as a Python tuple: `(2, 3)`, `(2,)`, `()`. */
export const formatTuple = (items: readonly (number | string)[]): string =>
  items.length === 1 ? `(${items[0]},)` : `(${items.join(', ')})`

/** A shape: `torch.Size([2, 3])`. */
export const formatSize = (shape: readonly number[]): string => `torch.Size([${shape.join(', ')}])`

/** Several named results, like those of `max(1)`; the tensors are already strings. */
export const formatReturnType = (name: string, fields: Readonly<Record<string, string>>): string => {
  const rows = Object.entries(fields).map(([field, text]) => `${field}=${text}`)
  return `torch.return_types.${name}(\n${rows.join(',\n')})`
}

/** The printed form of a parameter, from that of its tensor. */
export const formatParameter = (tensor: string): string => `Parameter containing:\n${tensor}`

/** A state dict: Python's `OrderedDict` of names and printed values. */
export const formatOrderedDict = (entries: Iterable<readonly [string, string]>): string => {
  const items = Array.from(entries, ([key, value]) => `(${reprString(key)}, ${value})`)
  return items.length === 0 ? 'OrderedDict()' : `OrderedDict([${items.join(', ')}])`
}

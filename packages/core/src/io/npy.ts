// NumPy's .npy: a mark, a version, a header that is the text of a Python dict (type of elements, order, shape), and the
// elements. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. The header is read by its grammar:
// nothing in it is evaluated.
import { dtypeOfArray, type TypedArray } from '../base/dtype.ts'
import { TypeError, ValueError } from '../base/errors.ts'
import { contiguousStrides } from '../base/layout.ts'
import type { Shape } from '../base/shape.ts'
import { StateDict } from '../nn/state-dict.ts'
import { isTensor } from '../tensor/signature.ts'
import { kindOf, Tensor } from '../tensor/tensor.ts'
import { checkMemory, chosen, type Format, type Listed, type ReadOptions } from './format.ts'
import { checkRange, damaged, type Source } from './source.ts'
import { elementsOf, type Encoding, type EncodingName, encodings, piecesOf, readTensor, writtenAs } from './tensors.ts'
import { isArray, type Saved } from './tree.ts'
import { fromUtf8, toUtf8 } from './utf8.ts'

const mark = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]
/** NumPy itself takes 10,000 bytes from strangers. */
const mostHeader = 65536

/** Encodings by NumPy's letter and size. */
const numpyTypes: Readonly<Record<string, EncodingName>> = {
  b1: 'BOOL',
  i1: 'I8',
  i2: 'I16',
  i4: 'I32',
  i8: 'I64',
  u1: 'U8',
  u2: 'U16',
  u4: 'U32',
  u8: 'U64',
  f2: 'F16',
  f4: 'F32',
  f8: 'F64',
}
/** Why elements of other letters cannot be read. */
const otherTypes: Readonly<Record<string, string>> = {
  c: 'complex numbers are not supported: save the real and the imaginary part',
  f: 'such long numbers are not supported: save x.astype("float64")',
  O: 'these are Python objects, pickled code: save x.astype("float32")',
  S: 'these are texts: save numbers',
  U: 'these are texts: save numbers',
  V: 'these are records: save each field by itself',
  M: 'these are dates: save x.astype("int64")',
  m: 'these are times: save x.astype("int64")',
}

export interface NpyHeader {
  /** NumPy's word for the type of the elements. */
  readonly descr: string
  /** Null for elements that cannot be read. */
  readonly encoding: EncodingName | null
  readonly isBigEndian: boolean
  readonly isFortran: boolean
  readonly shape: Shape
  readonly elements: number
  /** Where the elements begin. */
  readonly start: number
}

/** Reads the header of an array, and checks that the elements are there. */
export async function npyHeader(source: Source): Promise<NpyHeader> {
  const damage = (what: string, hint = 'The file is damaged.'): never => {
    throw damaged(source, what, hint)
  }
  checkRange(source, 0, 12, 'the beginning of the header')
  const head = await source.read(0, 12)
  if (!mark.every((byte, i) => head[i] === byte)) damage('does not begin as an array of NumPy does')
  const view = new DataView(head.buffer, head.byteOffset, 12)
  const version = head[6]
  if (version < 1 || version > 3 || head[7] !== 0) damage(`has the version ${version}.${head[7]} of the format`)
  const [from, length] = version === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)]
  if (length > mostHeader) damage(`the header has ${length} bytes, more than ${mostHeader}`)
  const start = from + length
  checkRange(source, from, start, 'the header')
  const { descr, isFortran, shape } = parsed(
    fromUtf8(await source.read(from, start)) ?? damage('the header is not UTF-8'),
    (what, at) => damage(`the header ${what}, at byte ${from + at}`),
  )
  const elements = elementsOf(source, 'the array', shape)
  const letters = /^([<>|=]?)([a-zA-Z])(\d+)?/.exec(descr)
  const type = letters === null ? '' : `${letters[2]}${letters[3] ?? ''}`
  const encoding = letters !== null && letters[0] === descr && Object.hasOwn(numpyTypes, type) ? numpyTypes[type] : null
  if (encoding !== null) {
    const end = start + elements * encodings[encoding].bytes
    checkRange(source, start, end, 'the array')
    if (end !== source.size) damage(`the elements end at byte ${end}, but there are ${source.size}`)
  }
  return { descr, encoding, isBigEndian: letters?.[1] === '>', isFortran, shape, elements, start }
}

/** The three entries of the header's dict. */
function parsed(
  text: string,
  refuse: (what: string, at: number) => never,
): { descr: string; isFortran: boolean; shape: number[] } {
  let at = 0
  const take = (pattern: RegExp): string | null => {
    const sticky = new RegExp(`\\s*(${pattern.source})`, 'y')
    sticky.lastIndex = at
    const found = sticky.exec(text)
    if (found === null) return null
    at = sticky.lastIndex
    return found[1]
  }
  const demand = (pattern: RegExp, what: string): string => take(pattern) ?? refuse(`has no ${what}`, at)
  const values = new Map<string, string>()
  const patterns: Readonly<Record<string, RegExp>> = {
    // A list describes records, of which only the message needs to know.
    descr: /'[^'\\]*'|\[[^{}]*\]/,
    fortran_order: /True|False/,
    shape: /\(\s*(?:\d+L?\s*,\s*)*(?:\d+L?\s*)?\)/,
  }
  demand(/\{/, "'{'")
  while (take(/\}/) === null) {
    const key = demand(/'[^'\\]*'/, 'key').slice(1, -1)
    if (!Object.hasOwn(patterns, key)) return refuse(`has the key '${key}'`, at)
    if (values.has(key)) return refuse(`names '${key}' twice`, at)
    demand(/:/, "':'")
    values.set(key, demand(patterns[key], `${key} that can be read`))
    if (take(/,/) === null) {
      demand(/\}/, "'}'")
      break
    }
  }
  if (text.slice(at).trim() !== '') return refuse('goes on after its end', at)
  const [descr, order, shape] = Object.keys(patterns).map((key) => values.get(key) ?? refuse(`lacks '${key}'`, at))
  return {
    descr: descr.startsWith('[') ? `V ${descr}` : descr.slice(1, -1),
    isFortran: order === 'True',
    shape: (shape.match(/\d+/g) ?? []).map(Number),
  }
}

/** The entry of a list for an array. */
export function npyListed(name: string, header: NpyHeader, offset: number | null): Listed {
  const { descr, encoding, shape, elements } = header
  const info: Encoding | null = encoding === null ? null : encodings[encoding]
  return { name, stored: descr, dtype: info?.dtype ?? null, shape, bytes: elements * (info?.bytes ?? 0), offset }
}

/** A new tensor with the elements of an array; one in Fortran's order keeps it in its strides. */
export async function npyTensor(
  source: Source,
  { descr, encoding, isBigEndian, isFortran, shape, start }: NpyHeader,
  name: string,
  options: ReadOptions,
): Promise<Tensor> {
  if (encoding === null) {
    const letter = /[a-zA-Z]/.exec(descr)?.[0] ?? ''
    const why = Object.hasOwn(otherTypes, letter) ? otherTypes[letter] : 'it is not one of NumPy that is known here'
    throw damaged(
      source,
      `the elements are '${descr}', which cannot be read`,
      `${why[0].toUpperCase()}${why.slice(1)}.`,
    )
  }
  const stored = isFortran ? [...shape].reverse() : shape
  const x = await readTensor(source, start, encoding, stored, name, options, isBigEndian)
  if (!isFortran || shape.length < 2) return x
  return new Tensor(x.storage, shape, [...contiguousStrides(stored)].reverse(), 0, x.dtype)
}

const words: Readonly<Partial<Record<EncodingName, string>>> = {
  F64: '<f8',
  F32: '<f4',
  F16: '<f2',
  I32: '<i4',
  U8: '|u1',
  BOOL: '|b1',
}

/** The bytes of an array, as NumPy writes them: how many there are, and the pieces. */
export function npyPieces(
  x: Tensor | TypedArray,
  floats: 'float16' | 'bfloat16' | undefined,
): { readonly size: number; readonly pieces: AsyncIterable<Uint8Array> } {
  if (floats === 'bfloat16') throw new ValueError('save(): NumPy has no bfloat16', "Use 'float16', or safetensors.")
  const stored = isTensor(x) ? writtenAs(x, floats) : writtenAs({ dtype: dtypeOfArray(x) })
  const shape = isTensor(x) ? x.sizes : [x.length]
  const elements = isTensor(x) ? x.elements : x.length
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  let text = `{'descr': '${words[stored]}', 'fortran_order': False, 'shape': ${tuple}, }`
  // NumPy leaves room for a first size of 20 digits, so that a file can grow.
  if (shape.length > 0) text += ' '.repeat(21 - String(shape[0]).length)
  text += ' '.repeat(64 - ((10 + text.length + 1) % 64))
  const head = toUtf8(`??????????${text}\n`)
  head.set([...mark, 1, 0])
  new DataView(head.buffer).setUint16(8, text.length + 1, true)
  const version = isTensor(x) ? x.version : 0
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield head
    if (isTensor(x)) yield* piecesOf(x, stored, version)
    else yield new Uint8Array(x.buffer, x.byteOffset, x.byteLength).slice()
  }
  return { size: head.length + elements * encodings[stored].bytes, pieces: pieces() }
}

/** The name of the only tensor, where one is needed. */
const only = 'array'

/** The format `npy`: one tensor. */
export const npy: Format = {
  name: 'npy',
  endings: ['.npy'],
  matches: (head) => mark.every((byte, i) => head[i] === byte),
  async read(source, options) {
    const header = await npyHeader(source)
    const listed = npyListed(only, header, header.start)
    checkMemory(source, [listed], options.maxBytes)
    const names = chosen(source, [only], options.only)
    if (options.only === undefined) return await npyTensor(source, header, only, options)
    const found = new StateDict()
    for (const name of names) found.set(name, await npyTensor(source, header, name, options))
    return found
  },
  async list(source) {
    const header = await npyHeader(source)
    const tensors = [npyListed(only, header, header.start)]
    return { format: 'npy', size: source.size, tensors, metadata: new Map() }
  },
  write(object: Saved, { dtype }) {
    if (!isTensor(object) && !isArray(object))
      throw new TypeError(
        `save(): a .npy file holds one tensor, not ${kindOf(object)}`,
        'Save several by name as .npz, or any tree as safetensors.',
      )
    return npyPieces(object, dtype).pieces
  },
}

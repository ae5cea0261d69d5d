// Tensors and their bytes in files: the encodings of elements that formats share, reading into a tensor's own memory, and
// writing in pieces. Files and all engines that run JavaScript are little-endian.
import { HostBuffer } from '../backend/host.ts'
import { type DType, dtypeSize, isFloat, newArray, type TypedArray } from '../base/dtype.ts'
import { RuntimeError, ValueError } from '../base/errors.ts'
import { contiguousStrides, isContiguous } from '../base/layout.ts'
import { numelOf, type Shape } from '../base/shape.ts'
import { to } from '../ops/create/convert.ts'
import { allocate } from '../tensor/apply.ts'
import { deviceNamed, type Storage } from '../tensor/device.ts'
import { checkAlive, type Tensor } from '../tensor/tensor.ts'
import { bytesSource, checkRange, damaged, type Source } from './source.ts'

// ---- encodings ----

/** Converts aligned bytes to elements of `out` from `at` on; returns the index of one that does not fit, or -1. */
type Decode = (bytes: Uint8Array, out: TypedArray, at: number) => number

export interface Encoding {
  /** Bytes per element. */
  readonly bytes: number
  /** The dtype of a tensor of such elements. */
  readonly dtype: DType
  /** Absent where the bytes are those of the dtype. */
  readonly decode?: Decode
}

/** The bits of floating-point numbers, because a number in between may lose those of a NaN. */
const bitsOf = (x: TypedArray): Uint32Array => new Uint32Array(x.buffer, x.byteOffset, x.length)
const halves = (bytes: Uint8Array): Uint16Array => new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1)
const words = (bytes: Uint8Array): Int32Array => new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)

/** The bits of a float32 for those of a float16. */
function widened(half: number): number {
  const sign = (half & 0x8000) << 16
  const magnitude = half & 0x7fff
  if (magnitude >= 0x7c00) return sign | 0x7f800000 | ((magnitude & 0x3ff) << 13)
  if (magnitude >= 0x400) return sign | ((magnitude << 13) + (112 << 23))
  // A subnormal is a small integer times 2^-24.
  scratch[0] = magnitude * 2 ** -24
  return sign | scratchBits[0]
}
const scratch = new Float32Array(1)
const scratchBits = new Uint32Array(scratch.buffer)

/** The bits of the float16 that is nearest to a float32, ties to even, as PyTorch rounds. */
function narrowed(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude >= 0x38800000) return sign | ((magnitude - (112 << 23) + 0xfff + ((magnitude >> 13) & 1)) >> 13)
  // Adding 0.5 leaves the multiple of 2^-24 in the last bits, rounded by the hardware.
  scratchBits[0] = magnitude
  scratch[0] += 0.5
  return sign | (scratchBits[0] & 0x7ff)
}

/** The bits of the bfloat16 that is nearest to a float32, ties to even, as PyTorch rounds. */
const shortened = (bits: number): number =>
  (bits & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16

const eachHalf =
  (convert: (half: number) => number): Decode =>
  (bytes, out, at) => {
    const [from, bits] = [halves(bytes), bitsOf(out)]
    for (let i = 0; i < from.length; i++) bits[at + i] = convert(from[i])
    return -1
  }
const each =
  (type: new (buffer: ArrayBufferLike, offset: number, length: number) => ArrayLike<number>): Decode =>
  (bytes, out, at) => {
    const size = (type as unknown as { readonly BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT
    out.set(new type(bytes.buffer, bytes.byteOffset, bytes.length / size), at)
    return -1
  }
/** 64 bits: the upper half repeats the sign of the lower one if the number fits, or is 0 without signs. */
const long =
  (signed: boolean): Decode =>
  (bytes, out, at) => {
    const from = words(bytes)
    for (let i = 0; 2 * i < from.length; i++) {
      const low = from[2 * i]
      if (from[2 * i + 1] !== low >> 31 || !(signed || low >= 0)) return i
      out[at + i] = low
    }
    return -1
  }

/** How elements are stored, by safetensors' names. */
export const encodings = {
  F64: { bytes: 8, dtype: 'float64' },
  F32: { bytes: 4, dtype: 'float32' },
  F16: { bytes: 2, dtype: 'float32', decode: eachHalf(widened) },
  BF16: { bytes: 2, dtype: 'float32', decode: eachHalf((half) => half << 16) },
  I64: { bytes: 8, dtype: 'int32', decode: long(true) },
  I32: { bytes: 4, dtype: 'int32' },
  I16: { bytes: 2, dtype: 'int32', decode: each(Int16Array) },
  I8: { bytes: 1, dtype: 'int32', decode: each(Int8Array) },
  U64: { bytes: 8, dtype: 'int32', decode: long(false) },
  U32: {
    bytes: 4,
    dtype: 'int32',
    decode(bytes, out, at) {
      const from = words(bytes)
      out.set(from, at)
      return from.findIndex((x) => x < 0)
    },
  },
  U16: { bytes: 2, dtype: 'int32', decode: each(Uint16Array) },
  U8: { bytes: 1, dtype: 'uint8' },
  BOOL: { bytes: 1, dtype: 'bool' },
} as const satisfies Readonly<Record<string, Encoding>>
export type EncodingName = keyof typeof encodings

/** Whether elements of a name can be read. */
export const isEncoding = (name: string): name is EncodingName => Object.hasOwn(encodings, name)

/** The encoding that keeps a dtype to the bit. */
export const encodingOf: Readonly<Record<DType, EncodingName>> = {
  float64: 'F64',
  float32: 'F32',
  int32: 'I32',
  uint8: 'U8',
  bool: 'BOOL',
}

// ---- shapes in files ----

/** PyTorch's limit of dimensions in this version's files; NumPy's is 32. */
const mostDims = 64

/**
 * The number of elements of a shape in a file; throws for sizes that are none, and if there are more elements than any
 * array has.
 */
export function elementsOf(source: { readonly name: string }, name: string, shape: readonly unknown[]): number {
  const refuse = (what: string): never => {
    throw damaged(source, `the shape of '${name}' ${what}`, 'The file is damaged.')
  }
  if (shape.length > mostDims) refuse(`has ${shape.length} dimensions, and at most ${mostDims} are possible`)
  let n = 1
  for (const size of shape) {
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) refuse(`has the size ${String(size)}`)
    n *= size as number
    // Zero times an absurd size is still zero, so that the strides, too, must be numbers.
    if (!Number.isSafeInteger(n)) refuse(`is too large`)
  }
  if (n === 0) numelOf(shape.filter((size) => size !== 0) as number[]) > 2 ** 53 && refuse('is too large')
  return n
}

// ---- reading ----

/** What is read at once: enough to be fast, and little beside the memory of a large file. */
const pieceBytes = 2 ** 22

/** Reverses the bytes of each element. */
function swapBytes(bytes: Uint8Array, size: number): void {
  for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse()
}

const aligned = (bytes: Uint8Array, size: number): Uint8Array => (bytes.byteOffset % size === 0 ? bytes : bytes.slice())

/** The value of an element as a message prints it. */
function valueAt(bytes: Uint8Array, at: number, encoding: EncodingName): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (encoding === 'I64') return String(view.getBigInt64(8 * at, true))
  return String(encoding === 'U64' ? view.getBigUint64(8 * at, true) : view.getUint32(4 * at, true))
}

/**
 * Fills an array with elements from a source; `swap` for big-endian ones. Throws a ValueError for a number that does not
 * fit into int32, and for a bool that is neither 0 nor 1.
 */
export async function readElements(
  source: Source,
  start: number,
  encoding: EncodingName,
  out: TypedArray,
  name: string,
  swap = false,
): Promise<void> {
  const { bytes: size, decode }: Encoding = encodings[encoding]
  checkRange(source, start, start + out.length * size, `'${name}'`)
  if (decode === undefined) {
    const bytes = new Uint8Array(out.buffer, out.byteOffset, out.byteLength)
    for (let at = 0; at < bytes.length; at += pieceBytes)
      await source.fill(start + at, bytes.subarray(at, Math.min(at + pieceBytes, bytes.length)))
    if (swap) swapBytes(bytes, size)
    if (encoding !== 'BOOL') return
    const at = bytes.findIndex((x) => x > 1)
    if (at === -1) return
    const value = bytes[at]
    bytes.fill(0)
    throw damaged(source, `a bool must be 0 or 1, but element ${at} of '${name}' is ${value}`, 'The file is damaged.')
  }
  const step = pieceBytes / size
  for (let at = 0; at < out.length; at += step) {
    const end = Math.min(at + step, out.length)
    let bytes = aligned(await source.read(start + at * size, start + end * size), size)
    if (swap) swapBytes((bytes = bytes.slice()), size)
    const bad = decode(bytes, out, at)
    if (bad === -1) continue
    throw damaged(
      source,
      `element ${at + bad} of '${name}' is ${valueAt(bytes, bad, encoding)}, which does not fit into int32`,
      'Integers have 32 bits here. Save the tensor as float64, or leave it out: load(source, { only }).',
    )
  }
}

/** The memory of a new tensor, if it is the host's; elements may then be read into it. */
function hostMemory({ buffer, storage }: Tensor): TypedArray | null {
  if (!(buffer instanceof HostBuffer) || buffer.backend !== storage.device.backend) return null
  return buffer.data.subarray(buffer.start, buffer.start + buffer.length)
}

/** Where and as what a tensor is read. */
export interface Placing {
  readonly device?: string | undefined
  /** For floating-point numbers only. */
  readonly dtype?: DType | undefined
}

/** A new tensor with elements from a source, in row-major order; see `readElements`. */
export async function readTensor(
  source: Source,
  start: number,
  encoding: EncodingName,
  shape: Shape,
  name: string,
  { device, dtype }: Placing = {},
  swap = false,
): Promise<Tensor> {
  const info: Encoding = encodings[encoding]
  checkRange(source, start, start + numelOf(shape) * info.bytes, `'${name}'`)
  const x = allocate(deviceNamed(device), { sizes: shape, dtype: info.dtype })
  if (x.elements > 0) {
    const memory = hostMemory(x)
    const elements = memory ?? newArray(x.dtype, x.elements)
    await readElements(source, start, encoding, elements, name, swap)
    if (memory === null) x.storage.device.backend.write(x, elements)
  }
  return dtype !== undefined && isFloat(x.dtype) ? to(x, dtype) : x
}

/** A new tensor from bytes; see `readTensor`. */
export const tensorOf = (
  bytes: Uint8Array,
  encoding: EncodingName,
  shape: Shape,
  name: string,
  placing: Placing = {},
): Promise<Tensor> => readTensor(bytesSource(bytes), 0, encoding, shape, name, placing)

// ---- writing ----

/** How a tensor lies in the memory that it shares with others. */
export interface StorageOf {
  /** The same object for tensors that share memory. */
  readonly key: Storage
  /** The number of elements of the whole memory. */
  readonly size: number
  readonly offset: number
  readonly strides: readonly number[]
  readonly sizes: Shape
}

/** How a tensor lies in the memory that it shares with others. */
export function storageOf(x: Tensor): StorageOf {
  checkAlive(x)
  const { root, size } = x.storage
  return { key: root, size, offset: x.offset, strides: x.strides, sizes: x.sizes }
}

/** The whole memory of a tensor, as a vector. */
export const wholeOf = (x: Tensor): { readonly sizes: Shape; readonly strides: readonly number[]; offset: number } => ({
  sizes: [x.storage.size],
  strides: [1],
  offset: 0,
})

const half =
  (convert: (bits: number) => number) =>
  (elements: TypedArray): Uint8Array => {
    const bits = bitsOf(elements instanceof Float32Array ? elements : Float32Array.from(elements))
    const out = new Uint16Array(bits.length)
    for (let i = 0; i < out.length; i++) out[i] = convert(bits[i])
    return new Uint8Array(out.buffer)
  }
const encoders: Readonly<Partial<Record<EncodingName, (elements: TypedArray) => Uint8Array>>> = {
  F16: half(narrowed),
  BF16: half(shortened),
}

/** The encoding of a tensor in a file where floating-point numbers may be halved. */
export const writtenAs = ({ dtype }: { readonly dtype: DType }, floats?: 'float16' | 'bfloat16'): EncodingName =>
  floats !== undefined && isFloat(dtype) ? (floats === 'float16' ? 'F16' : 'BF16') : encodingOf[dtype]

/**
 * The bytes of a tensor in row-major order, in pieces. `layout` may be another layout of its memory, and `version` is
 * that of the memory when saving began: throws a RuntimeError if it has been written to since.
 */
export async function* piecesOf(
  x: Tensor,
  encoding: EncodingName = encodingOf[x.dtype],
  version: number = x.storage.version,
  layout: { readonly sizes: Shape; readonly strides: readonly number[]; readonly offset: number } = x,
): AsyncGenerator<Uint8Array> {
  const { dtype, storage } = x
  const { sizes, offset } = layout
  const elements = numelOf(sizes)
  const step = isContiguous(layout) ? pieceBytes / dtypeSize[dtype] : Math.max(elements, 1)
  for (let at = 0; at < elements; at += step) {
    checkAlive(x)
    if (storage.version !== version) {
      throw new RuntimeError(
        `save(): a tensor of shape [${x.sizes.join(', ')}] was changed while it was saved`,
        'Wait for the end, await save(...), before training goes on, or save a copy: deepCopy(model.stateDict()).',
      )
    }
    const n = Math.min(step, elements - at)
    const view =
      n === elements
        ? { buffer: x.buffer, dtype, ...layout }
        : { buffer: x.buffer, dtype, sizes: [n], strides: contiguousStrides([n]), offset: offset + at }
    const piece = await storage.device.backend.read({
      buffer: view.buffer,
      dtype,
      sizes: view.sizes,
      strides: view.strides,
      offset: view.offset,
    })
    yield encoders[encoding]?.(piece) ?? new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength)
  }
}

/** The bytes of a tensor in row-major order. */
export async function bytesOf(x: Tensor, encoding: EncodingName = encodingOf[x.dtype]): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of piecesOf(x, encoding)) pieces.push(piece)
  return joined(pieces)
}

/** Pieces in one array. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0]
  const bytes = new Uint8Array(pieces.reduce((n, piece) => n + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

/** Throws for bytes of a shape that are not as many as its elements need. */
export function checkBytes(
  source: Source,
  name: string,
  bytes: number,
  elements: number,
  encoding: EncodingName,
): void {
  if (bytes === elements * encodings[encoding].bytes) return
  throw new ValueError(
    `${source.name}: '${name}' has ${elements} elements of ${encoding} in ${bytes} bytes`,
    'The file is damaged.',
  )
}

// IDX files, the format of MNIST: two zeros, the type and the rank in a byte each, the sizes, then the elements, all
// big-endian.
import { type DType, signatures, type Tensor, tensor, type TypedArray } from '@flambeau/core'
import { gunzip, isGzip } from './gunzip.ts'
import { broken, bytesKind } from './image.ts'

interface Elements {
  readonly name: string
  readonly bytes: number
  readonly dtype: DType
  readonly make: (length: number) => TypedArray
  readonly get: (view: DataView, at: number) => number
}
const int32s = (length: number) => new Int32Array(length)
/** int8 and int16 become int32. */
const types: Readonly<Record<number, Elements>> = {
  8: { name: 'uint8', bytes: 1, dtype: 'uint8', make: (n) => new Uint8Array(n), get: (v, at) => v.getUint8(at) },
  9: { name: 'int8', bytes: 1, dtype: 'int32', make: int32s, get: (v, at) => v.getInt8(at) },
  11: { name: 'int16', bytes: 2, dtype: 'int32', make: int32s, get: (v, at) => v.getInt16(at) },
  12: { name: 'int32', bytes: 4, dtype: 'int32', make: int32s, get: (v, at) => v.getInt32(at) },
  13: {
    name: 'float32',
    bytes: 4,
    dtype: 'float32',
    make: (n) => new Float32Array(n),
    get: (v, at) => v.getFloat32(at),
  },
  14: {
    name: 'float64',
    bytes: 8,
    dtype: 'float64',
    make: (n) => new Float64Array(n),
    get: (v, at) => v.getFloat64(at),
  },
}

/** The content of an IDX file. */
export interface Idx {
  readonly dtype: DType
  readonly sizes: readonly number[]
  readonly data: TypedArray
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(' ')

/** Reads an IDX file, packed by gzip or not; throws a RuntimeError that names the file and says what is wrong. */
export function parseIdx(input: Uint8Array, file: string): Idx {
  const bytes = isGzip(input) ? gunzip(input, file) : input
  const notIdx = (why: string) => broken(file, `not an IDX file: ${why}`, 'Is it the file that its name says?')
  if (bytes.length < 4) throw notIdx(`it has ${bytes.length} bytes`)
  const elements = types[bytes[2]]
  const rank = bytes[3]
  if (bytes[0] !== 0 || bytes[1] !== 0) throw notIdx(`it begins with the bytes ${hex(bytes.subarray(0, 4))}`)
  if (elements === undefined) throw notIdx(`${bytes[2]} is no type of elements`)
  if (rank < 1 || rank > 4) throw notIdx(`it claims ${rank} dimensions`)
  const begin = 4 + 4 * rank
  if (bytes.length < begin) throw broken(file, 'the IDX file is truncated', `Its header alone has ${begin} bytes.`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const sizes = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i))
  const count = sizes.reduce((a, b) => a * b, 1)
  const expected = begin + count * elements.bytes
  if (bytes.length !== expected) {
    throw broken(
      file,
      `the IDX file is ${bytes.length < expected ? 'truncated' : 'too long'}: ${sizes.join(' x ')} elements of ${elements.name} need ${expected} bytes, but it has ${bytes.length}`,
      'Copy or download it again.',
    )
  }
  // A copy, which `slice` of Node's buffers is not.
  if (elements.dtype === 'uint8') return { dtype: 'uint8', sizes, data: new Uint8Array(bytes.subarray(begin)) }
  const data = elements.make(count)
  for (let i = 0; i < count; i++) data[i] = elements.get(view, begin + i * elements.bytes)
  return { dtype: elements.dtype, sizes, data }
}

const readDecode = signatures.signature(
  'decode_idx',
  signatures.required('input', bytesKind),
  signatures.optional('file', signatures.str, 'IDX file'),
)
/**
 * The tensor in the bytes of an IDX file, packed by gzip or not: uint8, int32 (also of int8 and int16), float32 or
 * float64. `file` is the name for errors.
 *
 * Throws a RuntimeError with that name for a file that is truncated, too long, or something else.
 *
 * @example
 * io.decodeIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9)) // tensor([7, 8, 9], dtype=torch.uint8)
 */
export function decodeIdx(input: Uint8Array, file = 'IDX file'): Tensor {
  const [bytes, name] = readDecode([input, file])
  const { data, sizes, dtype } = parseIdx(bytes, name)
  return tensor(data, { dtype }).reshape([...sizes])
}

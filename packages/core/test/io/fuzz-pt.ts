// Hostile files of PyTorch for the fuzzer: real ones, taken apart into opcodes, storages and zip entries, changed where it
// hurts (lengths, memo entries, sizes, strides, offsets, names), and put together again with checksums that are right.
import { joined } from '../../src/io/tensors.ts'
import { allowedGlobals } from '../../src/io/torch-globals.ts'
import { opcodeNames } from '../../src/io/pickle.ts'
import { writeZip } from '../../src/io/zip-write.ts'

/** A number from 0 to `below` - 1. */
export type Draw = (below: number) => number

/** A file as it is put together: its pickles as opcodes with their arguments, and its storages. */
interface Parts {
  readonly isOld: boolean
  readonly pickles: readonly (readonly Uint8Array[])[]
  readonly storages: readonly (readonly [name: string, bytes: Uint8Array])[]
}

/** How many bytes of arguments follow an opcode. */
function argumentBytes(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const code = bytes[at]
  if ([0x80, 75, 113, 104].includes(code)) return 1
  if (code === 77) return 2
  if ([74, 114, 106].includes(code)) return 4
  if (code === 71 || code === 149) return 8
  if ([138, 140, 85, 67].includes(code)) return 1 + bytes[at + 1]
  if ([88, 84, 66, 139].includes(code)) return 4 + view.getUint32(at + 1, true)
  if (code === 141) return 8 + Number(view.getBigUint64(at + 1, true))
  return code === 99 ? bytes.indexOf(10, bytes.indexOf(10, at) + 1) - at : 0
}

/** One pickle as its opcodes, and where it ends. */
function opcodesOf(bytes: Uint8Array, start: number): readonly [Uint8Array[], number] {
  const ops: Uint8Array[] = []
  let at = start
  do {
    const end = at + 1 + argumentBytes(bytes, at)
    ops.push(bytes.slice(at, end))
    at = end
  } while (ops[ops.length - 1][0] !== 46)
  return [ops, at]
}

const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes)
const latin = (s: string): Uint8Array => Uint8Array.from(s, (c) => c.charCodeAt(0) & 255)

/** Takes a file of PyTorch apart; its zip entries are stored, and one behind the other. */
function partsOf(bytes: Uint8Array): Parts {
  if (bytes[0] !== 0x50) {
    const pickles: Uint8Array[][] = []
    let at = 0
    for (let i = 0; i < 5; i++) {
      const [ops, end] = opcodesOf(bytes, at)
      pickles.push(ops)
      at = end
    }
    return { isOld: true, pickles, storages: [['', bytes.slice(at)]] }
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const storages: [string, Uint8Array][] = []
  let pickle: Uint8Array[] = []
  let end = bytes.length - 22
  while (view.getUint32(end, true) !== 0x06054b50) end--
  for (let at = view.getUint32(end + 16, true), i = view.getUint16(end + 10, true); i > 0; i--) {
    const [size, length] = [view.getUint32(at + 24, true), view.getUint16(at + 28, true)]
    const name = text(bytes.subarray(at + 46, at + 46 + length))
    const local = view.getUint32(at + 42, true)
    const from = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true)
    if (name.endsWith('.pkl')) pickle = opcodesOf(bytes.slice(from, from + size), 0)[0]
    else storages.push([name, bytes.slice(from, from + size)])
    at += 46 + length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
  }
  return { isOld: false, pickles: [pickle], storages }
}

async function assembled({ isOld, pickles, storages }: Parts): Promise<Uint8Array> {
  if (isOld) return joined([...pickles.flat(), ...storages.map(([, bytes]) => bytes)])
  const entries = [['archive/data.pkl', joined(pickles[0])] as const, ...storages]
  const pieces: Uint8Array[] = []
  const inputs = entries.map(([name, bytes]) => ({ name, bytes, size: bytes.length }))
  for await (const piece of writeZip(inputs, { align: 64 })) pieces.push(piece)
  return joined(pieces)
}

const numbers = [-1, 0, 1, 2, 3, 4, 255, 256, 65535, 65536, 2 ** 30, 2 ** 31 - 1, -(2 ** 31)]
const names = [
  '..',
  '../x',
  '/x',
  'archive/../x',
  'archive/data/0',
  'archive/data.pkl',
  'archive/constants.pkl',
  'a\0b',
  '',
]
const words = [
  'storage',
  'module',
  'cpu',
  '0',
  '1',
  '99',
  '__proto__',
  'constructor',
  '_metadata',
  'version',
  '',
  '../0',
]
const hostile = [
  'os.system',
  'builtins.eval',
  'torch.load',
  '__builtin__.getattr',
  'torch.storage._load_from_bytes',
  '.',
]
const codes = [...opcodeNames().keys()]

const int32 = (x: number): Uint8Array => {
  const bytes = Uint8Array.of(74, 0, 0, 0, 0)
  new DataView(bytes.buffer).setInt32(1, x, true)
  return bytes
}
const long = (x: bigint): Uint8Array => {
  const bytes = new Uint8Array(10)
  bytes.set([138, 8])
  new DataView(bytes.buffer).setBigInt64(2, x, true)
  return bytes
}

/** Inputs for the reader, made from real files. */
export function ptInputs(files: readonly Uint8Array[]): (draw: Draw) => Promise<Uint8Array> {
  const seeds = files.map(partsOf)
  const globals = [...allowedGlobals(), ...hostile].map((name) => name.replace(/\.([^.]*)$/, '\n$1'))

  const anyOf = <T>(draw: Draw, items: readonly T[]): T => items[draw(items.length)]
  const anyNumber = (draw: Draw): Uint8Array =>
    draw(8) === 0 ? long(1n << BigInt(draw(63))) : int32(anyOf(draw, numbers))
  const changes: readonly ((ops: Uint8Array[], draw: Draw) => void)[] = [
    (ops, draw) => void ops.splice(draw(ops.length), 1 + draw(3)),
    (ops, draw) => {
      const at = draw(ops.length)
      ops.splice(draw(ops.length), 0, ...ops.slice(at, at + 1 + draw(20)))
    },
    (ops, draw) => {
      const [i, j] = [draw(ops.length), draw(ops.length)]
      ;[ops[i], ops[j]] = [ops[j], ops[i]]
    },
    // A number becomes another, mostly one that is out of range somewhere.
    (ops, draw) => {
      const at = ops.map((op, i) => ([75, 77, 74, 138].includes(op[0]) ? i : -1)).filter((i) => i >= 0)
      if (at.length > 0) ops[anyOf(draw, at)] = anyNumber(draw)
    },
    (ops, draw) => {
      const at = ops.map((op, i) => (op[0] === 99 ? i : -1)).filter((i) => i >= 0)
      if (at.length > 0) ops[anyOf(draw, at)] = latin(`c${anyOf(draw, globals)}\n`)
    },
    (ops, draw) => {
      const word = anyOf(draw, words)
      ops[draw(ops.length)] = latin(`X${String.fromCharCode(word.length)}\0\0\0${word}`)
    },
    // Memo games.
    (ops, draw) => void ops.splice(draw(ops.length), 0, Uint8Array.of(draw(2) ? 104 : 113, draw(40))),
    (ops, draw) => void ops.splice(draw(ops.length), 0, Uint8Array.of(106, draw(256), draw(256), 0, draw(2) * 255)),
    // Any opcode, with any bytes behind it.
    (ops, draw) => {
      const bytes = Uint8Array.from({ length: 1 + draw(6) }, () => anyOf(draw, [0, 1, 127, 128, 255, draw(256)]))
      bytes[0] = draw(4) === 0 ? draw(256) : anyOf(draw, codes)
      ops.splice(draw(ops.length), draw(2), bytes)
    },
    (ops, draw) => {
      const other = anyOf(draw, anyOf(draw, seeds).pickles)
      const at = draw(other.length)
      ops.splice(draw(ops.length), 0, ...other.slice(at, at + 1 + draw(30)))
    },
    // Depth and doubling.
    (ops, draw) => {
      const op = anyOf(draw, [[0x85], [0x28], [0x5d], [113, 0, 104, 0, 0x86], [0x7d], [0x94]])
      ops.splice(draw(ops.length), 0, ...Array.from({ length: 1 << draw(10) }, () => Uint8Array.from(op)))
    },
  ]
  const storagesOf = (parts: Parts, draw: Draw): Parts['storages'] => {
    const storages = [...parts.storages]
    if (storages.length === 0) return storages
    const i = draw(storages.length)
    const [name, bytes] = storages[i]
    const length = anyOf(draw, [0, 1, bytes.length - 1, bytes.length + 1, 2 * bytes.length])
    const resized = new Uint8Array(Math.max(0, length))
    resized.set(bytes.subarray(0, resized.length))
    const kind = draw(parts.isOld ? 2 : 5)
    if (kind === 0) storages[i] = [name, resized]
    else if (kind === 1) storages[i] = [name, bytes.map((x) => (draw(8) === 0 ? draw(256) : x))]
    else if (kind === 2) storages.splice(i, 1)
    else if (kind === 3) storages.push([name, bytes])
    else storages[i] = [anyOf(draw, names), bytes]
    return storages
  }

  return async (draw) => {
    const seed = anyOf(draw, seeds)
    const pickles = seed.pickles.map((ops) => [...ops])
    // Of the old form's five pickles the object is the fourth.
    const ops = pickles[seed.isOld ? (draw(8) === 0 ? draw(5) : 3) : 0]
    const isPlain = draw(10) === 0
    for (let n = isPlain ? 0 : 1 + draw(4); n > 0 && ops.length > 0; n--) anyOf(draw, changes)(ops, draw)
    const parts = { ...seed, pickles, storages: draw(4) === 0 ? storagesOf(seed, draw) : seed.storages }
    const bytes = await assembled(parts)
    if (isPlain || draw(20) === 0) for (let n = draw(4); n >= 0; n--) bytes[draw(bytes.length)] = draw(256)
    return draw(30) === 0 ? bytes.subarray(0, draw(bytes.length)) : bytes
  }
}

// What fuzzing changes in files: the header of safetensors as a tree, that of .npy as a list of words, the headers of zip
// archives field by field, and the bytes of each.
import { io, load } from '@flambeau/core'
import { absurd, damaged, type Random, type Target } from './fuzz.ts'
import { ptInputs } from './fuzz-pt.ts'
import { readGolden } from '../golden-tensors.ts'
import { archive } from './archive.ts'
import { fromText, golden, safetensorsFile } from './files.ts'

const filesOf = (ending: string): Uint8Array[] =>
  [...Object.entries(golden.read), ...Object.entries(golden.written)]
    .filter(([name]) => name.endsWith(ending))
    .map(([, { file }]) => fromText(file))

/** Reads a file in one of three ways; whatever is listed is complete. */
async function read(bytes: Uint8Array): Promise<void> {
  const way = bytes.length % 3
  if (way === 0) await io.list(bytes)
  else await load(bytes, way === 1 ? {} : { only: (name) => name.length % 2 === 0, dtype: 'float32' })
}

// ---- safetensors ----

const deep = (n: number): string => '['.repeat(n) + ']'.repeat(n)
const values = [
  ...absurd.map(String),
  ...[
    '-1',
    '0.5',
    '1e400',
    '-0',
    '9007199254740993',
    String(2n ** 60n),
    'null',
    'true',
    '[]',
    '{}',
    '""',
    '"F32"',
    '"I8"',
  ],
  ...[
    '"F16"',
    '"BOOL"',
    '"x"',
    '"\\ud800"',
    deep(30),
    deep(3000),
    '[[]]',
    '{"$tensor":"x"}',
    '{"$map":[]}',
    '{"$x":1}',
    'x',
    '"',
  ],
]
const keys = [
  '__proto__',
  'constructor',
  '__metadata__',
  'flambeau',
  'dtype',
  'shape',
  'data_offsets',
  '$tensor',
  '$state',
  '$object',
  '',
]

/** The text of a JSON value, with something else here and there. */
function changedJson(value: unknown, random: Random, rate: number): string {
  if (random.once(rate)) return random.pick(values)
  if (Array.isArray(value)) {
    const items = value.map((item) => changedJson(item, random, rate))
    if (random.once(rate)) items.splice(random.int(items.length + 1), 0, random.pick(values))
    if (random.once(rate)) items.splice(random.int(items.length), 1)
    return `[${items.join(',')}]`
  }
  if (typeof value !== 'object' || value === null) {
    return random.once(rate) && typeof value === 'number' ? String(value + random.int(9) - 4) : JSON.stringify(value)
  }
  const members = Object.entries(value).flatMap(([key, item]) => {
    const text =
      key === 'flambeau' ? JSON.stringify(changedJson(JSON.parse(item), random, rate)) : changedJson(item, random, rate)
    const member = `${JSON.stringify(random.once(rate) ? random.pick(keys) : key)}:${text}`
    return random.once(8 * rate) ? [member, member] : random.once(rate) ? [] : [member]
  })
  return `{${members.join(',')}}`
}

const tensorFiles = filesOf('.safetensors').map((bytes) => {
  const length = Number(Buffer.from(bytes).readBigUInt64LE())
  return {
    header: JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString()),
    data: bytes.subarray(8 + length),
    bytes,
  }
})
const safetensors: Target = {
  name: 'safetensors',
  share: 0.3,
  factor: 4,
  read,
  input(random) {
    const { header, data, bytes } = random.pick(tensorFiles)
    if (random.once(4)) return damaged(bytes, random)
    const json = changedJson(header, random, random.pick([20, 100, 400]))
    const length = random.once(16) ? BigInt(random.pick(absurd)) : undefined
    const file = safetensorsFile(json, random.once(8) ? random.int(2 * data.length + 1) : data, length)
    return random.once(8) ? damaged(file, random) : file
  },
}

// ---- NumPy ----

const arrays = filesOf('.npy')
const words = [
  ...[
    "'descr'",
    "'shape'",
    "'fortran_order'",
    "'x'",
    "'<f4'",
    "'>f8'",
    "'|O'",
    "'|b1'",
    "'<i1'",
    "'<u8'",
    "'<f2'",
    "'|S8'",
  ],
  ...['True', 'False', 'None', '(', ')', '[', ']', '{', '}', ',', ':', ' ', '-', 'L', '()', '(0,)', 'x', "'"],
  ...absurd.map(String),
  '9'.repeat(40),
]
/** A .npy file with other words in its header. */
function changedArray(bytes: Uint8Array, random: Random): Uint8Array {
  const all = Buffer.from(bytes)
  const length = all.readUInt16LE(8)
  const list = all.toString('latin1', 10, 10 + length).match(/'[^']*'|\w+|\s+|[^\w\s]/g) ?? []
  for (let n = random.int(2); n >= 0; n--) {
    const at = random.int(list.length)
    const word = list[at]
    // Mostly what is a number, a text or a truth stays one.
    const likes = words.filter(
      (other) => /^'/.test(word) === /^'/.test(other) && /^\d/.test(word) === /^\d/.test(other),
    )
    if (/^['\d]/.test(word) && !random.once(4)) list[at] = random.pick(likes)
    else if (random.once(4)) list.splice(at, 1)
    else if (random.once(3)) list.splice(at, 0, random.pick(words))
    else list[at] = random.pick(words)
  }
  const text = Buffer.from(list.join(''), 'latin1')
  const head = Buffer.from(all.subarray(0, 10))
  head.writeUInt16LE(random.once(16) ? random.int(65536) : text.length, 8)
  return new Uint8Array(Buffer.concat([head, text, all.subarray(10 + length)]))
}
const anyArray = (random: Random): Uint8Array => {
  const bytes = random.pick(arrays)
  return random.once(3) ? damaged(bytes, random) : changedArray(bytes, random)
}
const npy: Target = { name: 'npy', share: 0.4, factor: 4, read, input: anyArray }

const names = [
  'a.npy',
  'b.npy',
  'a.npy',
  '__proto__.npy',
  '../a.npy',
  '/a.npy',
  'C:a.npy',
  'a\\b.npy',
  'x',
  '',
  'é.npy',
]
/** An archive with an absurd number in a field of one of its headers. */
function changedArchive(bytes: Uint8Array, random: Random): Uint8Array {
  const all = Buffer.from(bytes)
  const marks: number[] = []
  for (let at = all.indexOf('PK'); at !== -1; at = all.indexOf('PK', at + 1)) marks.push(at)
  for (let n = random.int(2); n >= 0; n--) {
    const at = random.pick(marks) + 4 + 2 * random.int(22)
    if (at + 4 > all.length) continue
    const near = all.readUInt16LE(at) + random.int(9) - 4
    if (random.once(2)) all.writeUInt16LE((random.once(2) ? near : random.pick(absurd)) & 65535, at)
    else all.writeUInt32LE((random.once(2) ? near : random.pick(absurd)) >>> 0, at)
  }
  return new Uint8Array(all)
}
const archives = filesOf('.npz')
const npz: Target = {
  name: 'npz',
  share: 0.15,
  // Deflated bytes become 1032, and those of one byte an int32.
  factor: 4 * 1032,
  read,
  input(random) {
    if (random.once(4)) return damaged(random.pick(archives), random)
    if (random.once(2)) return changedArchive(random.pick(archives), random)
    const count = random.int(3)
    const made = archive(
      Array.from({ length: count }, () => ({
        name: random.once(4) ? random.pick(names) : `${random.int(99)}.npy`,
        data: random.once(3) ? random.pick(arrays) : anyArray(random),
        method: random.pick([0, 8]),
        ...(random.once(8) && { size: random.pick(absurd) }),
        ...(random.once(8) && { crc: random.int(2 ** 32) }),
        ...(random.once(16) && { flags: random.int(65536) }),
      })),
    )
    return random.once(4) ? changedArchive(made, random) : made
  },
}

// ---- PyTorch ----

const { files } = readGolden<{ readonly files: Readonly<Record<string, { readonly file: string }>> }>('pt')
const ptInput = ptInputs(Object.values(files).map(({ file }) => fromText(file)))
const pt: Target = {
  name: 'pt',
  share: 0.15,
  factor: 4,
  read,
  input: (random) => ptInput((below) => random.int(below)),
}

export const targets: readonly Target[] = [safetensors, npy, npz, pt]

// NumPy's .npz: a zip archive of arrays (npy.ts), one by name.
import type { TypedArray } from '../base/dtype.ts'
import { TypeError, ValueError } from '../base/errors.ts'
import { StateDict } from '../nn/state-dict.ts'
import { isTensor } from '../tensor/signature.ts'
import { kindOf, type Tensor } from '../tensor/tensor.ts'
import { checkMemory, chosen, type Format } from './format.ts'
import { npyHeader, npyListed, npyPieces, npyTensor } from './npy.ts'
import { damaged, type Source } from './source.ts'
import { isArray, isRecord, type Saved } from './tree.ts'
import { fromUtf8 } from './utf8.ts'
import { isEntryName, readZip, type ZipEntry, type ZipLimits } from './zip.ts'
import { writeZip, type ZipInput } from './zip-write.ts'

const ending = '.npy'

/** The arrays of an archive by name. */
async function arraysOf(source: Source, limits: ZipLimits): Promise<Map<string, ZipEntry>> {
  const arrays = new Map<string, ZipEntry>()
  for (const [name, entry] of await readZip(source, limits)) {
    if (!name.endsWith(ending))
      throw damaged(source, `holds '${name}', which is not an array`, 'Every entry of a .npz file ends with .npy.')
    arrays.set(name.slice(0, -ending.length), entry)
  }
  return arrays
}

/** The tensors of what is saved, by name. As with NumPy, those without a name are arr_0, arr_1 and so on. */
function namedTensors(object: Saved): [string, Tensor | TypedArray][] {
  const entries: [string, Saved][] =
    object instanceof Map
      ? Array.from(object, ([key, x]) => [String(key), x])
      : isRecord(object)
        ? Object.entries(object)
        : (Array.isArray(object) ? object : [object]).map((x, i) => [`arr_${i}`, x as Saved])
  const names = new Set<string>()
  return entries.map(([name, x]) => {
    if (!isTensor(x) && !isArray(x))
      throw new TypeError(
        `save(): ${name} is ${kindOf(x)}, and a .npz file holds tensors by name`,
        'Save any tree as safetensors.',
      )
    if (!isEntryName(`${name}${ending}`) || names.has(name))
      throw new ValueError(`save(): '${name}' cannot be a name in a .npz file`, 'Use other names, each once.')
    names.add(name)
    return [name, x]
  })
}

/** The format `npz`: tensors by name. */
export const npz: Format = {
  name: 'npz',
  endings: ['.npz'],
  matches(head) {
    if (head[0] !== 0x50 || head[1] !== 0x4b) return false
    // An archive without entries begins with its end.
    if (head[2] === 5 && head[3] === 6) return true
    const end = 30 + head[26] + 256 * head[27]
    return head[2] === 3 && head[3] === 4 && fromUtf8(head.subarray(30, end))?.endsWith(ending) === true
  },
  async read(source, options) {
    const arrays = await arraysOf(source, options)
    const wanted = []
    for (const name of chosen(source, arrays.keys(), options.only)) {
      const { source: bytes } = arrays.get(name) as ZipEntry
      wanted.push({ name, bytes, header: await npyHeader(bytes) })
    }
    const listed = wanted.map(({ name, header }) => npyListed(name, header, null))
    checkMemory(source, listed, options.maxBytes)
    const tensors = new StateDict()
    for (const { name, bytes, header } of wanted) tensors.set(name, await npyTensor(bytes, header, name, options))
    return tensors
  },
  async list(source) {
    const tensors = []
    for (const [name, { source: bytes, stored, offset }] of await arraysOf(source, {
      maxBytes: Number.POSITIVE_INFINITY,
    })) {
      const header = await npyHeader(bytes)
      tensors.push(npyListed(name, header, stored ? offset + header.start : null))
    }
    return { format: 'npz', size: source.size, tensors, metadata: new Map() }
  },
  write(object, { dtype }) {
    const entries = namedTensors(object).map(([name, x]): ZipInput => {
      const { size, pieces } = npyPieces(x, dtype)
      return { name: `${name}${ending}`, bytes: pieces, size }
    })
    return writeZip(entries, { align: 64 })
  },
}

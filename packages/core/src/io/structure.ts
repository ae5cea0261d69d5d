// The structure of what is saved where a format has only a list of named tensors: safetensors keeps it as JSON among its
// metadata. A node is a string, a finite number, a boolean, null, a list, or an object of nodes. What JSON lacks is an
// object with one key that begins with a dollar sign:
//
//   {"$tensor": name}                     a tensor of the file; two nodes with one name are the same tensor
//   {"$array": name}                      a typed array, whose elements are a tensor of the file
//   {"$number": "NaN"}                    also "Infinity", "-Infinity" and "-0"
//   {"$map": [[key, node], ...]}          a Map, whose keys are strings or numbers
//   {"$state": [[[key, node], ...], {}]}  a state dict, and the versions of the modules by name, or null
//   {"$object": [[key, node], ...]}       an object that itself has a key with a dollar sign
import type { TypedArray } from '../base/dtype.ts'
import { StateDict } from '../nn/state-dict.ts'
import { isTensor } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Json } from './json.ts'
import { storageOf } from './tensors.ts'
import { isArray, isRecord, type Saved, setOwn } from './tree.ts'

type Node = string | number | boolean | null | readonly Node[] | { readonly [key: string]: Node }

/** A saved value as a list of named tensors and arrays, in its order, and its structure. */
export interface Flat {
  readonly tensors: ReadonlyMap<string, Tensor | TypedArray>
  readonly structure: Node
}

const numberNode = (x: number): Node =>
  Number.isFinite(x) && !Object.is(x, -0) ? x : { $number: Object.is(x, -0) ? '-0' : String(x) }

/** Separates the tensors of a saved value from its structure. A tensor that is in several places is in the list once. */
export function flattened(value: Saved, reserved: readonly string[] = []): Flat {
  const tensors = new Map<string, Tensor | TypedArray>()
  /** The names of tensors by their memory and their layout in it. */
  const known = new Map<object, Map<string, string>>()
  const add = (x: Tensor | TypedArray, path: string): string => {
    let layout = ''
    let key: object = x
    if (isTensor(x)) {
      const { key: memory, offset, sizes, strides } = storageOf(x)
      key = memory
      layout = `${x.dtype} ${offset} ${sizes} ${strides}`
    }
    const names = known.get(key) ?? new Map<string, string>()
    known.set(key, names)
    let name = names.get(layout)
    if (name !== undefined) return name
    name = path === '' ? 'tensor' : path
    for (let n = 2; tensors.has(name) || reserved.includes(name); n++) name = `${path}~${n}`
    names.set(layout, name)
    tensors.set(name, x)
    return name
  }
  const node = (x: Saved, path: string): Node => {
    const under = (key: string | number, item: Saved): Node => node(item, path === '' ? String(key) : `${path}.${key}`)
    if (typeof x === 'number') return numberNode(x)
    if (typeof x !== 'object' || x === null) return x
    if (isTensor(x)) return { $tensor: add(x, path) }
    if (isArray(x)) return { $array: add(x, path) }
    if (Array.isArray(x)) return (x as readonly Saved[]).map((item, i) => under(i, item))
    if (isRecord(x)) {
      const entries = Object.entries(x)
      if (entries.some(([key]) => key.startsWith('$')))
        return { $object: entries.map(([key, item]) => [key, under(key, item)]) }
      const object: { [key: string]: Node } = {}
      for (const [key, item] of entries) setOwn(object, key, under(key, item))
      return object
    }
    const map = x as ReadonlyMap<string | number, Saved>
    const entries = Array.from(map, ([key, item]): Node => {
      return [typeof key === 'number' ? numberNode(key) : key, under(key, item)]
    })
    if (!(map instanceof StateDict)) return { $map: entries }
    const versions: { [name: string]: Node } = {}
    for (const [name, version] of map.versions ?? []) setOwn(versions, name, version)
    return { $state: [entries, map.versions === null ? null : versions] }
  }
  return { structure: node(value, ''), tensors }
}

/** The names of the tensors that a structure needs as typed arrays. */
export function arraysOf(structure: Json, names = new Set<string>()): Set<string> {
  if (Array.isArray(structure)) for (const item of structure as readonly Json[]) arraysOf(item, names)
  if (structure instanceof Map) {
    const name = structure.get('$array')
    if (typeof name === 'string') names.add(name)
    else for (const item of structure.values()) arraysOf(item, names)
  }
  return names
}

/** Builds what was saved from its structure; `refuse` throws the error for a structure that cannot be. */
export function restored(
  structure: Json,
  tensors: ReadonlyMap<string, Tensor | TypedArray>,
  refuse: (what: string) => never,
): unknown {
  const entriesOf = (x: Json): [Json, Json][] => {
    const valid = Array.isArray(x) && x.every((pair) => Array.isArray(pair) && pair.length === 2)
    if (!valid) refuse('has entries that are no pairs')
    return x as [Json, Json][]
  }
  const text = (x: Json): string => (typeof x === 'string' ? x : refuse('has a name that is not a text'))
  const special: Readonly<Record<string, (x: Json) => unknown>> = {
    $tensor: (x) => tensors.get(text(x)) ?? refuse(`names the tensor '${text(x)}', which the file lacks`),
    $array: (x) => special.$tensor(x),
    $number(x) {
      const value = { NaN: Number.NaN, Infinity: Number.POSITIVE_INFINITY, '-Infinity': -Infinity, '-0': -0 }
      return typeof x === 'string' && Object.hasOwn(value, x)
        ? value[x as keyof typeof value]
        : refuse('has a $number that is none')
    },
    $map(x) {
      const map = new Map<unknown, unknown>()
      for (const [key, item] of entriesOf(x)) {
        const given = build(key)
        if (typeof given !== 'string' && typeof given !== 'number')
          return refuse('has a key that is neither text nor number')
        if (map.has(given)) refuse(`names ${JSON.stringify(given)} twice`)
        map.set(given, build(item))
      }
      return map
    },
    $state(x) {
      if (!Array.isArray(x) || x.length !== 2) return refuse('has a $state that is none')
      const dict = new StateDict()
      for (const [key, item] of special.$map(x[0]) as Map<string, Tensor>) dict.set(text(key), item)
      const versions = x[1] as Json
      if (versions === null) return dict
      if (!(versions instanceof Map)) return refuse('has versions that are none')
      for (const version of versions.values())
        if (typeof version !== 'number') refuse('has a version that is no number')
      dict.versions = versions as Map<string, number>
      return dict
    },
    $object(x) {
      const object = {}
      for (const [key, item] of entriesOf(x)) {
        if (Object.hasOwn(object, text(key))) refuse(`names ${JSON.stringify(key)} twice`)
        setOwn(object, text(key), build(item))
      }
      return object
    },
  }
  const build = (x: Json): unknown => {
    if (Array.isArray(x)) return (x as readonly Json[]).map(build)
    if (!(x instanceof Map)) return x
    const [first] = x.keys()
    if (first?.startsWith('$') === true) {
      if (x.size !== 1 || !Object.hasOwn(special, first)) refuse(`has ${first}, which means nothing`)
      return special[first](x.get(first) as Json)
    }
    const object = {}
    for (const [key, item] of x) setOwn(object, key, build(item))
    return object
  }
  return build(structure)
}

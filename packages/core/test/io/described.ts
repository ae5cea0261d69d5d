// What a value is, in JSON, as tools/golden/stored.py says it of PyTorch's: tensors with their bits and how they lie in
// storages, containers with their kinds.
import { nn, Tensor } from '@flambeau/core'

export const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
export const unbase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))

function float(x: number): unknown {
  if (Number.isSafeInteger(x) && !Object.is(x, -0)) return x
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setFloat64(0, x)
  return { float: Buffer.from(bytes).toString('hex') }
}

export function described(x: unknown, storages = new Map<object, number>()): unknown {
  const inside = (value: unknown): unknown => described(value, storages)
  const entries = (pairs: Iterable<readonly [unknown, unknown]>): unknown[] =>
    Array.from(pairs, ([key, value]) => [key, inside(value)])
  if (typeof x === 'number') return float(x)
  if (typeof x === 'bigint') return { bigint: String(x) }
  if (typeof x !== 'object' || x === null) return x
  if (x instanceof Tensor) {
    const data = x.detach().toArray()
    const { root } = x.storage
    if (!storages.has(root)) storages.set(root, storages.size)
    return {
      tensor: x.dtype,
      shape: [...x.sizes],
      strides: [...x.strides],
      offset: x.elements === 0 ? 0 : x.offset,
      storage: storages.get(root),
      grad: x.requiresGrad,
      parameter: x instanceof nn.Parameter,
      data: base64(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
    }
  }
  if (x instanceof Uint8Array) return { bytes: base64(x) }
  if (Array.isArray(x)) return { list: x.map(inside) }
  if (x instanceof Set) return { set: [...x].sort().map(inside) }
  if (x instanceof nn.StateDict)
    return { stateDict: entries(x), versions: x.versions === null ? null : [...x.versions].map(([...pair]) => pair) }
  return x instanceof Map ? { map: entries(x) } : { object: entries(Object.entries(x)) }
}

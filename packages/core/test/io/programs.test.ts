// Files of other programs: what they write is read to the bit, and what flambeau writes are the bytes that they have opened
// (tools/golden/files.py: safetensors' own package and NumPy).
import { js } from '@flambeau/backend-js'
import { io, load, nn, save, Tensor, tensor, useDevice } from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import { StateDict } from '../../src/nn/state-dict.ts'
import { bitsOf, fromText, golden, toText } from './files.ts'

useDevice(js())

const byName = (value: unknown): ReadonlyMap<string, Tensor> =>
  value instanceof Tensor ? new Map([['array', value]]) : (value as ReadonlyMap<string, Tensor>)

it.each(Object.entries(golden.read))('%s is read to the bit', async (name, { file, tensors }) => {
  const bytes = fromText(file)
  const read = byName(await load(bytes))
  expect([...read.keys()].sort()).toEqual(Object.keys(tensors).sort())
  for (const [key, x] of read) expect(bitsOf(x), key).toEqual(tensors[key])
  const { format, size, metadata, tensors: listed } = await io.list(bytes)
  expect([format, size]).toEqual([name.slice(name.lastIndexOf('.') + 1), bytes.length])
  if (format === 'safetensors') expect(metadata.get('é')).toBe('"')
  expect(listed.map(({ name, dtype, shape }) => ({ name, dtype, shape }))).toEqual(
    Array.from(read, ([name, { dtype, shape }]) => ({ name, dtype, shape: [...shape] })),
  )
  // The bytes of an element are where the list says.
  for (const { name: key, dtype, bytes: length, offset, stored } of listed) {
    const plain = ['F32', 'F64', 'I32', 'U8', '<f4', '<f8', '<i4', '|u1'].includes(stored)
    if (offset === null || !plain || dtype === null || !read.get(key)?.isContiguous()) continue
    expect(toText(bytes.slice(offset, offset + length)), key).toBe(tensors[key].data)
  }
})

describe('what another program has opened is still written so', () => {
  // As in tools/golden/written.mjs.
  const tied = tensor([
    [1, 2],
    [3, 4],
  ])
  const special = [
    ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0],
    ...[1e-45, 65519, 65520, 2 ** -25, 1 / 3],
  ]
  const model = new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3))
  for (const p of model.parameters()) nn.init.constant_(p, 0.25)
  const dtypes = {
    floats: tensor(special),
    doubles: tensor([...special, 5e-324, Math.PI], { dtype: 'float64' }),
    ints: tensor([0, -1, 2 ** 31 - 1, -(2 ** 31)], { dtype: 'int32' }),
    bytes: tensor([0, 255, 7], { dtype: 'uint8' }),
    bools: tensor([[true], [false]]),
    scalar: tensor(2.5),
    empty: tensor([]).reshape(0, 3),
    transposed: tied.t(),
  }
  const trees: Readonly<Record<string, unknown>> = {
    dtypes,
    'a state dict': model.stateDict(),
    'a training': {
      model: { tied, again: tied },
      epoch: 3,
      note: 'é "$',
      rates: [0.1, Number.NaN],
      $: null,
      state: Uint8Array.of(1, 2),
    },
    ...dtypes,
  }
  it.each(Object.entries(golden.written))('%s', async (file, { file: bytes, tensors }) => {
    const [, name, dtype, format] = /^(.*?)(?:, (\w+))?\.(\w+)$/.exec(file) as string[]
    expect(toText(await save(trees[name], undefined, { dtype, format } as io.SaveOptions))).toBe(bytes)
    const read = byName(await load(fromText(bytes), { only: () => true }))
    expect(read).toBeInstanceOf(StateDict)
    expect([...read.keys()].sort()).toEqual(Object.keys(tensors).sort())
    for (const [key, x] of read) {
      const { stored, ...array } = tensors[key]
      expect(bitsOf(x), key).toEqual(array)
      if (dtype !== undefined && array.dtype === 'float32') expect(stored).toBe(dtype)
    }
  })
})

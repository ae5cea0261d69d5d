// safetensors: whatever was saved is loaded, and every way in which a file can be wrong is refused. Files of other programs
// are in programs.test.ts.
import { createHash } from 'node:crypto'
import { js } from '@flambeau/backend-js'
import { Generator, io, load, nn, optim, randn, save, type Tensor, tensor, useDevice, zeros } from '@flambeau/core'
import { describe, expect, it, test } from 'vitest'
import type { StateDict } from '../../src/nn/state-dict.ts'
import { bitsOf, errorOf, golden, safetensorsFile } from './files.ts'

useDevice(js())
const flat = (value: unknown): [string, Tensor][] => [...(value as Map<string, Tensor>)]

describe('every half', () => {
  const { halves } = golden
  const digest = (bytes: ArrayLike<number> & { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }) =>
    createHash('sha256')
      .update(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
      .digest('hex')
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i)
  it.each(['F16', 'BF16'])('%s is widened as PyTorch does', async (stored) => {
    const entry = { dtype: stored, shape: [65536], data_offsets: [0, 131072] }
    const read = (await load(safetensorsFile({ x: entry }, new Uint8Array(all.buffer)))) as Map<string, Tensor>
    const floats = read.get('x')?.toArray() as Float32Array
    const isNaN16 = (half: number): boolean => (half & 0x7fff) > (stored === 'F16' ? 0x7c00 : 0x7f80)
    expect(floats.every((x, half) => Number.isNaN(x) === isNaN16(half))).toBe(true)
    const name = stored === 'F16' ? 'float16 to float32' : 'bfloat16 to float32'
    expect(digest(floats.filter((x) => !Number.isNaN(x)))).toBe(halves[name])
  })
  it.each(['float16', 'bfloat16'] as const)('%s is rounded as PyTorch does', async (dtype) => {
    const bits = new Uint32Array(65536 * halves.lower.length)
    for (const upper of all)
      for (const [i, lower] of halves.lower.entries()) bits[upper * halves.lower.length + i] = (upper << 16) | lower
    const floats = new Float32Array(bits.buffer).filter((x) => !Number.isNaN(x))
    const bytes = await save(tensor(floats), undefined, { dtype })
    const [{ offset }] = (await io.list(bytes)).tensors
    expect(digest(bytes.slice(offset as number))).toBe(halves[`float32 to ${dtype}`])
  })
  it('that is NaN stays one', async () => {
    for (const dtype of ['float16', 'bfloat16'] as const)
      expect(((await load(await save(tensor([Number.NaN]), undefined, { dtype }))) as Tensor).isnan().item()).toBe(1)
  })
})

describe('what is loaded is what was saved', () => {
  const same = async (x: unknown): Promise<unknown> => {
    const loaded = await load(await save(x))
    expect(loaded).toStrictEqual(x)
    return loaded
  }
  it('for JSON, and what JSON lacks', async () => {
    await same({
      text: 'é\ud800"\\',
      list: [1, -0.5, true, null, [], {}],
      n: [Number.NaN, -0, Number.POSITIVE_INFINITY, -Infinity],
    })
    await same(
      new Map<unknown, unknown>([
        ['b', 1],
        [
          2,
          new Map([
            ['10', 1],
            ['9', 2],
          ]),
        ],
        [-0, null],
      ]),
    )
    await same(3)
    await same({ $tensor: 'x', $: { $map: [] } })
    await same([Uint8Array.of(1, 255), Float64Array.of(-0, Number.NaN), Int32Array.of(-1), new Float32Array(0)])
  })
  it('for keys that mean something to JavaScript, without touching a prototype', async () => {
    const hostile = JSON.parse(
      '{"__proto__": {"polluted": 1}, "constructor": {"prototype": 2}, "toString": 3, "$x": {"__proto__": 4}}',
    )
    const loaded = (await load(await save(hostile))) as Record<string, unknown>
    expect(JSON.stringify(loaded)).toBe(JSON.stringify(hostile))
    expect(Object.keys(loaded)).toEqual(['__proto__', 'constructor', 'toString', '$x'])
    expect(({} as Record<string, unknown>).polluted).toBe(undefined)
  })
  it('for tensors of every dtype and layout, which share memory as before', async () => {
    const x = randn(3, 4)
    const tree = {
      x,
      again: [x.detach()],
      t: x.t(),
      row: x.at(1),
      every: x.at('::2'),
      wide: tensor(1).expand(2, 3),
      n: zeros(0, 2),
    }
    const loaded = (await load(await save(tree))) as typeof tree
    for (const [name, y] of Object.entries(tree))
      if (!Array.isArray(y)) expect(bitsOf(loaded[name as 'x'])).toEqual(bitsOf(y))
    expect(loaded.again[0]).toBe(loaded.x)
    expect((await io.list(await save(tree))).tensors.map(({ name }) => name)).toEqual([
      'x',
      't',
      'row',
      'every',
      'wide',
      'n',
    ])
  })
  it('for names that meet', async () => {
    const loaded = (await load(
      await save({ 'a.b': tensor(1), a: { b: tensor(2) }, __metadata__: tensor(3) }),
    )) as Record<string, Tensor>
    expect([loaded['a.b'].item(), (loaded.a as unknown as { b: Tensor }).b.item(), loaded.__metadata__.item()]).toEqual(
      [1, 2, 3],
    )
  })
  it('for a training, whose parts continue', async () => {
    const model = new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3))
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.1 })
    const scheduler = new optim.lrScheduler.StepLR(optimizer, 2)
    const generator = new Generator().manualSeed(3)
    model.forward(randn(4, 2)).sum().backward()
    optimizer.step()
    const state = (await load(await save({ model, optimizer, scheduler, generator }))) as Record<string, never>
    const other = new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3))
    expect(String(other.loadStateDict(state.model))).toBe('<All keys matched successfully>')
    expect((state.model as StateDict).versions).toEqual(model.stateDict().versions)
    expect(flat(other.stateDict()).map(([, x]) => bitsOf(x))).toEqual(flat(model.stateDict()).map(([, x]) => bitsOf(x)))
    const second = new optim.Adam(other.parameters(), { lr: 0.5 })
    second.loadStateDict(state.optimizer)
    expect(JSON.stringify(second.stateDict())).toBe(JSON.stringify(optimizer.stateDict()))
    new optim.lrScheduler.StepLR(second, 7).loadStateDict(state.scheduler)
    expect(new Generator().setState(state.generator).getState()).toEqual(generator.getState())
  })
})

test('a part of a file, a dtype, a device and texts are chosen', async () => {
  const bytes = await save({ a: tensor([1]), b: { c: tensor([2]), d: tensor([true]) } }, undefined, {
    metadata: { made: 'here' },
  })
  expect(flat(await load(bytes, { only: 'b.c' })).map(([name]) => name)).toEqual(['b.c'])
  expect(flat(await load(bytes, { only: ['b.d', 'a'] })).map(([name]) => name)).toEqual(['a', 'b.d'])
  const some = flat(await load(bytes, { only: (name: string) => name.startsWith('b'), dtype: 'double', device: 'cpu' }))
  expect(some.map(([, { dtype }]) => dtype)).toEqual(['float64', 'bool'])
  expect((await io.list(bytes)).metadata.get('made')).toBe('here')
  expect(await errorOf(load(bytes, { only: 'b.x' }))).toEqual({
    name: 'KeyError',
    sentence: "bytes: has no tensor 'b.x'",
    hint: "Did you mean 'b.c'?",
  })
})

describe('what cannot be saved is refused with its path', () => {
  class Thing {}
  const cyclic: { list: unknown[] } = { list: [] }
  cyclic.list.push({ up: cyclic })
  let deep: unknown = 1
  for (let i = 0; i < 101; i++) deep = [deep]
  const freed = tensor(1)
  freed.dispose()
  it.each<[string, unknown, string]>([
    ['a function', { layers: [1, { hook: () => 1 }] }, 'save(): layers[1].hook is a function, which cannot be saved'],
    ['a symbol', { 'a b': Symbol('x') }, 'save(): ["a b"] is a symbol, which cannot be saved'],
    ['a bigint', 1n, 'save(): the object is a bigint'],
    ['undefined', [undefined], 'save(): [0] is undefined, which cannot be saved'],
    ['nothing', undefined, 'save() missing 1 required positional arguments: "object"'],
    ['a class', { thing: new Thing() }, 'save(): thing is a Thing, which has no stateDict()'],
    ['a set', { names: new Set() }, 'save(): names is a Set, which has no stateDict()'],
    ['a key', { map: new Map([[{}, 1]]) }, 'save(): map has a key that is a dict'],
    ['a cycle', cyclic, 'save(): list[0].up contains itself'],
    ['depth', { deep }, `save(): deep${'[0]'.repeat(18)}[0... is more than 100 levels deep`],
    ['a freed tensor', [freed], 'a tensor is used after dispose(): its memory was freed'],
    ['a lazy layer', new nn.LazyLinear(2), 'save(): weight has no elements yet: its layer is lazy'],
  ])('%s', async (_, value, sentence) => {
    expect((await errorOf(save(value))).sentence).toBe(sentence)
  })
  it('wrong options', async () => {
    const x = tensor(1)
    const sentences = await Promise.all(
      [
        save(x, undefined, { dtype: 'float64' as never }),
        save(x, undefined, { format: 'zip' as never }),
        save(x, undefined, { metadata: { n: 1 as never } }),
        save(x, undefined, { metadata: { flambeau: '' } }),
        save(x, 3 as never),
        save(x, 'x.h5'),
        save(x, undefined, { formt: 'pt' } as never),
        load(x as never),
        load(new Uint8Array(9), { dtype: 'int32' }),
        load(new Uint8Array(9), { only: 3 as never }),
        load(new Uint8Array(9), { maxBytes: -1 }),
        load(new Uint8Array(9), { device: 'nowhere' }),
      ].map(async (work) => (await errorOf(work)).sentence),
    )
    expect(sentences).toEqual([
      "save(): dtype 'float64' is not one that numbers are rounded to in a file",
      "save(): unknown format 'zip'",
      'save(): metadata.n must be str, not int',
      "save(): metadata.flambeau is flambeau's own",
      "save(): argument 'target' must be str, URL, WritableStream or FileSystemFileHandle, not int",
      "save(): the ending of 'x.h5' says no format",
      "save() got an unexpected keyword argument 'formt'",
      "load(): argument 'source' must be str, URL, Uint8Array, ArrayBuffer, Blob, Response or ReadableStream, not Tensor",
      'load(): dtype int32 is not a floating-point dtype',
      expect.stringContaining("load(): argument 'only' must be"),
      expect.stringContaining("load(): argument 'max_bytes' must be"),
      'bytes: is not a file of tensors: it begins with the bytes 00 00 00 00 00 00 00 00',
    ])
  })
  it('a tensor that changes meanwhile', async () => {
    const x = zeros(2 ** 21)
    let aborted: unknown
    const target = {
      getWriter: () => ({
        ready: Promise.resolve(),
        write: async () => void x.add_(1),
        close: async () => {},
        abort: async (reason: unknown) => void (aborted = reason),
      }),
    }
    const { name, sentence } = await errorOf(save({ x }, target))
    expect([name, sentence]).toEqual([
      'RuntimeError',
      'save(): a tensor of shape [2097152] was changed while it was saved',
    ])
    expect(String(aborted)).toContain(sentence)
  })
})

describe('a wrong file is refused with what is wrong where', () => {
  const entry = (extra: object = {}): object => ({ dtype: 'F32', shape: [2], data_offsets: [0, 8], ...extra })
  const one = (extra: object, bytes = 8): Uint8Array => safetensorsFile({ x: entry(extra) }, bytes)
  const meta = (value: unknown): Uint8Array =>
    safetensorsFile(
      { __metadata__: { flambeau: typeof value === 'string' ? value : JSON.stringify(value) }, x: entry() },
      8,
    )
  const tree = (value: unknown): Uint8Array => meta({ version: 1, value })
  const long = (value: bigint, dtype = 'I64'): Uint8Array => {
    const view = new DataView(new ArrayBuffer(16))
    view.setBigInt64(8, BigInt.asIntN(64, value), true)
    return safetensorsFile({ x: entry({ dtype, data_offsets: [0, 16] }) }, new Uint8Array(view.buffer))
  }
  it.each<[string, Uint8Array, RegExp]>([
    ['a header of 2^60 bytes', safetensorsFile('{}', 0, 2n ** 60n), /is not a file of tensors/],
    [
      'a header of 100 MB',
      safetensorsFile('{}', 0, 10n ** 8n),
      /the header is at bytes 8 to 100000008, but the file has 10/,
    ],
    ['no JSON', safetensorsFile('{x'), /the header has "x" instead of '"', at character 1/],
    ['more than one value', safetensorsFile('{}{}'), /the header goes on after its end, at character 2/],
    ['not UTF-8', new Uint8Array([...safetensorsFile('{"', 0, 3n), 0xff]), /the header is not UTF-8/],
    ['a key twice', safetensorsFile('{"x":{},"x":{}}'), /the header names "x" twice, at character 8/],
    ['a string without an end', safetensorsFile('{"x'), /the header has a string without an end/],
    ['a bad escape', safetensorsFile('{"\\x":1}'), /the header has a string that is not valid/],
    ['deep nesting', safetensorsFile(`{"x":${'['.repeat(1e5)}`), /the header is nested more than 400 levels deep/],
    ['no description', safetensorsFile({ x: 1 }), /'x' has no description/],
    ['no dtype', one({ dtype: 1 }), /'x' has no dtype/],
    ['an unknown dtype', one({ dtype: 'F8_E4M3', data_offsets: [0, 2] }, 2), /'x' is F8_E4M3, which is not supported/],
    ['no shape', one({ shape: null }), /'x' has no shape/],
    ['a negative size', one({ shape: [-2] }), /the shape of 'x' has the size -2/],
    ['a fraction', one({ shape: [0.5] }), /the shape of 'x' has the size 0.5/],
    ['a shape that overflows', one({ shape: [2 ** 31, 2 ** 31, 2] }), /the shape of 'x' is too large/],
    ['zero times too much', one({ shape: [0, 2 ** 52, 4], data_offsets: [0, 0] }, 0), /the shape of 'x' is too large/],
    ['65 dimensions', one({ shape: new Array(65).fill(1) }), /the shape of 'x' has 65 dimensions/],
    ['no offsets', one({ data_offsets: [0] }), /'x' has no data_offsets/],
    ['offsets backwards', one({ data_offsets: [8, 0] }), /'x' has no data_offsets/],
    ['too few bytes', one({ data_offsets: [0, 4] }, 4), /'x' has 4 bytes, but 2 elements of F32 take 8/],
    ['an offset outside', one({}, 4), /'x' is at bytes \d+ to \d+, but the file has \d+/],
    ['a hole', one({ data_offsets: [4, 12] }, 12), /'x' begins at byte 67, but the tensor before it ends at byte 63/],
    ['bytes at the end', one({}, 9), /the tensors end at byte \d+, but the file has \d+/],
    ['an overlap', safetensorsFile({ x: entry(), y: entry({ data_offsets: [4, 12] }) }, 12), /'y' begins at byte/],
    ['metadata that are no texts', safetensorsFile({ __metadata__: { a: 1 } }), /the metadata 'a' is not a text/],
    ['metadata that are none', safetensorsFile({ __metadata__: 1 }), /the metadata is not an object/],
    [
      'a bool of 2',
      one({ dtype: 'BOOL', data_offsets: [0, 2] }, 2).map((b, i, all) => (i === all.length - 1 ? 2 : b)),
      /element 1 of 'x' is 2/,
    ],
    ['an I64 that does not fit', long(2n ** 31n), /element 1 of 'x' is 2147483648, which does not fit into int32/],
    ['a negative I64 that does not fit', long(-(2n ** 40n)), /element 1 of 'x' is -1099511627776, which does not fit/],
    [
      'a U64 that does not fit',
      long(2n ** 64n - 1n, 'U64'),
      /element 1 of 'x' is 18446744073709551615, which does not fit/,
    ],
    ['a structure that is no JSON', meta('{'), /the metadata 'flambeau' ends early/],
    ['a structure of a newer version', meta({ version: 2, value: 1 }), /the metadata 'flambeau' has the version 2/],
    ['a tensor that is not there', tree({ $tensor: 'y' }), /'flambeau' names the tensor 'y', which the file lacks/],
    ['an unknown node', tree({ $code: 'y' }), /'flambeau' has \$code, which means nothing/],
    ['a node of a prototype', tree({ $map: 1 }), /'flambeau' has entries that are no pairs/],
    [
      'a key twice in the structure',
      tree({
        $map: [
          ['a', 1],
          ['a', 2],
        ],
      }),
      /'flambeau' names "a" twice/,
    ],
  ])('%s', async (_, bytes, sentence) => {
    const { name, sentence: found, hint } = await errorOf(load(bytes))
    expect(found).toMatch(sentence)
    expect([name, found.startsWith('bytes: '), hint !== '']).toEqual(['ValueError', true, true])
  })
  it('cut off anywhere', async () => {
    const whole = await save({ a: tensor([1, 2]), b: [Number.NaN] })
    for (let n = 0; n < whole.length; n++) expect((await errorOf(load(whole.subarray(0, n)))).name).toBe('ValueError')
  })
  it('larger than the caller allows', async () => {
    const bytes = await save({ a: zeros(8) }, undefined, { dtype: 'float16' })
    expect((await errorOf(load(bytes, { maxBytes: 31 }))).sentence).toBe(
      'bytes: its tensors take 32 bytes, more than 31',
    )
  })
})

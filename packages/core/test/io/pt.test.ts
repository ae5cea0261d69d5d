// PyTorch's files: those that real PyTorch wrote (tools/golden/pt.py), those that it opened (pt_opened.py), and the ones
// that nobody should write.
import { createHash } from 'node:crypto'
import { js } from '@flambeau/backend-js'
import { io, load, nn, optim, save, type Tensor, tensor, useDevice } from '@flambeau/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { opcodeNames, unpickle } from '../../src/io/pickle.ts'
import { bytesSource } from '../../src/io/source.ts'
import { joined } from '../../src/io/tensors.ts'
import { allowedGlobals } from '../../src/io/torch-globals.ts'
import { readZip } from '../../src/io/zip.ts'
import { writeZip } from '../../src/io/zip-write.ts'
import { readGolden } from '../golden-tensors.ts'
import { base64, described, unbase64 } from './described.ts'
import { written } from './pt-written.ts'

const golden = readGolden<{
  readonly files: Readonly<Record<string, { readonly file: string; readonly holds: unknown }>>
  readonly refused: Readonly<Record<string, string>>
  readonly pickle: string
}>('pt')
const opened = readGolden<Readonly<Record<string, string>>>('pt-opened')

beforeAll(() => void useDevice(js()))

/** The bytes of a pickle: text is written as it is, and numbers as bytes. */
const bytesOf = (...parts: readonly (string | number | Uint8Array)[]): Uint8Array =>
  joined(
    parts.map((part) => {
      if (part instanceof Uint8Array) return part
      return typeof part === 'number' ? Uint8Array.of(part) : Uint8Array.from(part, (c) => c.charCodeAt(0))
    }),
  )
const word = (text: string): Uint8Array => bytesOf('X', text.length, 0, 0, 0, text)
const whole = (x: number): Uint8Array => {
  const bytes = new Uint8Array(5)
  bytes[0] = 'J'.charCodeAt(0)
  new DataView(bytes.buffer).setInt32(1, x, true)
  return bytes
}
const tuple = (...items: readonly Uint8Array[]): Uint8Array => bytesOf('(', ...items, 't')
const named = (name: string): Uint8Array => bytesOf('c', name.replace(/\.([^.]*)$/, '\n$1'), '\n')
const called = (name: string, ...args: readonly Uint8Array[]): Uint8Array => bytesOf(named(name), tuple(...args), 'R')
const none = bytesOf('N')
const no = bytesOf(0x89)
const storage = (key = '0', size = 4, type = 'torch.FloatStorage'): Uint8Array =>
  bytesOf(tuple(word('storage'), named(type), word(key), word('cpu'), whole(size)), 'Q')
const wholes = (xs: readonly number[]): Uint8Array => tuple(...xs.map(whole))
const tensorOf = (from: Uint8Array, offset: number, sizes: readonly number[], strides: readonly number[]): Uint8Array =>
  called('torch._utils._rebuild_tensor_v2', from, whole(offset), wholes(sizes), wholes(strides), no, none)

/** An archive with a pickle that ends here, and storages of zeros by their sizes in bytes. */
async function archive(pickle: Uint8Array, storages: readonly number[] = [16], more: readonly string[] = []) {
  const entries = [
    { name: 'archive/data.pkl', bytes: bytesOf(0x80, 2, pickle, '.') },
    ...storages.map((size, i) => ({ name: `archive/data/${i}`, bytes: new Uint8Array(size) })),
    ...more.map((name) => ({ name, bytes: new Uint8Array(0) })),
  ].map((entry) => ({ ...entry, size: entry.bytes.length }))
  const pieces: Uint8Array[] = []
  for await (const piece of writeZip(entries, { align: 64 })) pieces.push(piece)
  return joined(pieces)
}
const opening = async (pickle: Uint8Array, storages?: readonly number[]): Promise<unknown> =>
  load(await archive(pickle, storages))
const sentence = (message: RegExp): object => ({ name: 'ValueError', message: expect.stringMatching(message) })
const refusal = (message: RegExp) => expect.objectContaining(sentence(message))

describe('files that PyTorch wrote', () => {
  test.each(Object.entries(golden.files))('%s', async (name, { file, holds }) => {
    const bytes = unbase64(file)
    const found = await load(bytes)
    expect(described(found)).toEqual(holds)
    // What the list says is where the elements of contiguous tensors are.
    const { tensors, format } = await io.list(bytes)
    expect(format).toBe('pt')
    const chosen = (await load(bytes, { only: () => true })) as ReadonlyMap<string, Tensor>
    expect([...chosen.keys()]).toEqual(tensors.map((x) => x.name))
    for (const x of tensors) {
      const loaded = chosen.get(x.name)!
      expect([x.dtype, x.shape]).toEqual([loaded.dtype, [...loaded.sizes]])
      if (!loaded.isContiguous() || !/^(F32|F64|I32|U8|BOOL)$/.test(x.stored)) continue
      expect(base64(bytes.subarray(x.offset!, x.offset! + x.bytes))).toBe(
        base64(new Uint8Array(loaded.detach().toArray().buffer)),
      )
    }
    // And again, through a file of flambeau.
    if (name.startsWith('protocol 5')) return
    const { set, numbers, mixed, ...tree } = found as Record<string, unknown>
    const kept = name === 'tree' ? tree : found
    expect(described(await load(await save(kept, undefined, { format: 'pt' })))).toEqual(described(kept))
  })

  test('a state dict is pickled to the same bytes', async () => {
    const bytes = await save(await load(unbase64(golden.files.modules.file)), undefined, { format: 'pt' })
    const entries = await readZip(bytesSource(bytes), { maxBytes: 1e6 })
    expect(base64(await entries.get('archive/data.pkl')!.read())).toBe(golden.pickle)
    expect([...entries.values()].every(({ offset }) => offset % 64 === 0)).toBe(true)
  })

  test('bytes may be a Buffer of Node, at an odd place', async () => {
    const { file, holds } = golden.files['dtypes, old']
    const bytes = Buffer.concat([Buffer.alloc(1), unbase64(file)]).subarray(1)
    expect(described(await load(bytes))).toEqual(holds)
  })

  test('one tensor of a file is read without the others', async () => {
    const bytes = unbase64(golden.files.modules.file)
    const { tensors } = await io.list(bytes)
    // Whoever reads the others finds that they were changed.
    for (const { name, offset } of tensors) if (name !== 'out.weight') bytes[offset!] ^= 1
    const state = (await load(bytes, { only: 'out.weight' })) as Map<string, Tensor>
    expect([...state.keys()]).toEqual(['out.weight'])
    await expect(load(bytes)).rejects.toThrow('does not have its checksum')
    await expect(load(bytes, { only: 'out.weigth' })).rejects.toThrow("Did you mean 'out.weight'?")
  })

  test('tied weights stay tied, and dtype converts what shares memory at once', async () => {
    const load64 = await load(unbase64(golden.files.tied.file), { dtype: 'float64' })
    const { embedding, decoder, bias } = Object.fromEntries(load64 as Map<string, Tensor>)
    expect([embedding.dtype, decoder.storage === embedding.storage, bias.storage === embedding.storage]).toEqual([
      'float64',
      true,
      true,
    ])
    embedding.zero_()
    expect([decoder.sum().item(), bias.sum().item()]).toEqual([0, 0])
  })

  test('a model and its optimizer go on with what PyTorch saved', async () => {
    const { model, optimizer } = (await load(unbase64(golden.files.tree.file))) as Record<string, Map<string, Tensor>>
    const net = new nn.Sequential(new nn.Conv1d(2, 3, 2), new nn.BatchNorm1d(3))
    expect(String(net.loadStateDict(model))).toBe('<All keys matched successfully>')
    const found = optimizer as unknown as { state: Record<string, Record<string, Tensor>> }
    expect(found.state[0].max_exp_avg_sq.tolist()).toHaveLength(2)
  })

  test("an optimizer is saved with PyTorch's names, and goes on with them", async () => {
    const p = new nn.Parameter(tensor([1, -2]))
    const [adam, other] = [new optim.Adam([p], { lr: 0.01 }), new optim.Adam([p])]
    p.grad = tensor([0.5, 0.25])
    adam.step()
    const saved = await load<Record<string, never>>(await save(adam, undefined, { format: 'pt' }))
    expect(Object.keys(saved)).toEqual(['state', 'param_groups'])
    other.loadStateDict(saved)
    expect(JSON.stringify(other.stateDict())).toBe(JSON.stringify(adam.stateDict()))
  })
})

describe('files that PyTorch refuses to be weights', () => {
  const sentences: Readonly<Record<string, RegExp>> = {
    module: /Unsupported class torch\.nn\.modules\.linear\.Linear\nOnly weights.*torch\.save\(model\.state_dict\(\)/,
    command: /data\.pkl: byte \d+ of the pickle: Unsupported class posix\.system\nOnly weights/,
    script: /is a TorchScript archive\nSave the weights/,
    sparse: /Unsupported class torch\._utils\._rebuild_sparse_tensor\nSparse.*to_dense/,
    quantized: /Unsupported class torch\._utils\._rebuild_qtensor\nQuantized.*dequantize/,
    complex: /Unsupported class torch\.ComplexFloatStorage\nComplex/,
    numpy: /Unsupported class numpy\..*\nNumPy values/,
    'numpy scalar': /Unsupported class numpy\..*\nNumPy values/,
    storage: /0 is neither a tensor nor/,
    large: /element 1 of 'w\.x' is 2147483648, which does not fit into int32\n.*only/,
    cycle: /0\.a contains itself/,
    date: /Unsupported class (datetime\.date|_codecs)/,
    'plain pickle': /Invalid magic number; corrupt file\?\nIt is a pickle, but not from torch\.save/,
    'tuple key': /has a key that is tuple/,
  }
  test.each(Object.entries(golden.refused))('%s', async (name, file) => {
    await expect(load(unbase64(file))).rejects.toEqual(refusal(sentences[name]))
  })

  test('files of 0.1, other archives and other byte orders', async () => {
    const tar = new Uint8Array(1024)
    tar.set(bytesOf('ustar'), 257)
    await expect(load(tar)).rejects.toEqual(refusal(/PyTorch 0\.1 wrote\nLoad it in PyTorch/))
    await expect(load(await archive(none, [], ['archive/code/x.py']))).rejects.toEqual(refusal(/TorchScript/))
    await expect(load(await archive(none, [], ['other/data.pkl']))).rejects.toEqual(refusal(/has no data\.pkl/))
    expect(await load(await archive(none, []))).toBe(null)
  })
})

describe('files that flambeau writes', () => {
  const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
  test('are the bytes that PyTorch opened', async () => {
    const digests: Record<string, string> = {}
    for (const [name, { object, dtype }] of Object.entries(written())) {
      const bytes = await save(object, undefined, { format: 'pt', dtype })
      digests[name] = sha(bytes)
      const found = await load(bytes)
      if (dtype === undefined && !/module|optimizer|schedulers/.test(name))
        expect(described(found)).toEqual(described(object))
    }
    expect(digests).toEqual(opened)
  })

  test('what it cannot say is refused', async () => {
    const format = { format: 'pt' } as const
    await expect(save({ x: new Float32Array(2) }, undefined, format)).rejects.toThrow(
      /Float32Array.*\nMake it a tensor/,
    )
    await expect(save({ x: '\ud800' }, undefined, format)).rejects.toThrow('half of a surrogate pair')
    await expect(save(tensor([1]), undefined, { ...format, metadata: { a: 'b' } })).rejects.toThrow(
      'no place for metadata',
    )
  })
})

describe('the allow-list', () => {
  const meaning = { global: (name: string) => name, persistent: (id: unknown) => id }
  const read = (...parts: readonly (string | number | Uint8Array)[]): unknown =>
    unpickle('x', bytesOf(0x80, 2, ...parts), 0, meaning).value

  test('every other opcode is refused', () => {
    const known = opcodeNames()
    expect(known.size).toBe(44)
    for (let code = 0; code < 256; code++) {
      // With nothing on the stack and no bytes to come, an opcode that is known has something else to complain about.
      const attempt = (): unknown => read(code)
      expect(attempt).toThrow(expect.objectContaining({ name: 'ValueError' }))
      if (known.has(code)) expect(attempt).not.toThrow(/Unsupported operand/)
      else expect(attempt).toThrow(new RegExp(`^x: byte 2 of the pickle: Unsupported operand ${code}\\b`))
    }
  })

  test('every other global is refused by its name', async () => {
    const names = ['builtins.eval', '__builtin__.exec', 'os.system', 'torch.load', 'torch.hub.load', 'a.constructor']
    const odd = ['torch.storage._load_from_bytes', '.__proto__', 'torch.toString', 'Object.prototype', 'torch.float33']
    for (const name of [...names, ...odd])
      await expect(opening(named(name))).rejects.toEqual(
        refusal(new RegExp(`Unsupported class ${name.replaceAll('.', '\\.')}`)),
      )
    await expect(opening(bytesOf('c', 'a'.repeat(300)))).rejects.toEqual(refusal(/the name of a global has no end/))
  })

  test('the attributes that are read are the functions of SWALR', async () => {
    const attribute = (of: string, name: string): Promise<unknown> =>
      opening(called('__builtin__.getattr', named(of), word(name)))
    const { object } = (await attribute('torch.optim.swa_utils.SWALR', '_linear_anneal')) as { object?: unknown }
    expect(object ?? (await attribute('torch.optim.swa_utils.SWALR', '_linear_anneal'))).toBe('linear')
    for (const [of, name] of [
      ['torch.optim.swa_utils.SWALR', '__init__'],
      ['torch.optim.swa_utils.SWALR', '__proto__'],
      ['torch.Size', '_linear_anneal'],
    ])
      await expect(attribute(of, name)).rejects.toEqual(refusal(/Unsupported class __builtin__\.getattr/))
    await expect(opening(named('torch.optim.lr_scheduler.OneCycleLR'))).rejects.toEqual(
      refusal(/OneCycleLR\nThe state of this scheduler holds a function.*anneal_func/),
    )
    await expect(opening(named('torch.optim.swa_utils.SWALR'))).rejects.toEqual(refusal(/neither a tensor nor/))
  })

  test('no function of the list does anything with wrong arguments but refuse', async () => {
    const wrong = [tuple(), tuple(none), tuple(word('a'), whole(-1)), tuple(whole(1), none, none, none, none, none)]
    const odd = [
      tuple(bytesOf('}')),
      tuple(bytesOf(']'), none, bytesOf('}')),
      tuple(storage(), whole(0), wholes([4]), none),
      none,
    ]
    const fine: string[] = []
    for (const name of allowedGlobals()) {
      for (const args of [...wrong, ...odd]) {
        const outcome = await opening(bytesOf(named(name), args, 'R')).catch((error: Error) => error)
        if (!(outcome instanceof Error)) fine.push(name)
        else expect(outcome).toMatchObject({ name: 'ValueError', message: expect.stringContaining('data.pkl: byte ') })
      }
    }
    // Those that are right without arguments, and a Counter of an empty dict.
    const empty = [
      'collections.OrderedDict',
      'collections.Counter',
      'collections.Counter',
      '__builtin__.set',
      'builtins.set',
    ]
    expect(fine).toEqual(empty)
  })
})

describe('hostile pickles', () => {
  const bad: Readonly<Record<string, readonly [Uint8Array, RegExp]>> = {
    'too short a storage': [
      tensorOf(storage(), 0, [2, 3], [3, 1]),
      /setStorage: sizes \[2, 3\].*size of 24 are out of bounds for storage of size 16/,
    ],
    'an offset beyond': [tensorOf(storage(), 3, [2], [1]), /out of bounds/],
    'a negative offset': [tensorOf(storage(), -1, [2], [1]), /begins at element -1/],
    'a negative stride': [tensorOf(storage(), 3, [2], [-1]), /the stride of a tensor has the entry -1/],
    'a negative size': [tensorOf(storage(), 0, [-2], [1]), /the size of a tensor has the entry -2/],
    'a size that is a float': [
      called(
        'torch._utils._rebuild_tensor_v2',
        storage(),
        whole(0),
        tuple(bytesOf('G', 0x7f, 0xf8, 0, 0, 0, 0, 0, 0)),
        wholes([1]),
        no,
        none,
      ),
      /the size of a tensor has the entry NaN/,
    ],
    'more strides than sizes': [
      tensorOf(storage(), 0, [2], [1, 1]),
      /mismatch in length of strides and shape: 2 and 1/,
    ],
    'a negated tensor': [
      called(
        'torch._utils._rebuild_tensor_v2',
        storage(),
        whole(0),
        wholes([1]),
        wholes([1]),
        no,
        none,
        bytesOf('}', word('neg'), bytesOf(0x88), 's'),
      ),
      /negated or conjugated/,
    ],
    'too many dimensions': [tensorOf(storage(), 0, Array(65).fill(1), Array(65).fill(1)), /has 65 dimensions/],
    'too many elements': [tensorOf(storage(), 0, Array(4).fill(2 ** 30), Array(4).fill(0)), /more elements than fit/],
    'an expanded giant': [tensorOf(storage(), 0, [2 ** 30, 2 ** 10], [0, 0]), /take \d+ bytes, more than/],
    'a storage larger than its bytes': [
      tensorOf(storage('0', 5), 0, [1], [1]),
      /data\/0 has 16 bytes, but the storage has 5/,
    ],
    'a storage of another type': [tensorOf(storage('0', 4, 'torch.DoubleStorage'), 0, [1], [1]), /has 16 bytes/],
    'a storage of two types': [
      tuple(storage(), storage('0', 4, 'torch.IntStorage')),
      /storage '0' has 4 elements of I32, and 4 of F32 before/,
    ],
    'no such storage': [tensorOf(storage('7'), 0, [1], [1]), /has no archive\/data\/7/],
    'a storage out of the archive': [storage('../../etc/passwd'), /the key of a storage is not a name/],
    'a storage with a negative size': [storage('0', -1), /storage '0' has -1 elements/],
    'a type that is a text': [
      bytesOf(tuple(word('storage'), word('x'), word('0'), word('cpu'), whole(1)), 'Q'),
      /a storage has the type str/,
    ],
    'another persistent id': [
      bytesOf(tuple(word('module'), none), 'Q'),
      /persistent_load of storage is allowed, but got module/,
    ],
    'a gradient of integers': [
      called(
        'torch._utils._rebuild_parameter',
        tensorOf(storage('0', 4, 'torch.IntStorage'), 0, [1], [1]),
        bytesOf(0x88),
        none,
      ),
      /floating point/,
    ],
    'a parameter of a text': [called('torch._utils._rebuild_parameter', word('x'), no, none), /made of str/],
    'an empty stack': [bytesOf('R'), /the stack is empty/],
    'what is below a mark': [bytesOf('N(', 0x85), /the stack is empty/],
    'no mark': [bytesOf('Nt'), /there is no mark/],
    'an unknown memo': [bytesOf('h', 7), /the memo has no entry 7/],
    'a call of a text': [bytesOf(word('x'), ')R'), /unrecognized function str/],
    'a call with a list': [bytesOf(named('torch.Size'), ']R'), /the arguments of a call are list/],
    'an entry of a tuple': [bytesOf(')Na'), /Can only append to lists, but got tuple/],
    'an entry of a text': [bytesOf(word('x'), 'NNs'), /Can only add to dicts, but got str/],
    'half an entry': [bytesOf('}(Nu'), /a key has no value/],
    'attributes of a dict': [bytesOf('}}b'), /Can only build/],
    'a text of 4 GB': [bytesOf('X', 255, 255, 255, 255, 'a'), /wants 4294967295 bytes more, of which 2 are there/],
    'a text of 2^63 bytes': [bytesOf(0x8d, 0, 0, 0, 0, 0, 0, 0, 128), /wants 9223372036854776000 bytes/],
    'an integer of 16 MB': [bytesOf(0x8b, 0, 0, 0, 1), /an integer has 16777216 bytes/],
    'a text that is not UTF-8': [bytesOf('U', 1, 255), /not UTF-8/],
    'another protocol': [bytesOf(0x80, 6), /unsupported pickle protocol: 6/],
    'a dict in itself': [bytesOf('}q', 0, word('a'), 'h', 0, 's'), /a contains itself/],
    'a list in itself': [bytesOf(']q', 0, 'h', 0, 'a'), /0 contains itself/],
    'a tuple in itself': [bytesOf(']q', 0, 'h', 0, 0x85, 'q', 1, 'a', 'h', 1), /contains itself/],
    '100,000 tuples': [bytesOf('N', new Uint8Array(1e5).fill(0x85)), /is more than 100 levels deep/],
    '100,000 marks': [bytesOf(new Uint8Array(1e5).fill(0x28)), /the stack is empty/],
    'the name of a tensor': [
      bytesOf('}', bytesOf('X', 0, 8, 0, 0, 'a'.repeat(2048)), tensorOf(storage(), 0, [1], [1]), 's'),
      /the name of a tensor has 2048/,
    ],
    'a key that is a list': [bytesOf('}]Ns'), /has a key that is list/],
    'bytes of letters': [called('_codecs.encode', word('a'), word('utf16')), /something other than bytes/],
    'nothing at all': [bytesOf('.'), /the stack is empty/],
  }
  test.each(Object.entries(bad))('%s', async (_, [pickle, message]) => {
    await expect(opening(pickle)).rejects.toEqual(refusal(message))
  })

  test('a name is only a name', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
    const entries = names.map((name) => bytesOf(word(name), bytesOf('}', word('polluted'), bytesOf(0x88), 's')))
    const found = (await opening(bytesOf('}(', ...entries, 'u'))) as Record<string, unknown>
    expect(Object.keys(found)).toEqual(names)
    expect(Object.getPrototypeOf(found)).toBe(Object.prototype)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  test('what is doubled forty times is refused, and twenty times the same object', async () => {
    const doubling = Array.from({ length: 40 }, (_, i) => bytesOf('q', i, 'h', i, 0x86))
    await expect(opening(bytesOf(']', ...doubling))).rejects.toEqual(refusal(/repeats itself too often/))
    let found = (await opening(bytesOf(']', ...doubling.slice(0, 20)))) as unknown[]
    for (let level = 0; level < 20; level++) {
      expect(found[0]).toBe(found[1])
      found = found[0] as unknown[]
    }
    // Nor is it written out in a message: here it is the version of the old form.
    const file = unbase64(golden.files['tied, old'].file)
    const version = bytesOf(0x80, 2, ']', ...doubling, '.')
    await expect(load(joined([file.subarray(0, 15), version]))).rejects.toEqual(refusal(/protocol version: tuple/))
  })

  test('the last of two values of a key counts, and every kind of number is a key', async () => {
    expect(await opening(bytesOf('}(', word('a'), whole(1), word('a'), whole(2), 'u'))).toEqual({ a: 2 })
    expect(await opening(bytesOf('}(', whole(1), none, word('1'), none, 'u'))).toEqual(
      new Map<unknown, null>([
        [1, null],
        ['1', null],
      ]),
    )
  })

  test('overlapping views, expanded and empty tensors are what PyTorch makes of them', async () => {
    const views = [
      tensorOf(storage(), 1, [3, 2], [0, 1]),
      tensorOf(storage(), 0, [0, 2 ** 30], [1, 1]),
      tensorOf(storage(), 9, [0], [1]),
    ]
    const [a, b, c] = (await opening(tuple(...views))) as Tensor[]
    expect([a.shape, a.strides, a.offset, a.tolist()]).toEqual([
      [3, 2],
      [0, 1],
      1,
      [
        [0, 0],
        [0, 0],
        [0, 0],
      ],
    ])
    expect([b.shape, c.shape, b.numel(), c.offset]).toEqual([[0, 2 ** 30], [0], 0, 0])
  })

  test('a file that is cut off anywhere is refused', async () => {
    for (const name of ['tied', 'tied, old', 'python 2, old']) {
      const bytes = unbase64(golden.files[name].file)
      for (let end = 0; end < bytes.length; end++) {
        const outcome = await load(bytes.subarray(0, end)).catch((error: Error) => error)
        expect(outcome, `${name}, ${end} bytes`).toMatchObject({ name: 'ValueError' })
      }
    }
  })
})

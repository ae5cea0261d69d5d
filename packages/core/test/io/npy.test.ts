// NumPy's files and the zip layer: every way in which they can be wrong is refused. Files of NumPy are in programs.test.ts.
import { js } from '@flambeau/backend-js'
import { type io, load, ones, save, type Tensor, tensor, useDevice } from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import { bytesSource } from '../../src/io/source.ts'
import { readZip } from '../../src/io/zip.ts'
import { writeZip, type ZipInput } from '../../src/io/zip-write.ts'
import { type Archived, archive } from './archive.ts'
import { bitsOf, errorOf } from './files.ts'

useDevice(js())

function npy(header: string, data = 0, version = [1, 0], length = header.length): Uint8Array {
  const head = Buffer.from(`\x93NUMPY????${header}`, 'latin1')
  head.set(version, 6)
  head.writeUInt16LE(length, 8)
  return new Uint8Array(Buffer.concat([head, new Uint8Array(data)]))
}
const dict = (descr: string, shape = '(2,)', order = 'False'): string =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`

describe('a wrong .npy file is refused with what is wrong where', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['a version', npy(dict("'<f4'"), 8, [9, 0]), /has the version 9.0 of the format/],
    ['a header outside', npy(dict("'<f4'"), 8, [1, 0], 60000), /the header is at bytes 10 to 60010, but the file has/],
    ['a header of 4 GB', npy('\xff\xff   ', 8, [2, 0], 65535), /the header has 4294967295 bytes, more than 65536/],
    ['code', npy("__import__('os')"), /the header has no '\{', at byte 10/],
    ['a call', npy("{'descr': str('<f4')}"), /the header has no descr that can be read, at byte 19/],
    ['another key', npy("{'x': 1}"), /the header has the key 'x'/],
    ['a key twice', npy("{'shape': (), 'shape': ()}"), /the header names 'shape' twice/],
    ['a missing key', npy("{'shape': ()}"), /the header lacks 'descr'/],
    ['no end', npy("{'shape': ()"), /the header has no '\}'/],
    ['more', npy(`${dict("'<f4'")}x`, 8), /the header goes on after its end/],
    ['not UTF-8', npy('\xff  '), /the header is not UTF-8/],
    ['an infinite size', npy(dict("'<f4'", `(${'9'.repeat(400)},)`)), /the shape of 'the array' has the size Infinity/],
    ['a shape that overflows', npy(dict("'<f4'", '(4294967296, 4294967296)')), /the shape of 'the array' is too large/],
    ['too few elements', npy(dict("'<f4'"), 7), /the array is at bytes \d+ to \d+, but the file has \d+/],
    ['too many elements', npy(dict("'<f4'"), 9), /the elements end at byte \d+, but there are \d+/],
    ['objects', npy(dict("'|O'"), 8), /the elements are '\|O', which cannot be read/],
    ['complex numbers', npy(dict("'<c8'"), 16), /the elements are '<c8', which cannot be read/],
    ['texts', npy(dict("'<U3'"), 24), /the elements are '<U3'/],
    ['records', npy(dict("[('a', '<f4')]"), 8), /the elements are 'V \[\('a', '<f4'\)\]'/],
    ['a type of a prototype', npy(dict("'constructor'"), 8), /the elements are 'constructor'/],
    [
      'a bool of 2',
      npy(dict("'|b1'"), 1).map((x, i, { length }) => (i === length - 1 ? 2 : x)),
      /the array is at bytes/,
    ],
  ])('%s', async (_, bytes, sentence) => {
    const error = await errorOf(load(bytes))
    expect(error.sentence).toMatch(sentence)
    expect([error.name, error.sentence.startsWith('bytes: '), error.hint !== '']).toEqual(['ValueError', true, true])
  })
  it('cut off anywhere', async () => {
    const whole = await save(ones(2, 3), undefined, { format: 'npy' })
    for (let n = 0; n < whole.length; n++) expect((await errorOf(load(whole.subarray(0, n)))).name).toBe('ValueError')
  })
})

it('a .npy or .npz file takes tensors alone, and says so', async () => {
  const wrong: [string, unknown, string][] = [
    ['npy', { a: ones(1) }, 'save(): a .npy file holds one tensor, not dict'],
    ['npz', { a: { b: ones(1) } }, 'save(): a is dict, and a .npz file holds tensors by name'],
    ['npz', { '../a': ones(1) }, "save(): '../a' cannot be a name in a .npz file"],
    [
      'npz',
      new Map<unknown, unknown>([
        [1, ones(1)],
        ['1', ones(1)],
      ]),
      "save(): '1' cannot be a name in a .npz file",
    ],
  ]
  for (const [format, value, sentence] of wrong)
    expect((await errorOf(save(value, undefined, { format } as io.SaveOptions))).sentence).toBe(sentence)
  const half = { format: 'npz', dtype: 'bfloat16' } as const
  expect((await errorOf(save([ones(1)], undefined, half))).sentence).toBe('save(): NumPy has no bfloat16')
  const texts = { format: 'npy', metadata: { a: '' } } as const
  expect((await errorOf(save(ones(1), undefined, texts))).sentence).toContain('has no place for metadata')
  const several = (await load(await save([ones(1), Int32Array.of(3)], undefined, { format: 'npz' }))) as Map<
    string,
    Tensor
  >
  expect(Array.from(several, ([name, x]) => [name, x.dtype])).toEqual([
    ['arr_0', 'float32'],
    ['arr_1', 'int32'],
  ])
  const empty = await save({}, undefined, { format: 'npz' })
  expect([...((await load(empty)) as Map<string, Tensor>)]).toEqual([])
  const chosen = (await load(await save({ a: ones(1), b: tensor(2) }, undefined, { format: 'npz' }), {
    only: 'b',
  })) as Map<string, Tensor>
  expect([...chosen.keys()]).toEqual(['b'])
})

// ---- zip ----

const zipped = async (entries: Iterable<ZipInput>): Promise<Uint8Array> => {
  const parts: Uint8Array[] = []
  for await (const part of writeZip(entries, { align: 64 })) parts.push(part)
  return new Uint8Array(Buffer.concat(parts))
}
const limits = { maxBytes: 1e9 }
const open = (bytes: Uint8Array) => readZip(bytesSource(bytes), limits)
/** Reads every entry whole. */
const readAll = async (bytes: Uint8Array): Promise<Map<string, Uint8Array>> => {
  const all = new Map<string, Uint8Array>()
  for (const [name, entry] of await open(bytes)) all.set(name, await entry.read())
  return all
}
const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** An archive of one entry, whose headers may lie. */
const deflated = (data: Uint8Array, lies: Partial<Archived> = {}): Uint8Array => archive([{ name: 'x', data, ...lies }])

describe('a zip archive', () => {
  it('is read as it was written: stored, in pieces, deflated, empty, aligned', async () => {
    const data = Uint8Array.from({ length: 3000 }, (_, i) => i * 7)
    const entries = [
      { name: 'a/whole', bytes: data, size: 3000 },
      { name: 'é', bytes: [data.subarray(0, 1000), data.subarray(1000)], size: 3000 },
      { name: 'none', bytes: [], size: 0 },
    ]
    const bytes = await zipped(entries)
    for (const [name, entry] of await open(bytes)) {
      expect([entry.offset % 64, entry.stored]).toEqual([0, true])
      expect(await entry.read(), name).toEqual(name === 'none' ? new Uint8Array(0) : data)
      if (name !== 'none') expect(await entry.read(10, 20)).toEqual(data.subarray(10, 20))
    }
    expect((await readAll(deflated(data))).get('x')).toEqual(data)
    expect(await open(await zipped([]))).toEqual(new Map())
  })
  /** The same archive with zip64 records, and with a zip64 field for the only entry. */
  const as64 = (bytes: Uint8Array): Uint8Array => {
    const all = Buffer.from(bytes)
    const end = all.subarray(all.length - 22)
    const [count, size, start] = [end.readUInt16LE(10), end.readUInt32LE(12), end.readUInt32LE(16)]
    const central = all.subarray(start, start + size)
    const field = Buffer.alloc(28)
    field.writeUInt16LE(1)
    field.writeUInt16LE(24, 2)
    for (const [i, place] of [24, 20, 42].entries()) {
      field.writeBigUInt64LE(BigInt(central.readUInt32LE(place)), 4 + 8 * i)
      central.writeUInt32LE(0xffffffff, place)
    }
    central.writeUInt16LE(28, 30)
    const record = Buffer.alloc(56)
    record.writeUInt32LE(0x06064b50)
    for (const [place, value] of [
      [24, count],
      [32, count],
      [40, size + 28],
      [48, start],
    ])
      record.writeBigUInt64LE(BigInt(value), place)
    const locator = Buffer.alloc(20)
    locator.writeUInt32LE(0x07064b50)
    locator.writeBigUInt64LE(BigInt(start + size + 28), 8)
    end.fill(0xff, 8, 20)
    return new Uint8Array(Buffer.concat([all.subarray(0, start), central, field, record, locator, end]))
  }
  it('with zip64 records is read', async () => {
    const large = as64(deflated(text('some text')))
    expect((await readAll(large)).get('x')).toEqual(text('some text'))
    for (let n = 0; n < large.length; n++)
      expect((await errorOf(readAll(large.subarray(0, n)))).name).toBe('ValueError')
  })
  const bomb = new Uint8Array(1e6)
  it.each<[string, Uint8Array, RegExp]>([
    ['without a directory', text('PK\x03\x04'), /has no directory of a zip archive at its end/],
    ['that becomes larger than it says', deflated(bomb, { size: 1000 }), /x: becomes larger than the 1000 bytes/],
    ['that is smaller than it says', deflated(bomb, { size: 1000100 }), /x: has 1000000 bytes, not the 1000100/],
    [
      'with an impossible size',
      deflated(text('a'), { size: 1e6 }),
      /says that 3 bytes of 'x' become 1000000, which is impossible/,
    ],
    ['with another checksum', deflated(text('abc'), { crc: 1 }), /x: does not have its checksum/],
    [
      'with another size of what is stored',
      deflated(text('abc'), { method: 0, size: 9 }),
      /says that 'x' is not compressed/,
    ],
    ['with another method', deflated(text('abc'), { method: 93 }), /has 'x' compressed by method 93/],
    ['with a password', deflated(text('abc'), { flags: 1 }), /has the encrypted entry 'x'/],
    ['with a name that leads out', deflated(text('abc'), { name: 'a/../../x' }), /has the name "a\/..\/..\/x"/],
    ['with an absolute name', deflated(text('abc'), { name: '/x' }), /has the name "\/x"/],
    ['with the name of a drive', deflated(text('abc'), { name: 'C:x' }), /has the name "C:x"/],
  ])('%s is refused', async (_, bytes, sentence) => {
    const error = await errorOf(readAll(bytes))
    expect(error.sentence).toMatch(sentence)
    expect(error.name).toBe('ValueError')
  })
  it('larger than the caller allows is refused', async () => {
    const error = await errorOf(readZip(bytesSource(deflated(bomb)), { maxBytes: 999_999 }))
    expect(error.sentence).toBe('bytes: its entries have 1000000 bytes, more than 999999')
  })
  it('whose entries share their bytes is refused, and one that names an entry twice', async () => {
    const bytes = await zipped([
      { name: 'a', bytes: text('one'), size: 3 },
      { name: 'b', bytes: text('two'), size: 3 },
    ])
    const view = Buffer.from(bytes)
    const directory = view.readUInt32LE(view.length - 6)
    const second = directory + 46 + 1
    const overlapping = Buffer.from(view)
    overlapping.writeUInt32LE(0, second + 42)
    expect((await errorOf(open(new Uint8Array(overlapping)))).sentence).toMatch(/'b' begins at byte 0, within 'a'/)
    const twice = Buffer.from(view)
    twice.write('a', second + 46)
    expect((await errorOf(open(new Uint8Array(twice)))).sentence).toMatch(/names 'a' twice/)
  })
  it('with any byte changed is refused or reads as before', async () => {
    const data = text('some bytes to read')
    for (const whole of [
      deflated(data),
      as64(deflated(data)),
      await zipped([{ name: 'x', bytes: [data], size: data.length }]),
    ]) {
      for (let at = 0; at < whole.length; at++) {
        const bytes = whole.slice()
        bytes[at] ^= 0x55
        const read = await readAll(bytes).catch((error: Error) => error)
        if (read instanceof Error) expect(read.name, String(at)).toBe('ValueError')
        else expect([...read.values()]).toEqual([data])
      }
    }
  })
})

it('a .npz file that is damaged names the file and the array', async () => {
  const bytes = await zipped([{ name: 'a.npy', bytes: npy(dict("'|O'")), size: npy(dict("'|O'")).length }])
  expect((await errorOf(load(bytes))).sentence).toBe("bytes: a.npy: the elements are '|O', which cannot be read")
  const other = await zipped(
    [
      { name: 'a.npy', bytes: npy(dict("'<f4'"), 8), size: 72 },
      { name: 'b.txt', bytes: text('b'), size: 1 },
    ].map((x) => ({ ...x, size: x.bytes.length })),
  )
  expect((await errorOf(load(other))).sentence).toBe("bytes: holds 'b.txt', which is not an array")
  const fine = await zipped([
    {
      name: 'a.npy',
      bytes: npy(dict("'>i2'", '(2, 1)', 'True'), 4),
      size: npy(dict("'>i2'", '(2, 1)', 'True'), 4).length,
    },
  ])
  expect(bitsOf(((await load(fine)) as Map<string, Tensor>).get('a') as Tensor).shape).toEqual([2, 1])
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import 'flambeau'
import { RuntimeError, tensor, ValueError } from '@flambeau/core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type CsvOptions, fromTensor, parseCsv, readCsv, toTensor } from '../src/frame/index.ts'

const caught = (call: () => unknown): Error => {
  try {
    call()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

describe('parseCsv', () => {
  it('types columns of numbers, and keeps others as strings or booleans', () => {
    const frame = parseCsv('a,b,c,d\n1,1.5,x,True\n-2,2,"y, z",false\n')
    expect(frame.columnNames()).toEqual(['a', 'b', 'c', 'd'])
    expect(frame.column('a')).toEqual(Int32Array.of(1, -2))
    expect(frame.column('b')).toEqual(Float64Array.of(1.5, 2))
    expect(frame.column('c')).toEqual(['x', 'y, z'])
    expect(frame.column('d')).toEqual([true, false])
  })

  it('reads the numbers that pandas reads', () => {
    const cells = ['1', '+2', '-3.', '.5', '1e3', '1E-3', ' 7 ', 'inf', '-Infinity', '', 'NA', 'nan']
    const column = parseCsv(`a,b\n${cells.map((cell) => `${cell},0`).join('\n')}`).column('a')
    expect(column).toEqual(
      Float64Array.of(1, 2, -3, 0.5, 1000, 0.001, 7, Infinity, -Infinity, Number.NaN, Number.NaN, Number.NaN),
    )
  })

  it('keeps whole numbers beyond int32 exact', () => {
    expect(parseCsv('a\n3000000000\n-1\n').column('a')).toEqual([3000000000, -1])
    expect(parseCsv('a\n99999999999999999999\n').column('a')).toEqual(Float64Array.of(1e20))
  })

  it('keeps text that only resembles a number', () => {
    expect(parseCsv('a,b\n1,0x10\n2,1_000\n').column('b')).toEqual(['0x10', '1_000'])
    expect(parseCsv('a,b\n1,x\n2,\n').column('b')).toEqual(['x', null])
  })

  it('accepts Windows line ends, a byte order mark, empty lines, another delimiter, no header', () => {
    expect(parseCsv('\ufeffa,b\r\n1,2\r\n\r\n3,4\r\n').column('b')).toEqual(Int32Array.of(2, 4))
    expect(parseCsv('a;b\n1;2\n', { delimiter: ';' }).columnNames()).toEqual(['a', 'b'])
    const bare = parseCsv('5,6\n7,8\n', { header: false })
    expect(bare.columnNames()).toEqual(['0', '1'])
    expect(bare.column('1')).toEqual(Int32Array.of(6, 8))
  })

  it('keeps the requested columns, in that order', () => {
    expect(parseCsv('a,b,c\n1,2,3\n', { columns: ['c', 'a'] }).columnNames()).toEqual(['c', 'a'])
  })

  it('counts lines inside quoted cells', () => {
    const text = 'name,size\n"two\nlines",1\nplain,big\n'
    const error = caught(() => parseCsv(text, { file: 'sizes.csv', numeric: ['size'] }))
    expect(error.message).toContain("sizes.csv, line 4, column 'size': could not convert string to float: 'big'")
  })

  it.each<[text: string, options: CsvOptions, message: string]>([
    ['', {}, 'x.csv: No columns to parse from file\nThe file is empty.'],
    ['\n\n', {}, 'x.csv: No columns to parse from file\nThe file is empty.'],
    ['a,b\n1,2\n3\n', {}, "x.csv, line 3: Expected 2 fields, saw 1: nothing for column 'b'"],
    ['a,b\n1,2\n\n3,4,5\n', {}, "x.csv, line 4: Expected 2 fields, saw 3: no column for '5'"],
    [
      'a,b\n1,2\n',
      { columns: ['a', 'price'] },
      "x.csv, line 1: no column named 'price'\nThe file has the columns 'a', 'b'.",
    ],
    ['a,b\n1,2\n3,four\n', { numeric: true }, "x.csv, line 3, column 'b': could not convert string to float: 'four'"],
    ['a,b,a\n1,2,3\n', {}, "x.csv, line 1: the column name 'a' occurs twice (columns 1 and 3)"],
    ['a,b\n1,"2\n3,4\n', {}, 'x.csv, line 2: a quoted cell is not closed'],
    ['a,b\n1,2\n3,"4"5\n', {}, 'x.csv, line 3: a quote inside a quoted cell'],
    ['a,__proto__\n1,2\n', {}, "x.csv, line 1: a column cannot be called '__proto__'"],
    ['a,b\n1,2\n', { columns: ['b', 'b'] }, "the column name 'b' occurs twice (columns 1 and 2)"],
    ['a,b\n1,2\n', { numeric: ['price'] }, "x.csv, line 1: no column named 'price'"],
    ...['"', '""', '\n', '', ',"'].map((delimiter): [string, CsvOptions, string] => [
      'a\n',
      { delimiter },
      `parseCsv(): argument 'delimiter' must not be ${JSON.stringify(delimiter)}`,
    ]),
  ])('names what is wrong in %j', (text, options, message) => {
    const error = caught(() => parseCsv(text, { file: 'x.csv', ...options }))
    expect(error).toBeInstanceOf(ValueError)
    expect(error.message).toContain(message)
  })

  it('refuses unknown options, and suggests the one that was meant', () => {
    expect(() => parseCsv('a\n1\n', { delimeter: ';' } as never)).toThrow(
      "parseCsv() got an unexpected keyword argument 'delimeter'\nDid you mean delimiter?",
    )
    expect(() => parseCsv('a\n1\n', { header: 'no' } as never)).toThrow("argument 'header' must be bool, not str")
  })

  it('keeps column names that every object has as properties', () => {
    const frame = parseCsv('constructor,toString,10,2\n1,2,3,4\n')
    expect(frame.columnNames()).toEqual(['constructor', 'toString', '10', '2'])
    expect(toTensor(frame).toNested()).toEqual([[1, 2, 3, 4]])
    expect(() => toTensor(parseCsv('a\n1\n'), 'toString')).toThrow("no column named 'toString'")
    expect(() => fromTensor(tensor([1]), ['__proto__'])).toThrow("a column cannot be called '__proto__'")
  })

  it('takes time linear in the number of columns: reads a hundred thousand', () => {
    const names = Array.from({ length: 100_000 }, (_, i) => `c${i}`)
    const frame = parseCsv(`${names.join()}\n${names.map(() => '1').join()}\n`, { numeric: names, columns: names })
    expect(toTensor(frame, names).sum().item()).toBe(100_000)
  })

  it('remembers the file until a tensor is made, through select, filter and order', () => {
    const frame = parseCsv('a,b\n9,1\n5,x\n7,y\n', { file: 'x.csv' })
    const sentence = "x.csv, line 4, column 'b': could not convert string to float: 'y'"
    const sorted = frame.filter('d => d.a != 5').orderby('a').select('b')
    expect(caught(() => toTensor(sorted)).message).toContain(sentence)
  })
})

describe('readCsv', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'flambeau-'))
    writeFileSync(join(folder, 'houses.csv'), 'rooms,price\n3,24.5\n4,much\n')
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('reads a path, a file URL and its text', async () => {
    const path = join(folder, 'houses.csv')
    for (const source of [path, pathToFileURL(path), pathToFileURL(path).href]) {
      expect((await readCsv(source, { columns: ['rooms'] })).column('rooms')).toEqual(Int32Array.of(3, 4))
    }
  })

  it('names the file', async () => {
    const path = join(folder, 'houses.csv')
    await expect(readCsv(path, { numeric: true })).rejects.toThrow(
      `${path}, line 3, column 'price': could not convert string to float: 'much'`,
    )
    await expect(readCsv(join(folder, 'none.csv'))).rejects.toThrow('ENOENT')
  })

  it('reads UTF-8, and names the line and the first byte that are not', async () => {
    const path = join(folder, 'text.csv')
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
    const read = async (...parts: (Uint8Array | readonly number[])[]) => {
      writeFileSync(path, Buffer.concat(parts.map((part) => Uint8Array.from(part))))
      return readCsv(path)
    }
    const frame = await read([0xef, 0xbb, 0xbf], bytes('größe,\ufffd\n1,ü\n'))
    expect([frame.columnNames(), frame.column('\ufffd')]).toEqual([['größe', '\ufffd'], ['ü']])
    for (const [parts, line, byte, position] of [
      // Latin 1, after a mark that the file has itself.
      [[bytes('a\ufffd,b\n1,'), [0xe9], bytes('\n')], 2, 'e9', 9],
      [[[0xef, 0xbb, 0xbf], bytes('a,b\n1,2\n'), [0xff]], 3, 'ff', 11],
      // UTF-16, and a character that is cut off.
      [[[0xff, 0xfe, 0x61, 0]], 1, 'ff', 0],
      [[bytes('a\n'), [0xc3]], 2, 'c3', 2],
      // Two thirds of the mark that a decoder puts there.
      [[bytes('a\n'), [0xef, 0x41, 0xbd], bytes('\n')], 2, 'ef', 2],
      [[bytes('a\n'), [0xef, 0xbf, 0x41], bytes('\n')], 2, 'ef', 2],
    ] as const) {
      await expect(read(...parts)).rejects.toThrow(
        `${path}, line ${line}: 'utf-8' codec can't decode byte 0x${byte} in position ${position}\nSave the file in UTF-8`,
      )
    }
    await expect(readCsv(path, { colour: 1 } as never)).rejects.toThrow("unexpected keyword argument 'colour'")
  })

  it('fetches what is not a file', async () => {
    const answers = [new Response('a\n1\n'), new Response('', { status: 404, statusText: 'Not Found' })]
    const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => answers.shift() as Response)
    expect((await readCsv('https://example.org/a.csv')).column('a')).toEqual(Int32Array.of(1))
    const error = await readCsv('https://example.org/b.csv').catch((e: unknown) => e)
    expect(error).toBeInstanceOf(RuntimeError)
    expect((error as Error).message).toBe('https://example.org/b.csv: 404 Not Found')
    fetch.mockRestore()
  })
})

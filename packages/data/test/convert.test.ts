import { readFileSync } from 'node:fs'
import { ones, RuntimeError, tensor, ValueError, zeros } from '@flambeau/core'
import 'flambeau'
import { desc, table } from 'arquero'
import { describe, expect, it } from 'vitest'
import { formatFrame, fromTensor, toTensor } from '../src/frame/index.ts'

const { errors } = JSON.parse(readFileSync(new URL('golden/loader.json', import.meta.url), 'utf8')) as {
  errors: Record<string, string>
}

describe('toTensor', () => {
  const frame = table({ a: [1, 2, 3], b: Float64Array.of(0.5, 1.5, 2.5), c: [true, false, true], d: [1, null, 3] })

  it('makes a matrix from a list of names and a vector from one name', () => {
    const x = toTensor(frame, ['b', 'a'])
    expect([x.dtype, x.toNested()]).toEqual([
      'float32',
      [
        [0.5, 1],
        [1.5, 2],
        [2.5, 3],
      ],
    ])
    expect(toTensor(frame, 'a', { dtype: 'int32' }).toNested()).toEqual([1, 2, 3])
    expect(toTensor(frame, ['a']).shape).toEqual([3, 1])
    expect(toTensor(frame.select('a', 'b')).shape).toEqual([3, 2])
    expect(toTensor(frame, 'c', { dtype: 'bool' }).toNested()).toEqual([true, false, true])
    expect(toTensor(frame, 'b', { dtype: 'float64' }).dtype).toBe('float64')
    expect(toTensor(frame, 'd').toNested()).toEqual([1, Number.NaN, 3])
  })

  it('accepts plain columns', () => {
    const columns = { y: [0, 1], yHat: Float32Array.of(0.25, 0.75) }
    expect(toTensor(columns, ['yHat', 'y']).toNested()).toEqual([
      [0.25, 0],
      [0.75, 1],
    ])
    expect(formatFrame(columns)).toBe('   y  yHat\n0  0  0.25\n1  1  0.75')
    expect(() => toTensor({ a: [1, 2], b: [1] })).toThrow(
      "All arrays must be of the same length\nThey have 'a' 2, 'b' 1 rows.",
    )
    expect(() => toTensor(columns, 'z')).toThrow("no column named 'z'")
  })

  it('follows filter and order', () => {
    expect(toTensor(frame.filter('d => d.a != 2').orderby(desc('a')), 'b').toNested()).toEqual([2.5, 0.5])
    expect(toTensor(frame.filter('d => d.a > 5'), ['a', 'b']).shape).toEqual([0, 2])
  })

  it('refuses missing columns, text, and numbers outside the dtype', () => {
    expect(() => toTensor(frame, ['a', 'price'])).toThrow(ValueError)
    expect(() => toTensor(frame, 'price')).toThrow("no column named 'price'\nThe data frame has the columns 'a', 'b'")
    expect(() => toTensor(table({ a: ['1'] }))).toThrow("row 0, column 'a': could not convert string to float: '1'")
    expect(() => toTensor(frame, 'b', { dtype: 'int32' })).toThrow(
      "row 0, column 'b': 0.5 is not a value of dtype int32",
    )
    expect(() => toTensor(frame, 'd', { dtype: 'int32' })).toThrow("row 1, column 'd': NaN")
  })

  it.each<['int32' | 'uint8' | 'bool', number, number]>([
    ['int32', -(2 ** 31), 2 ** 31 - 1],
    ['uint8', 0, 255],
    ['bool', 0, 1],
  ])('accepts for %s only whole numbers from %i to %i', (dtype, low, high) => {
    expect([...toTensor({ a: [low, high] }, 'a', { dtype }).toArray()]).toEqual([low, high])
    for (const wrong of [low - 1, high + 1, 0.5, Infinity])
      expect(() => toTensor({ a: [low, wrong] }, 'a', { dtype })).toThrow(
        `row 1, column 'a': ${wrong} is not a value of dtype ${dtype}\nIt takes whole numbers from ${low} to ${high};`,
      )
  })

  it.each<[unknown, string]>([
    [{}, "float() argument must be a string or a real number, not 'object'"],
    [Object.create(null), "float() argument must be a string or a real number, not 'object'"],
    [[1], "float() argument must be a string or a real number, not 'object'"],
    [() => 1, "float() argument must be a string or a real number, not 'function'"],
    [Symbol('x'), "could not convert symbol to float: 'Symbol(x)'"],
  ])('names the value of a cell that is not a number: %#', (value, message) => {
    expect(() => toTensor({ a: [1, value] })).toThrow(`row 1, column 'a': ${message}`)
  })
})

describe('fromTensor', () => {
  it('makes a frame column from every tensor column, with the tensor’s precision', () => {
    const frame = fromTensor(
      tensor([
        [1, 0.5],
        [2, 0.25],
      ]),
      ['y', 'y_hat'],
    )
    expect(frame.column('y_hat')).toEqual(Float32Array.of(0.5, 0.25))
    expect(formatFrame(frame)).toBe('     y  y_hat\n0  1.0   0.50\n1  2.0   0.25')
    expect(fromTensor(tensor([true, false])).column('0')).toEqual([true, false])
    expect(fromTensor(zeros([2], { dtype: 'int32' }), ['n']).column('n')).toEqual(Int32Array.of(0, 0))
    expect(
      fromTensor(
        tensor([
          [1, 2],
          [3, 4],
        ]).t(),
        ['a', 'b'],
      ).column('a'),
    ).toEqual(Float32Array.of(1, 2))
  })

  it('goes round', () => {
    const x = tensor([
      [1.1, 2],
      [3, 4],
    ])
    expect(toTensor(fromTensor(x)).toNested()).toEqual(x.toNested())
  })

  it('refuses names that do not fit, more dimensions, and a tensor that requires grad', () => {
    expect(() => fromTensor(ones(4, 2), ['y'])).toThrow(errors.frame.replace('ValueError: ', ''))
    expect(() => fromTensor(ones(2, 2, 2))).toThrow('Must pass 2-d input. shape=(2, 2, 2)')
    const grad = ones([4, 2], { requiresGrad: true })
    expect(() => fromTensor(grad)).toThrow(RuntimeError)
    expect(() => fromTensor(grad)).toThrow(errors.requiresGrad.replace('RuntimeError: ', ''))
  })
})

// An instruction that is repeated becomes a call of words that C++ already has. The results are those of plain
// JavaScript the first time, the second, when it becomes a call, and later; for any places of operands, any numbers,
// and any count of calls.
import { js } from '@flambeau/backend-js'
import { arange, F, noGrad, ones, type Tensor, tensor, useDevice } from '@flambeau/core'
import { beforeEach, expect } from 'vitest'
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import type { NativeBackend } from '../src/backend.ts'
import { native } from '../src/index.ts'

const it = (name: string, body: () => void | Promise<void>) => testWith('native', nativeMissing, name, body)

const plain = js()
let device: NativeBackend
beforeEach(async () => {
  if (nativeMissing !== undefined) return
  device = (await native()) as NativeBackend
  useDevice(device)
})

/** Compares the results of `body` on native and on js, turn by turn. */
function turnByTurn(turns: number, body: (turn: number) => Tensor): void {
  for (let turn = 0; turn < turns; turn++) {
    useDevice(device)
    const found = body(turn)
    useDevice(plain)
    const wanted = body(turn)
    expect(found.shape).toEqual(wanted.shape)
    expect(found.dtype).toBe(wanted.dtype)
    const expected = wanted.toArray()
    for (const [i, x] of found.toArray().entries())
      expect(x, `element ${i} of turn ${turn}`).toBeCloseTo(expected[i], 5)
  }
}

const values = Array.from({ length: 40 }, (_, i) => (i % 13) / 7 - 0.8)

it('a call uses its own numbers, offsets and memory', () => {
  turnByTurn(5, (turn) => {
    const x = tensor(values).narrow(0, turn, 12).view(3, 4)
    return x
      .mul(turn + 0.5)
      .add(x.select(0, turn % 3))
      .sub(turn)
      .sum({ dim: 1 })
  })
})

it('numbers are rounded to the dtype of the other operand', () => {
  turnByTurn(4, (turn) => tensor([1, 2, 250], { dtype: 'uint8' }).add(255 + turn))
  turnByTurn(4, (turn) => tensor([1, -2], { dtype: 'int32' }).mul(2 ** 31 + turn))
  turnByTurn(4, (turn) => tensor([1, 0], { dtype: 'bool' }).logicalOr(turn))
})

it('one expression has many shapes and steps', () => {
  turnByTurn(600, (turn) => {
    const n = 1 + (turn % 200)
    const x = arange(n + 1).narrow(0, 1, n)
    return x.add(x)
  })
  turnByTurn(8, (turn) => {
    const x = tensor(values).view(5, 8)
    return (turn % 2 === 0 ? x.t().narrow(0, 0, 5) : x.narrow(1, 0, 5)).add(1)
  })
})

it('other kinds of instructions', () => {
  const index = (turn: number): Tensor => tensor([turn, 0, 3], { dtype: 'int32' })
  const matrix = (turn: number): Tensor => tensor(values).narrow(0, turn, 24).view(4, 6)
  turnByTurn(4, (turn) => matrix(turn).indexSelect(0, index(turn)))
  turnByTurn(4, (turn) => matrix(turn).matmul(matrix(turn + 1).t()))
  turnByTurn(4, (turn) => F.linear(matrix(turn), matrix(turn + 1), tensor(values).narrow(0, turn, 4)))
  turnByTurn(4, (turn) => matrix(turn).argmax(turn % 2))
  turnByTurn(4, (turn) => matrix(turn).cumsum(turn % 2))
  turnByTurn(4, (turn) =>
    matrix(turn)
      .flip([turn % 2])
      .add(1),
  )
  turnByTurn(4, (turn) => matrix(turn).narrow(0, 0, 0).sum())
  turnByTurn(4, (turn) =>
    arange(6)
      .view(2, 3)
      .to('uint8')
      .matmul(
        arange(turn, turn + 3)
          .view(3, 1)
          .to('uint8'),
      ),
  )
})

it('an input is read before it is overwritten', () => {
  turnByTurn(4, (turn) =>
    noGrad(() => {
      const x = tensor(values)
      for (let i = 0; i < 3; i++) x.mul_(turn).add_(x)
      return x
    }),
  )
})

it('an error is about the call that failed', () => {
  const x = tensor([1, 2, 3])
  for (const at of [0, 1, 2]) expect(x.indexSelect(0, tensor([at], { dtype: 'int32' })).item()).toBe(at + 1)
  for (const at of [3, 4]) {
    const index = tensor([at], { dtype: 'int32' })
    expect(() => x.indexSelect(0, index)).toThrow(`The index is ${at}, the size 3`)
  }
  const loss = (p: number) => F.binaryCrossEntropy(tensor([p]), ones(1))
  for (const p of [0.5, 0.25, 1]) expect(loss(p).item()).toBeCloseTo(-Math.log(p), 6)
  for (const p of [1.5, -1]) expect(() => loss(p)).toThrow('all elements of input should be between 0 and 1')
})

it('more calls than C++ keeps', () => {
  // One expression has at most 256 descriptors, so filling the table takes several expressions.
  const ops: ((x: Tensor, y: Tensor) => Tensor)[] = [
    (x, y) => x.add(y),
    (x, y) => x.sub(y),
    (x, y) => x.mul(y),
    (x, y) => x.div(y),
    (x, y) => x.maximum(y),
    (x, y) => x.minimum(y),
    (x, y) => x.le(y),
    (x, y) => x.lt(y),
    (x, y) => x.eq(y),
    (x, y) => x.ne(y),
    (x, y) => x.ge(y),
    (x, y) => x.gt(y),
  ]
  const dtypes = ['float32', 'float64', 'int32'] as const
  turnByTurn(3, () => {
    let total = tensor(0, { dtype: 'float64' })
    for (const dtype of dtypes) {
      for (let n = 1; n <= 30; n++) {
        const x = tensor(
          values.slice(0, n).map((v) => Math.round(v * 10) + 20),
          { dtype },
        )
        const y = tensor(
          values.slice(3, n + 3).map((v) => Math.round(v * 10) + 20),
          { dtype },
        )
        for (const op of ops) total = total.add(op(x, y).sum().to('float64'))
      }
    }
    return total.div(1e4)
  })
})

it('C++ refuses an inconsistent program', () => {
  const { host } = device
  // A map of one input and one output that reads a value that does not exist.
  const words = Int32Array.of(0, 22, 0, 1, 1, 1, 0, 4, 0, 0, 4, 0, 3, 1, 1, 0, 4, 0, 3, 1, -1, -2)
  expect(() => host.define(0, words, 22, 2, 0)).toThrow(
    'native: instruction 0 (map): an input of an expression does not exist',
  )
  expect(() => host.define(0, words, 21, 2, 0)).toThrow('its length is out of range')
  expect(() => host.define(0, words, 23, 2, 0)).toThrow('it ends too early')
  expect(() => host.define(-1, words, 22, 2, 0)).toThrow('define takes a number, words (Int32Array) and three counts')
  expect(() => host.define(1 << 16, words, 22, 2, 0)).toThrow('define takes a number')
})

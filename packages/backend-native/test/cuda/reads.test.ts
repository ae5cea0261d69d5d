// Reads that do not block: the event loop turns while the device works, and what is written or fails meanwhile changes
// nothing of what was read.
import { tensor, useDevice } from '@flambeau/core'
import { expect } from 'vitest'
import { testWith } from '../../../../tools/test/machine.ts'
import { type CudaBackend, openCuda } from '../../src/cuda/index.ts'
import { cudaMissing } from './driver.ts'

const polls = 7
process.env.FAKECUDA_POLLS = String(polls)
let cuda: CudaBackend | undefined
const onCuda = (): void => void useDevice((cuda ??= openCuda(0)))
const it = (name: string, body: () => Promise<void>): void => testWith('native', cudaMissing, name, body)

/** Something that fails, when it is read. */
const failing = (): number =>
  tensor([1, 2, 3])
    .indexSelect(0, tensor([7], { dtype: 'int32' }))
    .sum()
    .item()
const sentence = 'index out of range in self'

it('the event loop turns while a read or a synchronization waits', async () => {
  onCuda()
  for (const wait of [() => tensor([1, 2, 3]).mul(2).toArrayAsync(), () => (cuda as CudaBackend).sync()]) {
    let turns = 0
    let waits = true
    const turn = (): void => {
      turns++
      if (waits) setImmediate(turn)
    }
    tensor([1]).add(1)
    setImmediate(turn)
    await wait()
    waits = false
    expect(turns).toBeGreaterThanOrEqual(polls - 1)
  }
})

it('reads return what was there when they were called, whatever their layout, and in any number', async () => {
  onCuda()
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ])
  const reads = [x.toArrayAsync(), x.t().toArrayAsync(), x.at(1).toArrayAsync(), x.narrow(0, 0, 0).toArrayAsync()]
  x.fill_(9)
  expect((await Promise.all(reads)).map((values) => [...values])).toEqual([
    [1, 2, 3, 4, 5, 6],
    [1, 4, 2, 5, 3, 6],
    [4, 5, 6],
    [],
  ])
  expect([...(await x.toArrayAsync())]).toEqual([9, 9, 9, 9, 9, 9])
})

it('a read after a failure gets its error, also if another read was told first; one before it gets its values', async () => {
  onCuda()
  const [x, index] = [tensor([1, 2, 3]), tensor([7], { dtype: 'int32' })]
  const before = x.add(1).toArrayAsync()
  const failed = x.indexSelect(0, index)
  const after = x.mul(2).toArrayAsync()
  const caught = after.catch((error: Error) => error.message)
  expect(() => failed.toArray()).toThrow(sentence)
  expect([...(await before)]).toEqual([2, 3, 4])
  expect(await caught).toContain(sentence)
  expect([...(await x.mul(2).toArrayAsync())]).toEqual([2, 4, 6])
  await expect(x.indexSelect(0, index).toArrayAsync()).rejects.toThrow(sentence)
})

it('a failure while a read waits is not that of the read', async () => {
  onCuda()
  const read = tensor([1, 2]).add(1).toArrayAsync()
  expect(failing).toThrow(sentence)
  expect([...(await read)]).toEqual([2, 3])
})

// Several GPUs, and what PyTorch's torch.cuda says of them.
import { expect } from 'vitest'
import { testWith } from '../../../../tools/test/machine.ts'
import { cudaMissing, outcome } from './driver.ts'

const two = { FAKECUDA_DEVICES: '2', FAKECUDA_MEMORY: '64M' }
const it = (name: string, body: () => void): void => testWith('native', cudaMissing, name, body, 60_000)

it('tensors move between GPUs by copies that the host does not see', () => {
  expect(outcome('peers', 'cuda', two).result).toEqual({
    devices: ['cuda:0', 'cuda:1', 'cuda:0'],
    values: [
      [0, 2],
      [4, 6],
      [8, 10],
    ],
    grad: [1, 1, 1, 1, 1, 1],
    turned: [0, 4, 8, 2, 6, 10],
    reads: 0,
    mixed: 'Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cuda:1!',
    absent: 'CUDA error: invalid device ordinal',
  })
})

it('the memory of a copy is not used again before the copy', () => {
  expect(outcome('peers-order', 'cuda', { ...two, FAKECUDA_MEMORY: '24M' }).result).toBe(true)
})

it('each GPU has its own failures and programs', () => {
  const sums = [4, 6, 11, 17.5, 24.75]
  expect(outcome('peers-programs', 'cuda', two).result).toEqual({
    failure: 'index 9 is out of bounds for dimension 0 with size 3',
    sums: sums.flatMap((sum) => [sum, sum]),
    devices: ['cuda:0', 'cuda:1'],
  })
})

it('each GPU finds its own garbage', () => {
  const { result, error } = outcome('peers-garbage', 'cuda', { ...two, FAKECUDA_MEMORY: '16M' })
  const { sums, held } = result as { sums: number[]; held: number[] }
  expect(error).toBe(undefined)
  expect(sums).toEqual([8, 8])
  for (const bytes of held) expect(bytes).toBeLessThan(2 ** 20)
})

it('torch.cuda tells of the devices', () => {
  const { before, after } = outcome('queries', 'cuda', two).result as { before: unknown; after: unknown }
  const none = 'Torch not compiled with CUDA enabled'
  expect(before).toEqual([false, 0, none, none, 0, 0])
  expect(after).toEqual({
    there: [true, 2, 0, [9, 0], 'cuda:0', 1],
    name: true,
    allocated: [true, true, true, true],
    emptied: true,
    info: [true, 64 << 20],
    peak: true,
    second: [1, 'cuda:1', 1],
    absent: 'CUDA error: invalid device ordinal',
  })
})

it('the profiler has times of the device', () => {
  const { table, events, trace } = outcome('profile', 'cuda').result as Record<string, unknown>
  expect(table).toMatch(/^-+ .*\n +Name +Self CPU % +Self CPU +CPU time avg +Self CUDA +Self CUDA % +CUDA time avg /)
  expect(table).toContain('Self CUDA time total: ')
  expect(events).toBe(true)
  expect(trace).toBe(true)
})

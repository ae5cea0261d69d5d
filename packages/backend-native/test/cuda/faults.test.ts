// What a user is told where there is no GPU, no driver or no memory, and what goes on afterwards.
import { expect } from 'vitest'
import { testWith } from '../../../../tools/test/machine.ts'
import { cudaMissing, outcome } from './driver.ts'

const cases: readonly [name: string, test: () => void][] = [
  ['a device computes', () => expect(outcome('open', 'cuda').result).toEqual([2, 4, 6])],
  [
    'one of several devices',
    () => expect(outcome('open', 'cuda:1', { FAKECUDA_DEVICES: '2' }).result).toEqual([2, 4, 6]),
  ],
  [
    'there is no driver',
    () => {
      const { error } = outcome('open', 'cuda', { FLAMBEAU_CUDA_DRIVER: '/nowhere/libcuda.so.1' })
      expect(error).toContain('Found no NVIDIA driver on your system')
      expect(error).toContain("'native' or 'js'")
    },
  ],
  [
    'there is a driver and no GPU',
    () => expect(outcome('open', 'cuda', { FAKECUDA_NONE: '1' }).error).toContain('No CUDA GPUs are available'),
  ],
  [
    'a device that is not there',
    () => {
      const { error } = outcome('open', 'cuda:3', { FAKECUDA_DEVICES: '2' })
      expect(error).toContain('CUDA error: invalid device ordinal')
      expect(error).toContain('this machine has 2 devices')
    },
  ],
  [
    'a GPU that is too old',
    () => expect(outcome('open', 'cuda', { FAKECUDA_CAPABILITY: '6.1' }).error).toContain('cuda capability 6.1'),
  ],
  [
    'memory is out, and then there is some again',
    () => {
      const [message, sum] = outcome('memory', 'cuda', { FAKECUDA_MEMORY: '64M' }).result as [string, number]
      expect(message).toMatch(/^CUDA out of memory\. Tried to allocate 4\.00 MiB \(GPU 0; 64\.00 MiB total capacity; /)
      expect(sum).toBe(0)
    },
  ],
  ['garbage of a synchronous loop', () => expect(outcome('loop', 'cuda', { FAKECUDA_MEMORY: '16M' }).result).toBe(999)],
  [
    'memory that waiting launches use is not returned to the driver',
    () => expect(outcome('trim', 'cuda', { FAKECUDA_MEMORY: '18M' })).toEqual({ result: [10 << 18, 0] }),
  ],
  ['scopes give memory back', () => expect(outcome('scope', 'cuda').result).toBeLessThan(1 << 18)],
  [
    'an index out of bounds',
    () => {
      const [message, values] = outcome('index', 'cuda').result as [string, number[]]
      expect(message).toContain('index out of range in self')
      expect(values).toEqual([1, 2, 3])
    },
  ],
  [
    'a launch that fails names the op, and the device stays lost',
    () => {
      const { error } = outcome('open', 'cuda', { FAKECUDA_FAIL: 'cuLaunchKernel:1:700' })
      expect(error).toMatch(/^CUDA error: .*ILLEGAL_ADDRESS.* in mul/)
      expect(error).toContain('The device is lost for this process')
    },
  ],
]
for (const [name, test] of cases) testWith('native', cudaMissing, name, test, 60_000)

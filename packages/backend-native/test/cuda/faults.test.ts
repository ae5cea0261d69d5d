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
    'a driver that lacks a function',
    () => {
      const { error } = outcome('open', 'cuda', { FLAMBEAU_CUDA_DRIVER: 'libm.so.6' })
      expect(error).toContain('The NVIDIA driver on your system is too old.')
      expect(error).toMatch(/It lacks cu\w+; flambeau needs driver 470 or newer/)
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
/** Calls of the driver that fail, with the error that they give: its sentence, and whether the device is lost. */
const failing: readonly (readonly [call: string, code: number, sentence: string, isLost?: true])[] = [
  ['cuInit', 999, 'unknown error (CUDA_ERROR_UNKNOWN)'],
  ['cuDevicePrimaryCtxRetain', 2, 'out of memory (CUDA_ERROR_OUT_OF_MEMORY) in opening the device'],
  ['cuMemHostAlloc', 2, 'out of memory (CUDA_ERROR_OUT_OF_MEMORY) in opening the device'],
  [
    'cuMemAlloc',
    715,
    'an illegal instruction was encountered (CUDA_ERROR_ILLEGAL_INSTRUCTION) in allocating memory',
    true,
  ],
  ['cuLaunchKernel', 701, 'too many resources requested for launch (CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES) in mul'],
  ['cuModuleLoadDataEx', 218, 'a PTX JIT compilation failed (CUDA_ERROR_INVALID_PTX) in mul'],
  ['cuModuleGetFunction', 500, 'named symbol not found (CUDA_ERROR_NOT_FOUND) in mul'],
  ['cuMemcpyHtoDAsync', 700, 'an illegal memory access was encountered (CUDA_ERROR_ILLEGAL_ADDRESS) in a write', true],
  [
    'cuMemcpyDtoHAsync',
    717,
    'operation not supported on global/shared address space (CUDA_ERROR_INVALID_ADDRESS_SPACE) in a read',
    true,
  ],
  ['cuStreamSynchronize', 702, 'the launch timed out and was terminated (CUDA_ERROR_LAUNCH_TIMEOUT) in a read', true],
]
for (const [call, code, sentence, isLost] of failing) {
  const test = () => {
    const { error } = outcome('open', 'cuda', { FAKECUDA_FAIL: `${call}:1:${code}` })
    const hint = isLost ? 'The device is lost for this process' : "Use device 'native' or 'js' instead."
    expect(error?.startsWith(`CUDA error: ${sentence}`), error).toBe(true)
    expect(error).toContain(`\n${hint}`)
  }
  testWith('native', cudaMissing, `${call} fails with ${code}`, test, 60_000)
}
for (const [name, test] of cases) testWith('native', cudaMissing, name, test, 60_000)

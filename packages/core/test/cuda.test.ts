// torch.cuda: without a GPU as PyTorch without CUDA, and with GPUs what they say.
import { js } from '@flambeau/backend-js'
import { cuda, device, nn, profile, tensor, useDevice, zeros } from '@flambeau/core'
import { expect, it } from 'vitest'
import { asked, registerGpus } from './gpus.ts'

useDevice(js())

it('torch.cuda knows the GPUs that are loaded', () => {
  const none = 'Torch not compiled with CUDA enabled'
  expect(cuda.isAvailable()).toBe(false)
  expect([cuda.deviceCount(), cuda.memoryAllocated(), cuda.maxMemoryReserved()]).toEqual([0, 0, 0])
  expect(cuda.emptyCache()).toBeUndefined()
  for (const ask of [
    cuda.currentDevice,
    cuda.getDeviceName,
    cuda.getDeviceCapability,
    cuda.synchronize,
    cuda.memGetInfo,
    cuda.resetPeakMemoryStats,
    () => cuda.setDevice(0),
    () => device('cuda'),
    () => zeros(1).to('cuda:1'),
  ])
    expect(ask).toThrow(none)

  registerGpus(3)
  expect([cuda.isAvailable(), cuda.deviceCount(), cuda.currentDevice()]).toEqual([true, 3, 0])
  expect([cuda.getDeviceName(), cuda.getDeviceName(2), cuda.getDeviceName('cuda:1')]).toEqual([
    'GPU 0',
    'GPU 2',
    'GPU 1',
  ])
  expect(cuda.getDeviceCapability(2)).toEqual([8, 2])
  expect(cuda.getDeviceProperties('cuda').bytes).toBe(2 ** 30)
  expect([cuda.memoryAllocated(), cuda.memoryReserved(), cuda.memGetInfo()]).toEqual([10, 20, [50, 60]])
  expect([cuda.maxMemoryAllocated(), cuda.maxMemoryReserved()]).toEqual([30, 40])
  for (const wrong of [3, -1, 'cuda:3', 'js']) {
    expect(() => cuda.getDeviceName(wrong)).toThrow('CUDA error: invalid device ordinal')
    expect(() => cuda.memoryAllocated(wrong)).toThrow('CUDA error: invalid device ordinal')
  }

  cuda.synchronize()
  cuda.setDevice(1)
  expect([zeros(1).device, cuda.currentDevice(), cuda.memoryAllocated()]).toEqual(['cuda:1', 1, 11])
  expect(tensor([1]).to('cuda:2').getDevice()).toBe(2)
  expect([tensor([1]).cuda(2), tensor([1]).cuda('cuda:0')].map((x) => x.getDevice())).toEqual([2, 0])
  const layer = new nn.Linear(1, 1, { device: 'js' })
  expect([layer.cuda({ device: 2 }).weight.device, layer.bias?.device]).toEqual(['cuda:2', 'cuda:2'])
  cuda.resetPeakMemoryStats('cuda:0')
  cuda.synchronize()
  cuda.emptyCache()
  expect(asked).toEqual(['wait 0', 'reset 0', 'wait 1', 'empty 0', 'empty 1', 'empty 2'])
})

it('the profiler adds the times of a GPU', () => {
  cuda.setDevice(0)
  const seen = profile(() => tensor([1, 2]).add(1).item === undefined)
  expect(seen.events.map(({ name, deviceDuration }) => [name, deviceDuration])).toEqual([
    ['write', 5],
    ['add', 5],
  ])
  expect(seen.table()).toContain('Self CUDA time total: 10.000us')
})

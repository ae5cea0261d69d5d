// GPUs for tests of what core asks them: js under their names.
import { js } from '@flambeau/backend-js'
import { registerDevice } from '@flambeau/core'
import type { Backend, Gpu } from '@flambeau/core/backend'

/** What GPUs were asked to do. */
export const asked: string[] = []

/** Registers the first of some GPUs. */
export function registerGpus(count: number): void {
  const all = Array.from({ length: count }, (_, i) => ({
    name: `GPU ${i}`,
    major: 8,
    minor: i,
    bytes: 2 ** 30,
    multiprocessors: 10,
  }))
  const open = (index: number): Backend => {
    const own = js()
    const gpu: Gpu<Backend> = {
      kind: 'cuda',
      index,
      all,
      open,
      clock: { mark: () => 0, between: () => 5, reset: () => {} },
      wait: () => void asked.push(`wait ${index}`),
      emptyCache: () => void asked.push(`empty ${index}`),
      resetPeaks: () => void asked.push(`reset ${index}`),
      memory: () => ({ allocated: 10 + index, reserved: 20, mostAllocated: 30, mostReserved: 40, free: 50, total: 60 }),
    }
    return new Proxy(own, {
      get: (_, key) => {
        const value = key === 'name' ? `cuda:${index}` : key === 'gpu' ? gpu : own[key as keyof Backend]
        return typeof value === 'function' ? value.bind(own) : value
      },
    })
  }
  registerDevice(open(0))
}

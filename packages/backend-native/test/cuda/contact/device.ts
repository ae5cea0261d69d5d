// A device whose launches are watched: which of them ran a kernel with approximations, whose last bits are the hardware's.
import type { CudaAddon, Handle, Opened } from '../../../src/cuda/addon.ts'
import { CudaBackend } from '../../../src/cuda/index.ts'
import { loadCuda } from '../../../src/cuda/loader.ts'

export interface Watched {
  readonly backend: CudaBackend
  readonly addon: CudaAddon
  readonly handle: Handle
  /** Whether a kernel with approximations ran since the last call. */
  approximated(): boolean
  /** The compilation of every text: its bytes and milliseconds. */
  readonly loads: readonly { readonly bytes: number; readonly milliseconds: number }[]
}

/** The head of a launch among the words: function, ..., number of parameters, ... */
const headWords = 8

export function watched(): Watched {
  const { addon, texts } = loadCuda()
  const modules = new Set<number>()
  const functions = new Set<number>()
  const loads: { bytes: number; milliseconds: number }[] = []
  let found = false
  const own: CudaAddon = {
    ...addon,
    load(device, text) {
      const start = performance.now()
      const module = addon.load(device, text)
      loads.push({ bytes: text.length, milliseconds: performance.now() - start })
      if (typeof module === 'number' && text.includes('.approx')) modules.add(module)
      return module
    },
    function(device, module, name) {
      const number = addon.function(device, module, name)
      if (number >= 0 && modules.has(module)) functions.add(number)
      return number
    },
    submit(device, words, count) {
      for (let at = 0; at < count; at += headWords + 2 * words[at + 6]) found ||= functions.has(words[at])
      return addon.submit(device, words, count)
    },
  }
  const opened = own.open(process.env.FLAMBEAU_CUDA_DRIVER ?? '') as Opened
  if (opened.failure !== undefined) throw new Error(`the driver does not open: ${opened.text}`)
  const handle = own.device(0)
  if (typeof handle === 'number') throw new Error(`the device does not open: ${own.describe(handle)}`)
  const backend = new CudaBackend(own, handle, 0, { ...opened.devices[0], driver: opened.version }, texts)
  const approximated = (): boolean => {
    const was = found
    found = false
    return was
  }
  return { backend, addon: own, handle, approximated, loads }
}

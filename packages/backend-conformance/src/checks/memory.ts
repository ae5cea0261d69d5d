// Checks that nothing is kept: many rounds of an op, forward and backward, leave as much memory in use as before. Backends
// that keep a list of their own say how many cells it has; the others compute on V8's memory, which is asked instead.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Backend } from '@flambeau/core/backend'
import { callOp, gradientTensors, prepareCall } from '../call.ts'
import type { Check } from '../subject.ts'
import { plain } from './values.ts'

let collect: (() => void) | undefined
const garbageCollected = (): void => {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  collect()
}

/** Cells, or array buffers of the process: these are freed on the turns after the collection that found them dead. */
const inUse = async (backend: Backend, collections: number): Promise<number> => {
  await backend.sync()
  for (let i = 0; i < collections; i++) {
    garbageCollected()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return backend.memory().cells ?? process.memoryUsage().arrayBuffers
}

/** Collections are what these cells take time for, so each begins with what the one before it measured at its end. */
const known = new WeakMap<Backend, number>()

/**
 * A kept tensor keeps the slab of 64 KiB that it was cut from: this many calls that keep one each fill several. Of cells none
 * may be left, so that few calls show it.
 */
const callsOf = (bytes: boolean): number => (bytes ? 2500 : 100)
const slack = 2 * 65_536
/** A collection may come late once; what is really kept grows each time. */
const attempts = 3

export const nothingKept: Check = ({ samples, op, backend }) => {
  if (samples.length === 0) return []
  const bytes = backend.memory().cells === undefined
  const calls = callsOf(bytes)
  return [
    {
      label: `${calls} calls`,
      async run() {
        const prepared = samples.map((sample) => ({ ...prepareCall(sample, plain), seed: sample.seed }))
        const round = () => {
          for (const { args, leaves, seed } of prepared) gradientTensors(callOp(op, args, seed), leaves)
        }
        for (let i = 0; i < 5; i++) round()
        const allowed = bytes ? slack : 0
        const measured = [(bytes ? known.get(backend) : undefined) ?? (await inUse(backend, 2))]
        for (let attempt = 0; attempt < attempts; attempt++) {
          for (let i = 0; i < calls; i += samples.length) round()
          measured.push(await inUse(backend, attempt === 0 ? 1 : 2))
          known.set(backend, measured[attempt + 1])
          if (measured[attempt + 1] <= measured[attempt] + allowed) return undefined
        }
        return `${measured.join(', then ')} ${bytes ? 'bytes' : 'buffers'} in use`
      },
    },
  ]
}

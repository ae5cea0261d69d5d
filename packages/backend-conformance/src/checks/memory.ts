// Checks that nothing is kept: many rounds of the ops of a family, forward and backward, leave as much memory in use as before. Backends
// that keep a list of their own say how many cells it has; the others compute on V8's memory, which is asked instead.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Backend } from '@flambeau/core/backend'
import { callOp, gradientTensors, prepareCall } from '../call.ts'
import type { Case, Subject } from '../subject.ts'
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
 * How many calls, and how many of each: a kept tensor keeps what it was cut from, a slab of 64 KiB at most, so that these fill several.
 * Of cells none may be left, so that few calls show it.
 */
const callsOf = (bytes: boolean): readonly [number, number] => (bytes ? [2500, 40] : [100, 1])
const slack = 2 * 65_536
/** A collection may come late once; what is really kept grows each time. */
const attempts = 3

/** What calls of these ops, in turn, leave behind. */
const left = async (subjects: readonly Subject[]): Promise<string | undefined> => {
  const { backend } = subjects[0]
  const bytes = backend.memory().cells === undefined
  const prepared = subjects.flatMap(({ op, samples }) =>
    samples.map((sample) => ({ ...prepareCall(sample, plain), op, seed: sample.seed })),
  )
  const round = () => {
    for (const { op, args, leaves, seed } of prepared) gradientTensors(callOp(op, args, seed), leaves)
  }
  const [calls, each] = callsOf(bytes)
  const rounds = Math.max(each, Math.ceil(calls / prepared.length))
  for (let i = 0; i < 5; i++) round()
  const allowed = bytes ? slack : 0
  const measured = [(bytes ? known.get(backend) : undefined) ?? (await inUse(backend, 2))]
  for (let attempt = 0; attempt < attempts; attempt++) {
    for (let i = 0; i < rounds; i++) round()
    measured.push(await inUse(backend, attempt === 0 ? 1 : 2))
    known.set(backend, measured[attempt + 1])
    if (measured[attempt + 1] <= measured[attempt] + allowed) return undefined
  }
  return `${measured.join(', then ')} ${bytes ? 'bytes' : 'buffers'} in use`
}

/**
 * Nothing is kept by the ops of a family. They are measured together, because the collections take longer than the calls; where
 * something was left, halves of them are, down to one that leaves it.
 */
export const nothingKept = (family: readonly Subject[]): Case[] => {
  const all = family.filter(({ samples }) => samples.length > 0)
  if (all.length === 0) return []
  return [
    {
      label: `${all.length} ops`,
      async run() {
        const together = await left(all)
        if (together === undefined) return undefined
        let suspects = all
        while (suspects.length > 1) {
          const half = suspects.slice(0, suspects.length / 2)
          suspects = (await left(half)) === undefined ? suspects.slice(half.length) : half
        }
        return `${suspects[0].op}: ${(await left(suspects)) ?? together}`
      },
    },
  ]
}

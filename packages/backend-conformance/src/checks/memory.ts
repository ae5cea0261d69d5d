// Checks for leaks: many rounds of the ops of a family, forward and backward, must leave no more memory in use than
// before. Backends with a cell list of their own report its length; for the others, which use V8's memory, the
// process's array buffers are measured.
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

/**
 * Live cells, or bytes of array buffers. V8 frees a buffer some event-loop turns after the collection that found it
 * dead.
 */
const inUse = async (backend: Backend, collections: number): Promise<number> => {
  await backend.sync()
  for (let i = 0; i < collections; i++) {
    garbageCollected()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return backend.memory().cells ?? process.memoryUsage().arrayBuffers
}

/** Collections dominate the time of these cells, so each cell starts from the final measurement of the one before. */
const known = new WeakMap<Backend, number>()

/**
 * How many calls, and how many of each: a leaked tensor keeps the slab that it was cut from, at most 64 KiB, so the
 * calls must fill several slabs. A leaked cell shows after a few calls.
 */
const callsOf = (bytes: boolean): readonly [number, number] => (bytes ? [2500, 40] : [100, 1])
const slack = 2 * 65_536
/** A late collection happens once; a real leak grows each time. */
const attempts = 3

/** The memory that alternating calls of these ops leave behind. */
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
 * Checks that the ops of a family leak nothing. They are measured together, because the collections take longer than
 * the calls; if something leaks, the family is bisected down to the op.
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

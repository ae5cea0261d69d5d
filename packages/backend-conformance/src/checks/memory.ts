// Checks for leaks: many rounds of all ops, forward and backward, must leave no more memory in use than before. Backends
// with a cell list of their own report its length; for the others, which use V8's memory, the process's array buffers
// are measured.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Backend } from '@flambeau/core/backend'
import { callOp, gradientTensors, prepareCall } from '../call.ts'
import { type Case, onePerDTypes, type Subject } from '../subject.ts'
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
const inUse = async (backend: Backend): Promise<number> => {
  await backend.sync()
  for (let i = 0; i < 2; i++) {
    garbageCollected()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return backend.memory().cells ?? process.memoryUsage().arrayBuffers
}

/**
 * How many calls at least, and how many of each: a leaked tensor keeps the slab that it was cut from, at most 64 KiB, so
 * the calls must fill several slabs. A leaked cell shows after a few calls.
 */
const callsOf = (bytes: boolean): readonly [number, number] => (bytes ? [2500, 10] : [100, 1])
const slack = 2 * 65_536
/** A late collection happens once; a real leak grows each time. */
const attempts = 3

/** The memory that alternating calls of these ops leave behind. */
const left = async (subjects: readonly Subject[]): Promise<string | undefined> => {
  const { backend } = subjects[0]
  const bytes = backend.memory().cells === undefined
  // A backend of its own leaks buffers of instructions, whose kinds one sample of an op has; tensors are what js would leak.
  const called = bytes ? subjects : subjects.map(onePerDTypes)
  const prepared = called.flatMap(({ op, samples }) =>
    samples.map((sample) => ({ ...prepareCall(sample, plain), op, seed: sample.seed })),
  )
  const round = () => {
    for (const { op, args, leaves, seed } of prepared) gradientTensors(callOp(op, args, seed), leaves)
  }
  const [calls, each] = callsOf(bytes)
  const rounds = Math.max(each, Math.ceil(calls / prepared.length))
  // What the first calls keep for later ones. Bytes settle late, cells at once, and there are further attempts for these.
  for (let i = 0; i < (bytes ? 3 : 1); i++) round()
  const allowed = bytes ? slack : 0
  const measured = [await inUse(backend)]
  for (let attempt = 0; attempt < attempts; attempt++) {
    for (let i = 0; i < rounds; i++) round()
    measured.push(await inUse(backend))
    if (measured[attempt + 1] <= measured[attempt] + allowed) return undefined
  }
  return `${measured.join(', then ')} ${bytes ? 'bytes' : 'buffers'} in use`
}

/**
 * Checks that no op leaks. All are measured together: each call then has a slab to itself, so that few calls show a
 * leak, and a collection takes as long as hundreds of calls. If something leaks, the ops are bisected.
 */
export const nothingKept = (subjects: readonly Subject[]): Case[] => {
  const all = subjects.filter(({ samples }) => samples.length > 0)
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

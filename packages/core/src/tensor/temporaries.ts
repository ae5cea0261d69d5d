// Memory that flambeau itself makes and nobody else sees is freed as soon as it is dead, so that the next tensor gets it
// while a cache has it: all that a large composition makes besides its results, the gradients and temporaries of a
// backward pass, and what layers of flambeau hand to each other, once no node needs it. Of few elements it is left to the
// garbage collector, because noting it would take longer.
import { RuntimeError } from '../base/errors.ts'
import type { Storage } from './device.ts'
import { effects, freeing, type ScopeSink } from './effects.ts'
import type { Packed } from './mode.ts'
import type { Input } from './op.ts'
import type { Tensor } from './tensor.ts'

/** Whether a composition of these inputs frees what it makes. A recording frees what is dead by itself. */
export const isLarge = (inputs: readonly Input[]): boolean =>
  effects.sink === null && Number((inputs[0] as Tensor | undefined)?.elements) >= freeing.from

const used = (): never => {
  throw new RuntimeError('flambeau used a tensor that it had freed')
}

/** No program sees a tensor (any more): it is freed, or when the nodes that saved it are released. */
export function unseen({ storage: { root } }: Tensor): void {
  if (effects.sink === null && root.size >= freeing.from && --root.holders === 0 && !root.owned) root.free(used)
}

/** Runs a program's function amid work that frees what it makes: what the function makes is the program's. */
export const asUser = <T>(call: () => T): T => under(effects.scope?.users ?? null, call)

function under<T>(scope: ScopeSink | null, work: () => T): T {
  const before = effects.scope
  effects.scope = scope
  try {
    return work()
  } finally {
    effects.scope = before
  }
}

/**
 * The memory that a composition or a backward pass makes. It counts the tensors over each that wait for their use, and
 * frees what nobody waits for, unless a program may have seen it (`Storage.owned`).
 */
export class Passing {
  /** That of the running backward pass. */
  static current: Passing | null = null
  readonly #waiting = new Map<Storage, number>()
  /** What may be dead. Work that is not finished may still use it. */
  readonly #due: Storage[] = []

  /** Does work, and notes what it makes. */
  during<T>(work: () => T): T {
    const { scope } = effects
    const noting: ScopeSink = {
      users: scope?.users,
      made: (storage) => {
        scope?.made(storage)
        this.#set(storage as Storage, 0)
      },
      changed: (x) => scope?.changed(x),
      holds: (x) => scope?.holds(x),
    }
    return under(noting, work)
  }

  #set(storage: Storage, waiting: number): void {
    if (storage.size < freeing.from) return
    this.#waiting.set(storage, waiting)
    if (waiting === 0) this.#due.push(storage)
  }

  /** Counts a tensor that waits (1), or does not any more (-1). */
  count({ storage: { root } }: Tensor, change: 1 | -1): void {
    const before = this.#waiting.get(root)
    if (before !== undefined) this.#set(root, before + change)
    // A gradient that is a part of something saved: no pass frees that.
    else if (change > 0) root.holders++
  }

  /** A node does not hold what it saved any more. */
  leave(saved: readonly (Input | Packed | undefined)[] | null): void {
    for (const x of saved ?? []) {
      if (x?.wrapped !== false) continue
      const { root } = x.storage
      if (--root.holders === 0) this.#set(root, 0)
    }
  }

  /** Frees what is dead, between two pieces of work. */
  sweep(): void {
    for (const storage of this.#due.splice(0)) {
      if (this.#waiting.get(storage) !== 0) continue
      this.#waiting.delete(storage)
      if (!storage.owned) storage.free(used)
    }
  }
}

/** The results of a composition. What else it made is freed. */
export function freeingRest(compose: () => readonly Tensor[]): readonly Tensor[] {
  const passing = new Passing()
  try {
    const outs = passing.during(compose)
    for (const x of outs) passing.count(x, 1)
    return outs
  } finally {
    passing.sweep()
  }
}

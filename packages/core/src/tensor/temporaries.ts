// What large compositions make besides their results is freed when they end: the next tensor gets its memory while a cache
// has it. A composition of few elements leaves it to the garbage collector, because noting it would take longer.
import { RuntimeError } from '../base/errors.ts'
import type { Storage } from './device.ts'
import { effects } from './effects.ts'
import type { Input } from './op.ts'
import type { Tensor } from './tensor.ts'

/** Whether a composition of these inputs frees what it makes. A recording frees what is dead by itself. */
export const isLarge = (inputs: readonly Input[]): boolean =>
  effects.sink === null && Number((inputs[0] as Tensor | undefined)?.elements) >= 4096

const used = (): never => {
  throw new RuntimeError('a composition kept a tensor that it made')
}

/** The results of a composition. What else it made is freed: the next tensor gets its memory while a cache has it. */
export function freeingRest(compose: () => readonly Tensor[]): readonly Tensor[] {
  const { scope } = effects
  const made: Storage[] = []
  let outs: readonly Tensor[] = []
  effects.scope = {
    made: (storage) => void made.push(storage as Storage),
    changed: (x) => scope?.changed(x),
    holds: (x) => scope?.holds(x),
  }
  try {
    outs = compose()
  } finally {
    effects.scope = scope
    for (const storage of made) {
      if (outs.some((x) => x.storage.root === storage)) scope?.made(storage)
      else storage.free(used)
    }
  }
  return outs
}

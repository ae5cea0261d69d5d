// The expression of a map for one block of elements (native/src/cpu/map.inl), as a function of its slots: the interpreter
// cuts loops into blocks, gathers operands, reduces and stores as it always does, and calls it instead of its steps.
import { dtypeSize } from '@flambeau/core/backend'
import * as w from './code.ts'
import type { Code } from './code.ts'
import { canCompute, Computation } from './computation.ts'
import { isMap, type MapOf, type Operand } from './decode.ts'
import { type Body, i32 } from './module.ts'
import { turnVectors, writeLoop } from './stages.ts'

/** Bytes of a slot (slots.inl): where its elements are, then 1, or 0 if it is a vector of the same element. */
const slotBytes = 16
const advanceAt = 8

/** Whether there is something to compute, and a way to compute it. */
export const canBlock = (map: MapOf): boolean => map.values.some(({ kind }) => kind === 'step') && canCompute(map)

/** Writes a function of the address of the slots and the number of elements. */
export function writeBlock(map: MapOf, body: Body): void {
  const { inputs, outs } = map
  const [slots, count] = [body.param(0).get, body.param(1).get]
  const last = map.sizes.length - 1
  // Blocks of a map go through its innermost loop, those after a product through any part of it.
  const isInner = isMap(map.opcode)
  const isUniform = ({ ref, strides }: Operand): boolean => ref < 0 || strides.every((stride) => stride === 0)
  const slotOf = (position: number): number => slotBytes * position
  const computation = new Computation(map, body, (x) => (isUniform(x) ? 0 : 1))

  computation.write(() => {
    // Four times the index of the first element of a turn.
    const i = body.local(i32)
    const end = body.keep(w.mulInt(count, w.int(4)), i32)
    const atOf = (position: number): Code => body.keep(w.loadInt(slots, slotOf(position)), i32)
    const starts = new Map<Operand, Code>()
    /** Those of operands that `i` is a part of. */
    const indexed = new Set<Operand>()
    /** Operands that may or may not move within a block. */
    const pointers: { readonly at: ReturnType<Body['local']>; readonly step: Code }[] = []
    const index = (size: number): Code => (size === 4 ? i.get : w.shiftRightInt(i.get, w.int(2)))

    inputs.forEach(({ operand: x }, position) => {
      if (isUniform(x)) {
        starts.set(x, w.loadInt(slots, slotOf(position)))
        return
      }
      const start = atOf(position)
      if (isInner && x.strides[last] !== 0 && map.sizes[last] > 1) {
        starts.set(x, w.addInt(start, index(dtypeSize[x.dtype])))
        indexed.add(x)
        return
      }
      const at = body.local(i32)
      body.add(at.set(start))
      const advance = w.loadInt(slots, slotOf(position) + advanceAt)
      pointers.push({ at, step: body.keep(w.mulInt(advance, w.int(4 * dtypeSize[x.dtype])), i32) })
      starts.set(x, at.get)
    })
    const results = outs.map((_, k) => atOf(inputs.length + k))
    /** `ahead`: how many elements after the one at `i`. */
    const load = (x: Operand, ahead = 0): Code => {
      const size = dtypeSize[x.dtype]
      const [at, offset] = [starts.get(x) as Code, indexed.has(x) ? ahead * size : 0]
      return size === 4 ? w.load(at, offset) : computation.widened(w.loadFour(at, offset), x.dtype)
    }

    computation.at(0, load)
    body.add(i.set(w.int(0)))
    const vector = (ahead = 0): void => {
      computation.at(1, (x) => load(x, ahead))
      outs.forEach(({ to, from }, k) => {
        const size = dtypeSize[to.dtype]
        const at = w.addInt(results[k], index(size))
        const value = computation.stored(from)
        body.add(size === 4 ? w.store(at, value, ahead * size) : w.storeLane(at, value, 0, ahead * size))
      })
    }
    const next = (): void => {
      for (const { at, step } of pointers) body.add(at.set(w.addInt(at.get, step)))
    }
    const vectors = turnVectors(body, vector)
    if (vectors === 1) return writeLoop(body, i, end, vector, next)
    const turn = w.int(16 * vectors)
    const even = body.keep(w.subInt(end, w.remainderInt(end, turn)), i32)
    const whileBefore = (stop: Code, step: Code, write: () => void): Code =>
      w.ifThen(
        w.lessInt(i.get, stop),
        body.piece(() =>
          body.loop(() => {
            write()
            return w.lessInt(i.tee(w.addInt(i.get, step)), stop)
          }),
        ),
      )
    body.add(
      whileBefore(even, turn, () => {
        for (let k = 0; k < vectors; k++) {
          vector(4 * k)
          next()
        }
      }),
    )
    body.add(
      whileBefore(end, w.int(16), () => {
        vector()
        next()
      }),
    )
  })
}

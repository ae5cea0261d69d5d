// The expression of a map for one block of elements (native/src/cpu/map.inl), as a function of its slots: the interpreter
// cuts loops into blocks, gathers operands, reduces and stores as it always does, and calls it instead of its steps. Sums of
// a block's runs are computed here, too, because to write the values and to read them again takes as long as all the rest.
import { dtypeSize } from '@flambeau/core/backend'
import * as w from './code.ts'
import type { Code } from './code.ts'
import { canCompute, Computation } from './computation.ts'
import { isMap, type MapOf, type Operand } from './decode.ts'
import { reductions } from '@flambeau/stream'
import { type Body, i32, v128 } from './module.ts'
import { turnVectors, writeLoop } from './stages.ts'

/** Bytes of a slot (slots.inl): where its elements are, then 1, or 0 if it is a vector of the same element. */
const slotBytes = 16
const advanceAt = 8

/** Whether there is something to compute, and a way to compute it. */
export const canBlock = (map: MapOf): boolean => map.values.some(({ kind }) => kind === 'step') && canCompute(map)

/** The elements of a run, and the chains of additions in it (reduce.inl). */
const sumRun = 256
const chains = 4

/** Whether all results of a map are sums of floats. */
const onlySums = ({ outs }: MapOf): boolean =>
  outs.every(({ to, reduce }) => reduce === reductions.sum && to.dtype === 'float32')

/** Writes a function of the address of the slots and the number of elements; returns whether it sums runs, too. */
export function writeBlock(map: MapOf, body: Body): boolean {
  const { inputs, outs } = map
  const [slots, count] = [body.param(0).get, body.param(1).get]
  const last = map.sizes.length - 1
  // Blocks of a map go through its innermost loop, those after a product through any part of it.
  const isInner = isMap(map.opcode)
  const isUniform = ({ ref, strides }: Operand): boolean => ref < 0 || strides.every((stride) => stride === 0)
  const slotOf = (position: number): number => slotBytes * position
  const computation = new Computation(map, body, (x) => (isUniform(x) ? 0 : 1))

  let sums = false
  computation.write(() => {
    // Four times the index of the first element of a turn.
    const i = body.local(i32)
    const end = body.local(i32)
    body.add(end.set(w.mulInt(count, w.int(4))))
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
    /** For a negative number: the sums of runs, from 0 of no sign on, in the order of the interpreter. */
    const addRuns = (): void => {
      const [zero, to, run] = [computation.m.float(-0), body.local(i32), body.local(i32)]
      const totals = outs.map(() => Array.from({ length: chains }, () => body.local(v128)))
      body.add(end.set(w.subInt(w.int(0), end.get)), to.set(w.int(0)))
      body.loop(() => {
        for (const total of totals.flat()) body.add(total.set(zero))
        body.add(run.set(w.addInt(i.get, w.int(4 * sumRun))))
        body.loop(() => {
          for (let k = 0; k < chains; k++) {
            computation.at(1, (x) => load(x, 4 * k))
            outs.forEach(({ from }, o) => {
              body.add(totals[o][k].set(w.add(totals[o][k].get, computation.of(from))))
            })
            next()
          }
          return w.lessInt(i.tee(w.addInt(i.get, w.int(16 * chains))), run.get)
        })
        totals.forEach(([a, b, c, d], o) => {
          const sum = w.add(w.add(a.get, b.get), w.add(c.get, d.get))
          body.add(w.store(w.addInt(results[o], to.get), sum))
        })
        body.add(to.set(w.addInt(to.get, w.int(16))))
        return w.lessInt(i.get, end.get)
      })
      body.add(w.leave)
    }
    const vectors = turnVectors(body, vector)
    if (vectors === 1) return writeLoop(body, i, end.get, vector, next)
    sums = vectors === chains && onlySums(map)
    if (sums) body.add(w.ifThen(w.lessSigned(end.get, w.int(0)), body.piece(addRuns)))
    const turn = w.int(16 * vectors)
    const even = body.keep(w.subInt(end.get, w.remainderInt(end.get, turn)), i32)
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
      whileBefore(end.get, w.int(16), () => {
        vector()
        next()
      }),
    )
  })
  return sums
}

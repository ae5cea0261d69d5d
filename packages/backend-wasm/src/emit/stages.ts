// Loops over vectors. Where a value is a long chain of instructions, each of which waits for the one before, the loop is cut
// into stages: short loops over the same few vectors, one after the other. A processor looks ahead at a few hundred
// instructions, so that it works on more vectors at a time, the shorter the chains of a loop are. What one stage computes
// for a later one lies below the stack of C++ until then, in the nearest cache.
import * as w from './code.ts'
import { bytesOf, type Code } from './code.ts'
import { type Body, i32, type Local, stackPointer } from './module.ts'

/** The bytes of a vector, and the vectors that all stages go through before the next ones. */
const vectorBytes = 16
const runBytes = 32 * vectorBytes
/** The vectors that a turn of a loop computes, if their instructions together take no more than so many bytes. */
const severalVectors = 4
const severalBytes = 800
/** Cycles until an instruction has its result, most of them and those that divide. */
const usual = 4
const dividing = 12
/** The cycles of a chain that is worth cutting, and of a stage's part of it. */
const longChain = 100
const stageCycles = 28
const mostStages = 6
/** The vectors of a run that wait for a later stage. */
const mostWaiting = 32

/** An instruction that sets a local or stores, and when its value is there. */
interface Item {
  readonly code: Code
  readonly sets: number | undefined
  readonly reads: ReadonlySet<number>
  readonly ready: number
  stage: number
}

const isDividing = (bytes: Code): boolean =>
  typeof bytes !== 'number' && bytes[0] === 0xfd && (bytes[1] === 0xe7 || bytes[1] === 0xe3) && bytes[2] === 1

/** The items of a loop's body; undefined if it does anything but set each vector once and store. */
function itemsOf(body: Body, code: readonly Code[]): Item[] | undefined {
  const readyAt = new Map<number, number>()
  const items: Item[] = []
  for (const each of code) {
    const reads = new Set<number>()
    const readyOf = (part: Code): number => {
      if (typeof part === 'number') return 0
      const local = body.localOf(part)
      if (local !== undefined) {
        reads.add(local)
        return readyAt.get(local) ?? 0
      }
      let ready = 0
      let isOperation = false
      for (const operand of part) {
        if (typeof operand === 'number') continue
        if (typeof operand[0] !== 'number' || body.localOf(operand) !== undefined) isOperation = true
        ready = Math.max(ready, readyOf(operand))
      }
      return isOperation ? ready + (part.some(isDividing) ? dividing : usual) : ready
    }
    const set = body.vectorSet(each)
    const [, , instruction] = each as readonly Code[]
    if (set === undefined && (typeof instruction === 'number' || instruction[0] !== 0xfd)) return undefined
    const ready = readyOf(set === undefined ? each : set.value)
    if (set !== undefined) {
      if (readyAt.has(set.local)) return undefined
      readyAt.set(set.local, ready)
    }
    items.push({ code: each, sets: set?.local, reads, ready, stage: 0 })
  }
  return items
}

/** Divides the items among stages by when they are ready; what stores comes last. Returns how many stages there are. */
function divide(items: readonly Item[]): number {
  const all = items.reduce((last, { ready }) => Math.max(last, ready), 0)
  if (all < longChain) return 1
  const count = Math.min(mostStages, Math.floor(all / stageCycles))
  for (const item of items)
    item.stage = item.sets === undefined ? count - 1 : Math.min(count - 1, Math.floor((item.ready * count) / (all + 1)))
  return count
}

/** How many vectors a turn of a loop computes whose instructions for one of them `write` adds. */
export const turnVectors = (body: Body, write: () => void): number =>
  severalVectors * bytesOf(body.piece(write)).length <= severalBytes ? severalVectors : 1

/**
 * Runs `write`, which computes and stores one vector, for `i` from where it is to before `end`, 16 in a turn; `next` goes
 * on to the operands of the next vector.
 */
export function writeLoop(body: Body, i: Local, end: Code, write: () => void, next: () => void): void {
  const code = body.piece(write)
  const turn = (step: () => void, stop: Code): void =>
    body.loop(() => {
      step()
      return w.lessInt(i.tee(w.addInt(i.get, w.int(vectorBytes))), stop)
    })
  const items = itemsOf(body, code) ?? []
  const count = divide(items)
  const stageOf = new Map(items.map(({ sets, stage }) => [sets, stage]))
  /** The vectors that a later stage reads, and their positions. */
  const waiting = new Map<number, number>()
  const isEarlier = (local: number, { stage }: Item): boolean => (stageOf.get(local) ?? stage) < stage
  for (const item of items)
    for (const local of item.reads) if (isEarlier(local, item) && !waiting.has(local)) waiting.set(local, waiting.size)
  if (count === 1 || waiting.size > mostWaiting) {
    return turn(() => {
      body.add(...code)
      next()
    }, end)
  }

  const bottom = body.keep(w.subInt(w.globalOf(stackPointer), w.int(waiting.size * runBytes)), i32)
  const [from, stop, start] = [body.local(i32), body.local(i32), body.local(i32)]
  const place = w.addInt(start.get, i.get)
  const writeStage = (stage: number): void => {
    const known = new Set<number>()
    for (const item of items) {
      if (item.stage !== stage) continue
      for (const local of item.reads) {
        if (known.has(local) || !isEarlier(local, item)) continue
        known.add(local)
        body.add(body.setVector(local, w.load(place, (waiting.get(local) as number) * runBytes)))
      }
      body.add(item.code)
      const position = waiting.get(item.sets as number)
      if (position !== undefined) body.add(w.store(place, body.vector(item.sets as number), position * runBytes))
    }
    if (stage === 0) next()
  }
  body.loop(() => {
    body.add(from.set(i.get), start.set(w.subInt(bottom, i.get)), stop.set(w.addInt(i.get, w.int(runBytes))))
    body.add(stop.set(w.choose(stop.get, end, w.lessInt(stop.get, end))))
    for (let stage = 0; stage < count; stage++) {
      if (stage > 0) body.add(i.set(from.get))
      turn(() => writeStage(stage), stop.get)
    }
    return w.lessInt(i.get, end)
  })
}

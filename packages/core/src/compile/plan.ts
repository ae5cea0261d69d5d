// Places every value of a program in memory. Memory from before the step stays where it is, results get new memory at
// every run, and all other values share an arena. An output takes the place of an input that dies with it, if the
// instruction may overwrite it (so the predecessors of a result are made in the result's memory). The rest is packed so
// that values that live at the same time do not overlap.
import type { BodyPlan, Place, Plan, Program, RepeatInstr } from '../backend/program.ts'
import { isRepeat } from '../backend/repetition.ts'
import { dtypeSize } from '../base/dtype.ts'
import { numelOf } from '../base/shape.ts'
import { lastFailing, mayOverwrite, usesOf } from './alias.ts'

/** `bytes`: values share ranges of one arena. `buffers`: values of one dtype and size share whole buffers. */
export type Unit = 'bytes' | 'buffers'

const align = 64

/** The instruction that makes each value (-1 for none) and the last one that reads or makes it. */
interface Lives {
  readonly birth: Int32Array
  readonly death: Int32Array
}

function livesOf({ values, instrs }: Program): Lives {
  const birth = new Int32Array(values.length).fill(-1)
  const death = new Int32Array(values.length).fill(-1)
  instrs.forEach((instr, at) => {
    for (const { value } of usesOf(instr)) death[value] = at
    for (const value of instr.outputs) {
      birth[value] = at
      death[value] = at
    }
  })
  return { birth, death }
}

/** Places outside the arena; `results` are the values that leave the step. */
function placesOutside(program: Program): { places: (Place | undefined)[]; results: number[] } {
  const places: (Place | undefined)[] = new Array(program.values.length).fill(undefined)
  for (const [value, given] of program.given) {
    if (given.from === 'buffer') places[value] = { in: 'buffer', buffer: given.buffer }
    else if (given.from === 'argument') places[value] = { in: 'argument', argument: given.argument }
    else if (given.from === 'draw') places[value] = { in: 'draw', draw: given.draw }
    else if (given.from === 'operand') places[value] = { in: 'operand', operand: given.operand }
  }
  for (const { first, last } of program.kept) places[last] = places[first]
  const results: number[] = []
  for (const { value } of program.results) {
    if (places[value] === undefined) places[value] = { in: 'result', result: results.push(value) - 1 }
  }
  return { places, results }
}

/** Values that follow each other in one piece of memory, from the birth of the first to the death of the last. */
interface Block {
  readonly key: string
  readonly bytes: number
  readonly birth: number
  death: number
  readonly values: number[]
  /** The repetition whose body has this block as its arena. */
  readonly body?: RepeatInstr
}

/**
 * The blocks of the arena, in the order of their birth. A chain of values that ends in a result joins its place. Rows
 * written one after the other into memory from before the step are written there once nothing can fail any more: their
 * intermediate values join its places.
 */
function blocksOf(program: Program, places: (Place | undefined)[], bodies: ReadonlyMap<RepeatInstr, Plan>): Block[] {
  const { birth, death } = livesOf(program)
  const { values, instrs } = program
  const blocks = new Set<Block>()
  const blockOf = new Map<number, Block>()
  const lastOf = new Map(program.kept.map(({ first, last }) => [first, last]))
  const certainFrom = lastFailing(instrs)
  /** Nothing else uses the memory of `value` until `last` is made there. */
  const before = (value: number, last: number): boolean => {
    const maker = instrs[birth[last]]
    return (
      death[value] < birth[last] ||
      (death[value] === birth[last] && mayOverwrite(program, maker, maker.outputs.indexOf(last), value))
    )
  }
  /** Gives the result's memory to the block of one of the values that die into it. */
  const joinResult = (place: Place, dying: Set<number>, overwritten: (old: number) => boolean): void => {
    for (const old of dying) {
      const block = blockOf.get(old)
      if (block === undefined || !overwritten(old)) continue
      for (const value of block.values) places[value] = place
      blocks.delete(block)
      dying.delete(old)
      return
    }
  }
  instrs.forEach((instr, at) => {
    const { outputs, kind } = instr
    const dying = new Set(usesOf(instr).flatMap(({ value }) => (death[value] === at ? [value] : [])))
    outputs.forEach((value, k) => {
      const place = places[value]
      if (place !== undefined) {
        if (place.in === 'result') joinResult(place, dying, (old) => mayOverwrite(program, instr, k, old))
        return
      }
      for (const old of dying) {
        const block = blockOf.get(old)
        const last = lastOf.get(old)
        const keeps = last !== undefined && kind !== 'map' && at >= certainFrom && before(value, last)
        if ((block === undefined && !keeps) || !mayOverwrite(program, instr, k, old)) continue
        dying.delete(old)
        if (block === undefined) {
          places[value] = places[old]
          lastOf.set(value, last as number)
        } else {
          block.values.push(value)
          block.death = death[value]
          blockOf.set(value, block)
        }
        return
      }
      const { sizes, dtype } = values[value]
      const bytes = Math.max(1, Math.ceil((numelOf(sizes) * dtypeSize[dtype]) / align)) * align
      const block = { key: `${dtype} ${numelOf(sizes)}`, bytes, birth: at, death: death[value], values: [value] }
      blocks.add(block)
      blockOf.set(value, block)
    })
    const bytes = isRepeat(instr) ? (bodies.get(instr) as Plan).bytes : 0
    if (bytes > 0)
      blocks.add({ key: `body ${at}`, bytes, birth: at, death: at, values: [], body: instr as RepeatInstr })
  })
  return [...blocks]
}

/** The offsets of blocks, and the total size. */
interface Packing {
  readonly at: ReadonlyMap<Block, number>
  readonly bytes: number
}

/** Places each block in the smallest sufficient gap between earlier blocks that live at the same time. */
function bestFit(blocks: readonly Block[]): Packing {
  const at = new Map<Block, number>()
  const placed: { block: Block; from: number; to: number }[] = []
  let bytes = 0
  for (const block of blocks) {
    let from = -1
    let smallest = Number.POSITIVE_INFINITY
    let top = 0
    for (const other of placed) {
      if (other.block.birth > block.death || other.block.death < block.birth) continue
      const gap = other.from - top
      if (gap >= block.bytes && gap < smallest) {
        smallest = gap
        from = top
      }
      top = Math.max(top, other.to)
    }
    if (from < 0) from = top
    at.set(block, from)
    bytes = Math.max(bytes, from + block.bytes)
    const next = placed.findIndex((other) => other.from > from)
    placed.splice(next < 0 ? placed.length : next, 0, { block, from, to: from + block.bytes })
  }
  return { at, bytes }
}

/** The maximum bytes alive at one time: no packing is smaller. */
function leastBytes(blocks: readonly Block[], instrs: number): number {
  const change = new Float64Array(instrs + 1)
  for (const { birth, death, bytes } of blocks) {
    change[birth] += bytes
    change[death + 1] -= bytes
  }
  let live = 0
  return change.reduce((most, x) => Math.max(most, (live += x)), 0)
}

const lifetime = ({ birth, death }: Block): number => death - birth
/** Orders in which best fit comes close to the minimum; the best one depends on the program. */
const orders: readonly ((a: Block, b: Block) => number)[] = [
  (a, b) => b.bytes - a.bytes || lifetime(b) - lifetime(a),
  (a, b) => lifetime(b) - lifetime(a) || b.bytes - a.bytes,
  (a, b) => a.birth - b.birth || b.bytes - a.bytes,
]

/** Visits blocks in the order of their birth; before each, those that died since the previous one. */
function sweep(blocks: readonly Block[], died: (block: Block) => void, born: (block: Block) => void): void {
  const dying: Block[][] = []
  let now = 0
  for (const block of blocks) {
    for (; now < block.birth; now++) for (const dead of dying[now] ?? []) died(dead)
    born(block)
    ;(dying[block.death] ??= []).push(block)
  }
}

/** Places each block, when it is born, in the smallest gap at that time: not quadratic in the number of blocks. */
function firstCome(blocks: readonly Block[]): Packing {
  const at = new Map<Block, number>()
  /** Sorted by offset; no two are adjacent. */
  const gaps: { from: number; to: number }[] = []
  let bytes = 0
  const free = (from: number, to: number): void => {
    let i = gaps.length
    while (i > 0 && gaps[i - 1].from > from) i--
    const [before, after] = [gaps[i - 1], gaps[i]]
    const joins = [before?.to === from, after?.from === to]
    if (joins[0]) before.to = joins[1] ? after.to : to
    else if (joins[1]) after.from = from
    if (joins[0] && joins[1]) gaps.splice(i, 1)
    else if (!joins[0] && !joins[1]) gaps.splice(i, 0, { from, to })
  }
  const place = (block: Block): void => {
    let best = -1
    for (let i = 0; i < gaps.length; i++) {
      const size = gaps[i].to - gaps[i].from
      if (size >= block.bytes && (best < 0 || size < gaps[best].to - gaps[best].from)) best = i
    }
    if (best < 0) {
      // A last gap that reaches the end is extended.
      const last = gaps[gaps.length - 1]
      const from = last?.to === bytes ? (gaps.pop() as typeof last).from : bytes
      at.set(block, from)
      bytes = from + block.bytes
      return
    }
    const gap = gaps[best]
    at.set(block, gap.from)
    gap.from += block.bytes
    if (gap.from === gap.to) gaps.splice(best, 1)
  }
  sweep(
    blocks,
    (block) => {
      const from = at.get(block) as number
      free(from, from + block.bytes)
    },
    place,
  )
  return { at, bytes }
}

/** More blocks than this are packed in the order of their birth. */
const many = 2048

function packed(blocks: readonly Block[], instrs: number): Packing {
  if (blocks.length > many) return firstCome(blocks)
  const least = leastBytes(blocks, instrs)
  let best: Packing | undefined
  for (const order of orders) {
    const packing = bestFit([...blocks].sort(order))
    if (best === undefined || packing.bytes < best.bytes) best = packing
    if (best.bytes === least) break
  }
  return best as Packing
}

/** Blocks of equal dtype and size share one place in turns. */
function inTurns(blocks: readonly Block[]): Packing {
  const at = new Map<Block, number>()
  const free = new Map<string, number[]>()
  let bytes = 0
  sweep(
    blocks,
    (block) => {
      const places = free.get(block.key)
      if (places === undefined) free.set(block.key, [at.get(block) as number])
      else places.push(at.get(block) as number)
    },
    (block) => {
      const place = free.get(block.key)?.pop() ?? bytes
      if (place === bytes) bytes += block.bytes
      at.set(block, place)
    },
  )
  return { at, bytes }
}

const bodyPlans = ({ instrs }: Program, unit: Unit): Map<RepeatInstr, Plan> =>
  new Map(instrs.filter(isRepeat).map((instr) => [instr, plan(instr.attrs.body, unit)]))

/** Places every value of a program; values that share bytes are never needed at the same time. */
export function plan(program: Program, unit: Unit = 'bytes'): Plan {
  const { places, results } = placesOutside(program)
  const plans = bodyPlans(program, unit)
  const bodies = new Map<RepeatInstr, BodyPlan>([...plans].map(([instr, plan]) => [instr, { plan, at: 0 }]))
  const blocks = blocksOf(program, places, plans)
  const { at, bytes } = unit === 'bytes' ? packed(blocks, program.instrs.length) : inTurns(blocks)
  for (const [{ values, body }, offset] of at) {
    for (const value of values) places[value] = { in: 'arena', at: offset }
    if (body !== undefined) bodies.set(body, { plan: plans.get(body) as Plan, at: offset })
  }
  return { places, results, bytes, bodies }
}

/** The maximum bytes of the arena alive at one time: no plan of the program takes less. */
export const leastArena = (program: Program): number =>
  leastBytes(blocksOf(program, placesOutside(program).places, bodyPlans(program, 'bytes')), program.instrs.length)

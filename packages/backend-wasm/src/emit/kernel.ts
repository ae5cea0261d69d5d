// Maps as functions of their own: loops over four elements at a time, then over the rest one by one, with the same
// instructions for both. They store what they compute. Of reductions they have minima and maxima of columns (columns.ts);
// others are left to the interpreter, whose order of additions they would have to repeat.
import { type DType, dtypeSize } from '@flambeau/core/backend'
import { opcodes } from '@flambeau/stream'
import * as w from './code.ts'
import type { Code } from './code.ts'
import { isOfColumns, mapsOfColumns } from './columns.ts'
import { canCompute, Computation } from './computation.ts'
import { countOf, type MapOf, type Operand } from './decode.ts'
import { type Body, f64, i32, type Local, turned } from './module.ts'
import { turnVectors, writeLoop } from './stages.ts'

/** Bytes of a row in the table of the host (kernels.h): its address, then its length. */
const rowBytes = 16

const isStored = ({ opcode, outs }: MapOf): boolean =>
  opcode === opcodes.check || outs.every(({ reduce }) => reduce < 0)

/** Whether a map, or a check, can be a function of its own. */
export const canRun = (map: MapOf): boolean => (isStored(map) || isOfColumns(map)) && canCompute(map)

/** Loops over fewer elements are not cut into stages. */
const mostUncut = 32

/** Loops over so many elements or more begin where the last one ended, whose last stretches are in the second cache. */
const longLoop = 65536
const stretch = 16384

/** Bytes of a row that is copied as a whole. */
const leastCopied = 512

/** Whether stored elements lie one after the other, so that rows may be stored in any order. */
const isDense = ({ sizes, outs }: MapOf): boolean =>
  outs.every(({ to }) => sizes.every((size, l) => size === 1 || to.strides[l] === countOf(sizes.slice(l + 1))))

/** How many of four elements an access is for: all, or the first. */
type Lanes = 4 | 1

/** Appends a map to a function of the addresses of rows and numbers. */
export function writeKernel(map: MapOf, body: Body, rows: Code, numbers: Code): void {
  const parts = isStored(map) ? [map] : mapsOfColumns(map)
  for (const part of parts) new Kernel(part, body, rows, numbers, isStored(map)).write()
}

class Kernel {
  readonly #map: MapOf
  readonly #body: Body
  readonly #computation: Computation
  readonly #rows: Code
  readonly #numbers: Code
  readonly #depth: number
  /** Where operands begin: in all loops, then in each loop in which they move. */
  readonly #starts = new Map<Operand, Code[]>()
  /** Of a long loop: -1 if it goes backwards, otherwise 0; and by how many turns it goes on. */
  #backwards: Code | undefined
  #direction: Code = w.int(1)
  readonly #mayTurn: boolean

  constructor(map: MapOf, body: Body, rows: Code, numbers: Code, isStored: boolean) {
    this.#map = map
    this.#body = body
    this.#rows = rows
    this.#numbers = numbers
    this.#depth = map.sizes.length
    this.#mayTurn = !isStored || map.opcode === opcodes.check || isDense(map)
    this.#computation = new Computation(map, body, (x) => this.#levelOf(x))
  }

  #levelOf({ strides }: Operand): number {
    let level = strides.length
    while (level > 0 && strides[level - 1] === 0) level--
    return level
  }

  write(): void {
    const { outs, inputs, opcode } = this.#map
    this.#computation.write(() => {
      if (this.#mayTurn && countOf(this.#map.sizes) >= longLoop) this.#turnRound()
      for (const { operand } of inputs) if (operand.ref >= 0) this.#begin(operand)
      if (opcode !== opcodes.check) for (const { to } of outs) this.#begin(to)
      this.#loop(0)
    })
  }

  /** Makes long loops go the other way than those of the last map that has such loops. */
  #turnRound(): void {
    const body = this.#body
    this.#backwards = body.keep(w.globalOf(turned), i32)
    this.#direction = body.keep(w.orInt(this.#backwards, w.int(1)), i32)
    body.add(w.setGlobal(turned, w.xorInt(this.#backwards, w.int(-1))))
  }

  #begin(x: Operand): void {
    const start = this.#body.local(i32)
    const address = w.loadInt(this.#rows, rowBytes * x.ref)
    this.#body.add(start.set(w.addInt(address, w.int(x.offset * dtypeSize[x.dtype]))))
    this.#starts.set(x, [start.get])
  }

  #loop(loop: number): void {
    if (loop < this.#depth || loop === 0) this.#computation.at(loop, (x) => this.#loadOne(x))
    if (this.#depth === 0) return this.#store(1)
    const changes = loop === 0 ? this.#computation.changes : undefined
    if (changes === undefined) return this.#turns(loop)
    const write = (): readonly Code[] => this.#body.piece(() => this.#turns(loop))
    const all = write()
    this.#computation.leaveOut()
    this.#body.add(w.ifElse(changes, all, write()))
  }

  #turns(loop: number): void {
    if (loop === this.#depth - 1) return this.#innermost()
    const body = this.#body
    const size = this.#map.sizes[loop]
    const moving = [...this.#starts].flatMap(([x, starts]) => {
      const step = x.strides[loop] * dtypeSize[x.dtype]
      return step === 0 ? [] : [{ start: starts.at(-1) as Code, starts, at: body.local(i32), step }]
    })
    for (const { starts, at } of moving) starts.push(at.get)
    const turn = body.local(i32)
    const inStretch = Math.ceil(stretch / countOf(this.#map.sizes.slice(loop + 1)))
    this.#stretches(loop, 1, size, inStretch, turn, (stop) => {
      for (const { start, at, step } of moving) body.add(at.set(w.addInt(start, w.mulInt(turn.get, w.int(step)))))
      body.loop(() => {
        this.#loop(loop + 1)
        for (const { at, step } of moving) body.add(at.set(w.addInt(at.get, w.int(step))))
        return w.lessInt(turn.tee(w.addInt(turn.get, w.int(1))), stop)
      })
    })
    for (const { starts } of moving) starts.pop()
  }

  /**
   * Goes through a loop of `count` turns in stretches, from either end if the loop is long. Turns are counted by `unit`.
   * `write` goes through those from where `i` is to before `stop`.
   */
  #stretches(
    loop: number,
    unit: number,
    count: number,
    inStretch: number,
    i: Local,
    write: (stop: Code) => void,
  ): void {
    const body = this.#body
    const isLong = this.#backwards !== undefined && countOf(this.#map.sizes.slice(loop)) >= longLoop
    if (!isLong || count <= inStretch) {
      body.add(i.set(w.int(0)))
      return write(w.int(unit * count))
    }
    const [length, stretches] = [unit * inStretch, Math.ceil(count / inStretch)]
    const [from, stop, left] = [body.local(i32), body.local(i32), body.local(i32)]
    const end = w.int(unit * count)
    body.add(from.set(w.andInt(this.#backwards as Code, w.int((stretches - 1) * length))), left.set(w.int(stretches)))
    body.loop(() => {
      body.add(i.set(from.get), stop.set(w.addInt(from.get, w.int(length))))
      body.add(stop.set(w.choose(stop.get, end, w.lessInt(stop.get, end))))
      write(stop.get)
      body.add(from.set(w.addInt(from.get, w.mulInt(w.int(length), this.#direction))))
      return left.tee(w.subInt(left.get, w.int(1)))
    })
  }

  #innermost(): void {
    const body = this.#body
    const size = this.#map.sizes[this.#depth - 1]
    const whole = size - (size % 4)
    // Four times the index of the element.
    const i = body.local(i32)
    const once = (lanes: Lanes, ahead = 0): void => {
      this.#computation.at(this.#depth, (x) => this.#load(x, lanes, i.get, ahead))
      this.#store(lanes, i.get, ahead)
    }
    const stretches = (count: number, write: (stop: Code) => void): void =>
      this.#stretches(this.#depth - 1, 4, count, stretch, i, write)
    const range = (from: number, to: number, lanes: Lanes, vectors = 1): void => {
      if (from === to) return
      const turn = (): void => {
        for (let k = 0; k < vectors; k++) once(lanes, 4 * k)
      }
      const turns = (stop: Code): void =>
        body.loop(() => {
          turn()
          return w.lessInt(i.tee(w.addInt(i.get, w.int(4 * lanes * vectors))), stop)
        })
      const isOne = to - from === lanes * vectors
      if (vectors > 1 && !isOne) return stretches(to, turns)
      body.add(i.set(w.int(4 * from)))
      if (isOne) return turn()
      if (to - from >= mostUncut && vectors === 1) return writeLoop(body, i, w.int(4 * to), turn, () => {})
      turns(w.int(4 * to))
    }
    const copied = this.#copied
    if (copied !== undefined) return stretches(size, (stop) => this.#copy(copied, i, stop))
    const vectors = turnVectors(body, () => once(4))
    const even = vectors > 1 ? size - (size % (4 * vectors)) : 0
    range(0, even, 4, vectors)
    range(even, whole, 4)
    range(whole, size, 1)
  }

  /** What a map stores that computes nothing, if its rows are worth a call of the engine's; undefined otherwise. */
  get #copied(): Operand | undefined {
    const { outs, opcode, sizes } = this.#map
    const [{ to, from }] = outs
    if (opcode === opcodes.check || outs.length > 1 || from.kind !== 'operand' || from.dtype !== to.dtype)
      return undefined
    const isRow = [to, from.operand].every(({ strides }) => strides.at(-1) === 1)
    return isRow && (sizes.at(-1) as number) * dtypeSize[to.dtype] >= leastCopied ? from.operand : undefined
  }

  #copy(from: Operand, i: Local, stop: Code): void {
    const { to } = this.#map.outs[0]
    const bytes = w.subInt(stop, i.get)
    const count = dtypeSize[to.dtype] === 4 ? bytes : w.shiftRightInt(bytes, w.int(2))
    this.#body.add(w.copy(this.#address(to, i.get, 0), this.#address(from, i.get, 0), count))
  }

  /** A number, or the element where an operand begins. */
  #loadOne(x: Operand): Code {
    if (x.ref < 0) return splat(w.loadDouble(this.#numbers, 8 * (-1 - x.ref)), x.dtype, this.#body)
    const at = (this.#starts.get(x) as Code[]).at(-1) as Code
    return dtypeSize[x.dtype] === 1 ? this.#computation.widened(w.loadByteSplat(at), x.dtype) : w.loadSplat(at)
  }

  /** `ahead`: how many elements after the one at `i`. */
  #load(x: Operand, lanes: Lanes, i: Code, ahead: number): Code {
    const stride = x.strides[this.#depth - 1]
    const size = dtypeSize[x.dtype]
    const offset = stride === 1 ? ahead * size : 0
    const at = this.#address(x, i, ahead)
    const widened = (bytes: Code): Code => this.#computation.widened(bytes, x.dtype)
    if (lanes === 1) return size === 1 ? widened(w.loadByteSplat(at)) : w.loadSplat(at)
    if (stride === 1) return size === 1 ? widened(w.loadFour(at, offset)) : w.load(at, offset)
    const pointer = this.#body.keep(at, i32)
    let vector: Code = size === 1 ? w.loadByteSplat(pointer) : w.loadSplat(pointer)
    for (let lane = 1; lane < 4; lane++) {
      const loadLane = size === 1 ? w.loadByteLane : w.loadLane
      vector = loadLane(w.addInt(pointer, w.int(lane * stride * size)), vector, lane)
    }
    return size === 1 ? widened(vector) : vector
  }

  #store(lanes: Lanes, i: Code = w.int(0), ahead = 0): void {
    const { outs, opcode, tag } = this.#map
    const body = this.#body
    if (opcode === opcodes.check) {
      return body.add(w.ifThen(w.anyTrue(this.#computation.of(outs[0].from)), w.returned(w.int(tag + 1))))
    }
    for (const { to, from } of outs) {
      const size = dtypeSize[to.dtype]
      const stride = to.strides[this.#depth - 1]
      const at = this.#address(to, i, ahead)
      const offset = stride === 1 ? ahead * size : 0
      const value = this.#computation.stored(from)
      const storeLane = size === 4 ? w.storeLane : w.storeByteLane
      if (lanes === 1) body.add(storeLane(at, value, 0))
      else if (stride === 1) body.add(size === 4 ? w.store(at, value, offset) : w.storeLane(at, value, 0, offset))
      else {
        const vector = this.#computation.m.keep(value)
        const pointer = body.keep(at, i32)
        for (let lane = 0; lane < 4; lane++)
          body.add(storeLane(w.addInt(pointer, w.int(lane * stride * size)), vector, lane))
      }
    }
  }

  /** The address of an element of the innermost loop, but for `ahead` where that is an offset; `i` is four times its index. */
  #address(x: Operand, i: Code, ahead: number): Code {
    const start = (this.#starts.get(x) as Code[]).at(-1) as Code
    const stride = this.#depth === 0 ? 0 : x.strides[this.#depth - 1]
    if (stride === 0) return start
    const size = dtypeSize[x.dtype]
    const index = size === 4 ? i : w.shiftRightInt(i, w.int(2))
    if (stride === 1) return w.addInt(start, index)
    return w.addInt(start, w.addInt(w.mulInt(index, w.int(stride)), w.int(ahead * stride * size)))
  }
}

/** A vector of a number. */
function splat(x: Code, dtype: DType, body: Body): Code {
  if (dtype === 'float32') return w.splatFloats(w.demote(x))
  const local = body.keep(x, f64)
  if (dtype === 'bool') return w.neInts(w.splatInts(w.isZero(w.equalDouble(local, w.double(0)))), w.ints(0))
  // Modulo 2^32, in steps that are exact; what is not finite becomes 0.
  const integer = body.keep(w.truncDouble(local), f64)
  const turns = w.floorDouble(w.mulDouble(integer, w.double(2 ** -32)))
  const whole = w.wrap(w.truncateDouble(w.subDouble(integer, w.mulDouble(turns, w.double(2 ** 32)))))
  return dtype === 'int32' ? w.splatInts(whole) : w.and(w.splatInts(whole), w.ints(255))
}

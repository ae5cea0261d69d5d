// The memory of tensors. A slab lies in a block of linear memory. Finalizers release the blocks of slabs that nothing refers
// to anymore, and `free` releases a block at once. In a loop that never yields no finalizer runs. So when blocks are more
// than a limit together, a sweep looks for those that are garbage where the engine allows one; of the others, and where it
// does not, those that were used least recently move to arrays of JavaScript, where V8 finds out whether they are garbage,
// and come back when an instruction needs them.
import {
  type DType,
  dtypeSize,
  garbage,
  type HostBuffer,
  HostMemory,
  type Memory,
  newArray,
  noMemory,
  type Slab,
  type TypedArray,
} from '@flambeau/core/backend'
import { type Arena, SlabBuffer, type StreamBackend } from '@flambeau/stream'
import type { Heap } from './heap.ts'

/**
 * A range of bytes that moves as a whole. It knows no cell: what the list of blocks and the finalizers keep alive must
 * not reach the tensors.
 */
class Block {
  /** What it is a part of. Blocks outlive it where a registry holds them. */
  readonly memory: WeakRef<LinearMemory>
  readonly bytes: number
  /** Its contents are lost when it moves. */
  readonly scratch: boolean
  /** Where it is in linear memory; 0 if it is not there. */
  address = 0
  /** Its contents in pieces, while they are not in linear memory. */
  copy: readonly ArrayBuffer[] | null = null
  /** Its cell, where a sweep can look whether it is alive; while the block has a place. */
  cell: WeakRef<Cell> | null = null
  /** The last run that used it. */
  run = 0
  /** Neighbours in the list of blocks in linear memory. */
  before: Block = this
  after: Block = this

  constructor(memory: WeakRef<LinearMemory>, bytes: number, scratch: boolean) {
    this.memory = memory
    this.bytes = bytes
    this.scratch = scratch
  }
}

/** A slab: a block, or the rest of one from a byte on. */
class Cell implements Slab {
  readonly block: Block
  readonly bytes: number
  readonly unit: number
  /** Nothing else is in its block, so that the block can be released with its buffer. */
  readonly single: boolean
  batch = 0
  row = 0
  kind = 0
  used = false
  readonly #heap: Heap
  readonly #dtype: DType
  readonly #offset: number
  /** The cell whose life is that of the block. */
  readonly whole: Cell
  #view: TypedArray | null = null

  constructor(heap: Heap, block: Block, dtype: DType, single: boolean, offset = 0, whole?: Cell) {
    this.#heap = heap
    this.block = block
    this.bytes = block.bytes - offset
    this.unit = dtypeSize[dtype]
    this.single = single
    this.#dtype = dtype
    this.#offset = offset
    this.whole = whole ?? this
  }

  /** Where it is in linear memory, if it is there. */
  get address(): number {
    return this.block.address + this.#offset
  }

  /** The elements, wherever they are now; none if they are nowhere. */
  get data(): TypedArray {
    const { block } = this
    const { address, copy } = block
    if (address === 0 && copy === null) return newArray(this.#dtype, 0)
    if (copy !== null && copy.length > 1) block.copy = [joined(copy, block.bytes)]
    const buffer = block.copy?.[0] ?? this.#heap.bytes.buffer
    const at = address + this.#offset
    if (this.#view === null || this.#view.buffer !== buffer || this.#view.byteOffset !== at)
      this.#view = new arrays[this.#dtype](buffer, at, this.bytes / this.unit)
    return this.#view
  }
}

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const

/** Where buffers start: vectors are no wider. */
const vectorBytes = 16
/**
 * Where tiny buffers start: at any element. A slab costs more than in JavaScript, for its block, its finalizer and pages that
 * nobody has touched yet, so that as many numbers as possible share one.
 */
const tinyAlign = 1

/** Blocks of cells that nothing refers to anymore. Of the module, because no registry may be collected (decision 0115). */
const dead = new FinalizationRegistry<Block>((block) => block.memory.deref()?.release(block))

export class LinearMemory extends HostMemory {
  /** The bytes of blocks in linear memory above which they spill. */
  maxBytes: number
  /** Counts the times that a block left its place. */
  moves = 0
  /** The bytes of blocks in linear memory, and how many there are. */
  resident = 0
  cells = 0
  readonly #heap: Heap
  /** The head of a ring: after it the block that was used least recently, before it the one used last. */
  readonly #ring: Block
  readonly #self = new WeakRef(this)
  /** The number of the run that is being prepared. */
  #run = 1
  /** Arrays of JavaScript in this run, and the cells for them. */
  #lent = 0
  readonly #lenders: Cell[] = []

  constructor(backend: StreamBackend<never, never>, heap: Heap, maxBytes: number) {
    super(backend, undefined, undefined, vectorBytes, tinyAlign)
    this.#heap = heap
    this.#ring = new Block(this.#self, 0, false)
    this.maxBytes = maxBytes
  }

  protected override open(dtype: DType, length: number, bytes: number, make?: typeof newArray): Slab {
    const cell = new Cell(this.#heap, new Block(this.#self, bytes, false), dtype, make !== undefined)
    this.#settle(cell)
    // Other numbers than 0 and 1 are no bools.
    if (dtype === 'bool') cell.data.fill(0, 0, length)
    return cell
  }

  protected override buffer(slab: Slab, start: number, length: number): HostBuffer {
    return new SlabBuffer(this.backend, slab, start, length)
  }

  override report(): Memory {
    return { bytes: this.resident, pooled: super.report().pooled, cells: this.cells }
  }

  /** Releases the memory of a buffer that nobody will use anymore. */
  free(cell: Cell): void {
    if (!cell.single) return
    cell.block.copy = null
    if (cell.block.address === 0) return
    dead.unregister(cell.block)
    this.release(cell.block)
  }

  // ---- runs ----

  /** Begins a run: from now on no block that `place` has placed moves, until the next run begins. */
  gather(): void {
    this.#run++
    this.#lent = 0
  }

  /** The address of a cell, whose block comes to linear memory if it is not there. */
  place(slab: Slab): number {
    const cell = slab as Cell
    const { block } = cell
    block.run = this.#run
    if (block.address === 0) this.#settle(cell.whole)
    else if (block.after !== this.#ring) {
      out(block)
      this.#in(block)
    }
    return cell.address
  }

  /** The address of a copy of an array. */
  lend({ buffer, byteOffset, byteLength }: TypedArray): number {
    const k = this.#lent++
    if (!(this.#lenders[k]?.bytes >= byteLength)) {
      if (this.#lenders[k] !== undefined) this.free(this.#lenders[k])
      this.#lenders[k] = new Cell(this.#heap, new Block(this.#self, byteLength, true), 'uint8', true)
    }
    const address = this.place(this.#lenders[k])
    this.#heap.bytes.set(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength), address)
    return address
  }

  arena(bytes: number, lasting: boolean): Arena {
    // A whole number of elements, whatever their dtype.
    const block = new Block(this.#self, 8 * Math.max(Math.ceil(bytes / 8), 1), !lasting)
    const whole = new Cell(this.#heap, block, 'uint8', true)
    return {
      from: (at, dtype) => new Cell(this.#heap, block, dtype, false, at, whole),
      rest: () => this.free(whole),
    }
  }

  // ---- blocks ----

  #in(block: Block): void {
    block.before = this.#ring.before
    block.after = this.#ring
    this.#ring.before.after = block
    this.#ring.before = block
  }

  /** Gives the block of a cell a place in linear memory, with its contents if it has any. */
  #settle(cell: Cell): void {
    const { block } = cell
    const { bytes, copy } = block
    this.#limit(this.maxBytes - bytes)
    let address = this.#heap.allocate(bytes)
    if (address === 0) {
      this.#limit(0)
      address = this.#heap.allocate(bytes)
    }
    if (address === 0) throw noMemory(bytes)
    if (copy !== null) fill(this.#heap.bytes, copy, address)
    block.address = address
    block.copy = null
    this.resident += bytes
    this.cells++
    this.#in(block)
    dead.register(cell, block, block)
    // A reference costs as much as a small kernel, so small programs have none.
    if (this.resident > this.maxBytes / 8 && garbage.sweeps) block.cell = new WeakRef(cell)
  }

  /** Lets blocks have at most so many bytes of linear memory, unless more of them are in use by this run. */
  #limit(most: number): void {
    if (this.resident <= most) return
    if (garbage.sweep()) this.#sweep()
    while (this.resident > most) {
      const block = this.#ring.after
      if (block === this.#ring || block.run === this.#run) return
      if (!block.scratch) block.copy = copied(this.#heap, block)
      // From here on only its cell refers to it.
      dead.unregister(block)
      this.release(block)
    }
  }

  /** Releases the blocks whose cells are garbage. */
  #sweep(): void {
    let next = this.#ring.after
    while (next !== this.#ring) {
      const block = next
      next = block.after
      if (block.cell === null || block.cell.deref() !== undefined) continue
      dead.unregister(block)
      this.release(block)
    }
  }

  /** Releases the place of a block. */
  release(block: Block): void {
    this.#heap.release(block.address)
    out(block)
    block.address = 0
    block.cell = null
    this.resident -= block.bytes
    this.cells--
    this.moves++
  }
}

/** Takes a block out of the ring. It must not refer to its neighbours: they would live as long as it. */
function out(block: Block): void {
  block.before.after = block.after
  block.after.before = block.before
  block.before = block.after = block
}

/**
 * The bytes of a piece. The memory of larger arrays goes back to the system when they are collected, and each page that comes
 * from there anew costs more than to copy it.
 */
const pieceBytes = 32768

/** The contents of a block as arrays of JavaScript. */
function copied({ bytes }: Heap, { address, bytes: length }: Block): ArrayBuffer[] {
  try {
    const pieces: ArrayBuffer[] = []
    for (let at = 0; at < length; at += pieceBytes)
      pieces.push(bytes.buffer.slice(address + at, address + Math.min(at + pieceBytes, length)))
    return pieces
  } catch (error) {
    if (error instanceof RangeError) throw noMemory(length)
    throw error
  }
}

/** Writes pieces one after the other. */
function fill(to: Uint8Array, pieces: readonly ArrayBuffer[], start: number): void {
  let at = start
  for (const piece of pieces) {
    to.set(new Uint8Array(piece), at)
    at += piece.byteLength
  }
}

function joined(pieces: readonly ArrayBuffer[], length: number): ArrayBuffer {
  try {
    const whole = new Uint8Array(length)
    fill(whole, pieces, 0)
    return whole.buffer
  } catch (error) {
    if (error instanceof RangeError) throw noMemory(length)
    throw error
  }
}

// Ownership of textures: the cell behind a buffer owns its texture. A list keeps the cells with textures alive, because
// JavaScript runs finalizers only between turns of the event loop, and a synchronous loop would fill the GPU. Above a
// high-water mark, the least recently used textures are read into typed arrays that only their cells hold, so V8 frees
// the array of an unreferenced cell. When the event loop turns, a finalizer releases the texture earlier.
import type { Backend, DeviceBuffer, TypedArray } from '@flambeau/core/backend'
import type { Texture } from './adapter.ts'
import type { GlContext, GlTexture, Range } from './gl.ts'
import type { PlannedBuffer } from './plan.ts'

/** The largest integer up to which float32 represents all integers. */
export const exactUpTo = 2 ** 24

/**
 * The elements of a buffer and where they are. A cell with neither texture nor array has never been written to: its
 * elements are zeros.
 */
export class Cell {
  length: number
  texture: Texture | null = null
  /**
   * Elements on the host: a Float32Array that becomes a texture when a kernel reads it, or elements that no texture can
   * hold.
   */
  host: TypedArray | null = null
  /** An upper bound of the elements' absolute values; only for integers. */
  bound = 0
  /** Whether the bound was measured from the elements, not derived. */
  measured = true
  /** The time of last use. */
  used = 0

  constructor(length: number) {
    this.length = length
  }

  /** Whether no texture can hold its elements. */
  get held(): boolean {
    return this.host !== null && !(this.host instanceof Float32Array)
  }
}

/** The handle that core holds. */
export class Buffer implements DeviceBuffer, PlannedBuffer {
  readonly backend: Backend
  readonly cell: Cell

  constructor(backend: Backend, length: number) {
    this.backend = backend
    this.cell = new Cell(length)
  }

  get length(): number {
    return this.cell.length
  }
}

export interface Marks {
  /** Bytes of textures above which the oldest move to the host. */
  readonly bytes: number
  /** The same limit as a number of textures. */
  readonly textures: number
}

/** Moving stops at this fraction of the marks. */
const kept = 0.75
/** The pool of unowned textures is limited to this fraction of the marks. */
const pooledPart = 0.25

declare class FinalizationRegistry<T> {
  constructor(cleanup: (held: T) => void)
  register(target: object, held: T, token: object): void
  unregister(token: object): boolean
}

/** Cells whose buffers were collected. Of the module, because no registry may be collected (decision 0115). */
const lost = new FinalizationRegistry<readonly [textures: Textures, cell: Cell]>(([textures, cell]) =>
  textures.lose(cell),
)

/**
 * The textures of a context. In the modes without a context, textures are arrays that V8 owns, and this class does
 * nothing for them.
 */
export class Textures {
  readonly #context: GlContext | null
  readonly #marks: Marks
  readonly #live = new Set<Cell>()
  /** Unowned textures by length; the least recently requested lengths come first. */
  readonly #pool = new Map<number, GlTexture[]>()
  /** The last length in the pool. */
  #newest = 0
  #pooled = 0
  #pooledBytes = 0
  #clock = 0
  /** Bytes and number of all textures, including pooled ones. */
  bytes = 0
  count = 0
  uploads = 0
  readbacks = 0
  spills = 0

  constructor(context: GlContext | null, marks: Marks) {
    this.#context = context
    this.#marks = marks
  }

  /** The number of cells with textures. */
  get cells(): number {
    return this.#live.size
  }

  get pooledBytes(): number {
    return this.#pooledBytes
  }

  /** A texture with arbitrary contents for the result of a kernel; undefined if kernels create arrays. */
  take(length: number): GlTexture | undefined {
    if (this.#context === null) return undefined
    return this.#fromPool(length) ?? this.#create(length, null)
  }

  #create(length: number, data: Float32Array | null): GlTexture {
    const texture = (this.#context as GlContext).create(length, data)
    this.bytes += texture.bytes
    this.count++
    return texture
  }

  #fromPool(length: number): GlTexture | undefined {
    const pool = this.#pool.get(length)
    const texture = pool?.pop()
    if (pool === undefined || texture === undefined) return undefined
    if (length !== this.#newest) {
      this.#pool.delete(length)
      this.#addPool(length, pool)
    }
    this.#pooled--
    this.#pooledBytes -= texture.bytes
    return texture
  }

  #addPool(length: number, textures: GlTexture[]): void {
    this.#pool.set(length, textures)
    this.#newest = length
  }

  /** Releases a texture into the pool. */
  give(texture: Texture | null): void {
    if (texture === null || texture instanceof Float32Array) return
    const pool = this.#pool.get(texture.length)
    if (pool === undefined) this.#addPool(texture.length, [texture])
    else pool.push(texture)
    this.#pooled++
    this.#pooledBytes += texture.bytes
    const { bytes, textures } = this.#marks
    if (this.#pooled > textures * pooledPart || this.#pooledBytes > bytes * pooledPart)
      this.#trimPool(bytes * pooledPart, textures * pooledPart)
  }

  /** Deletes pooled textures down to these limits. */
  #trimPool(bytes: number, textures: number): void {
    for (const [length, pool] of this.#pool) {
      while (this.#pooled > textures || this.#pooledBytes > bytes) {
        const texture = pool.pop()
        if (texture === undefined) break
        this.#pooled--
        this.#pooledBytes -= texture.bytes
        this.#delete(texture)
      }
      if (pool.length > 0) return
      this.#pool.delete(length)
    }
  }

  #delete(texture: GlTexture): void {
    ;(this.#context as GlContext).gl.deleteTexture(texture.texture)
    this.bytes -= texture.bytes
    this.count--
  }

  /** The texture of a buffer's elements, uploaded from the host if they are there. */
  of(buffer: Buffer): Texture {
    const { cell } = buffer
    cell.used = ++this.#clock
    if (cell.texture !== null) return cell.texture
    const texture = this.upload((cell.host as Float32Array | null) ?? new Float32Array(cell.length))
    cell.host = null
    this.#own(buffer, texture)
    return texture
  }

  /** Uploads elements into a texture. */
  upload(data: Float32Array): Texture {
    if (this.#context === null) return data
    this.uploads++
    const texture = this.#fromPool(data.length)
    if (texture === undefined) return this.#create(data.length, data)
    this.#context.write(texture, data)
    return texture
  }

  /** Makes a texture the contents of a buffer. */
  set(buffer: Buffer, texture: Texture, length: number, bound: number): void {
    const { cell } = buffer
    const before = cell.texture
    cell.host = null
    cell.length = length
    cell.bound = bound
    cell.measured = false
    cell.used = ++this.#clock
    this.#own(buffer, texture)
    if (before !== null) this.give(before)
  }

  /** Makes an array on the host the contents of a buffer, which owns it from now on. */
  setHost(buffer: Buffer, data: TypedArray, bound: number): void {
    const { cell } = buffer
    this.free(buffer)
    cell.length = data.length
    this.measured({ cell }, bound)
    if (this.#context === null && data instanceof Float32Array) cell.texture = data
    else cell.host = data
  }

  /** Records the largest absolute value of a buffer's elements. */
  measured({ cell }: Pick<Buffer, 'cell'>, bound: number): void {
    cell.bound = bound
    cell.measured = true
  }

  /** Releases the contents of a buffer. */
  free({ cell }: Buffer): void {
    this.#leave(cell)
    cell.host = null
  }

  /**
   * `count` elements of a buffer from `start`: a copy, or on the host the buffer's own array, which must not be written
   * to.
   */
  read({ cell }: Buffer, start: number, count: number): TypedArray {
    const { texture, host, length } = cell
    const data = host ?? texture ?? new Float32Array(length)
    if (data instanceof Float32Array || host !== null) {
      return start === 0 && count === length
        ? (data as TypedArray)
        : (data as TypedArray).subarray(start, start + count)
    }
    return this.readTexture(data as GlTexture, start, count)
  }

  /** Elements of a texture; waits for the kernels that compute them. */
  readTexture(texture: Texture, start: number, count: number): Float32Array {
    if (texture instanceof Float32Array) return texture.subarray(start, start + count)
    this.readbacks++
    return (this.#context as GlContext).read({ texture, start, count })
  }

  /** Elements of textures when they are ready, if the context `gathers`. */
  readLater(ranges: readonly Range[]): Promise<Float32Array[]> {
    this.readbacks++
    return (this.#context as GlContext).readLater(ranges)
  }

  #own(buffer: Buffer, texture: Texture): void {
    const { cell } = buffer
    if (cell.texture === null && this.#context !== null) {
      this.#live.add(cell)
      lost.register(buffer, [this, cell], cell)
    }
    cell.texture = texture
  }

  /** Detaches a cell from its texture. */
  #leave(cell: Cell): void {
    const { texture } = cell
    cell.texture = null
    if (texture === null || texture instanceof Float32Array) return
    this.#live.delete(cell)
    lost.unregister(cell)
    this.give(texture)
  }

  /** Handles a cell whose buffer was collected. */
  lose(cell: Cell): void {
    this.#live.delete(cell)
    this.give(cell.texture)
    cell.texture = null
  }

  /** Moves textures above the marks to the host; called while no instruction runs. */
  trim(): void {
    const { bytes, textures } = this.#marks
    if (this.bytes - this.#pooledBytes <= bytes && this.#live.size <= textures) return
    let left = this.#live.size
    let leftBytes = this.bytes - this.#pooledBytes
    const moved: { cell: Cell; texture: GlTexture; start: number; count: number }[] = []
    for (const cell of [...this.#live].sort((a, b) => a.used - b.used)) {
      if (leftBytes <= bytes * kept && left <= textures * kept) break
      const texture = cell.texture as GlTexture
      moved.push({ cell, texture, start: 0, count: cell.length })
      left--
      leftBytes -= texture.bytes
    }
    const elements = (this.#context as GlContext).readAll(moved)
    moved.forEach(({ cell }, i) => {
      this.#leave(cell)
      cell.host = elements[i]
    })
    this.spills += moved.length
  }

  /** Deletes all textures and with them the contents of buffers. */
  dispose(): void {
    for (const cell of this.#live) this.#leave(cell)
    this.#trimPool(0, 0)
  }
}

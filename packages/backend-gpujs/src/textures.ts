// Who owns a texture: the cell behind a buffer. The list of cells whose elements are in textures holds them, because
// JavaScript runs finalizers only between turns of the event loop, and a synchronous loop would fill the GPU. Above a
// high-water mark those that were used least recently are read into typed arrays that their cells alone hold: of a cell
// that nobody holds any more, V8 frees that array. Where the loop turns, a finalizer gives the texture back earlier.
import type { Backend, DeviceBuffer, TypedArray } from '@flambeau/core/backend'
import type { Texture } from './adapter.ts'
import type { GlContext, GlTexture, Range } from './gl.ts'
import type { PlannedBuffer } from './plan.ts'

/** The largest whole number up to which all are exact in a float32. */
export const exactUpTo = 2 ** 24

/** What a buffer's elements are and where. A cell with neither has never been written to: its elements are zeros. */
export class Cell {
  length: number
  texture: Texture | null = null
  /** Elements on the host: a Float32Array that becomes a texture when a kernel reads it, or what no texture can hold. */
  host: TypedArray | null = null
  /** No element's absolute value is larger; of interest for whole numbers only. */
  bound = 0
  /** Whether the bound is of the elements as they are, and not of what they might have been. */
  measured = true
  /** When it was used last. */
  used = 0

  constructor(length: number) {
    this.length = length
  }

  /** Whether its elements are such as a texture cannot hold. */
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
  /** Bytes of textures above which the oldest are moved to the host. */
  readonly bytes: number
  /** The same as a number of textures. */
  readonly textures: number
}

/** After moving, this much of the marks is in use. */
const kept = 0.75
/** Of the textures that nobody owns any more, as many are kept for new elements as these parts of the marks. */
const pooledPart = 0.25

declare class FinalizationRegistry<T> {
  constructor(cleanup: (held: T) => void)
  register(target: object, held: T, token: object): void
  unregister(token: object): boolean
}

/** The textures of a context. In the modes without one textures are arrays of V8's, and this does nothing for them. */
export class Textures {
  readonly #context: GlContext | null
  readonly #marks: Marks
  readonly #live = new Set<Cell>()
  readonly #registry: FinalizationRegistry<Cell>
  /** Textures that nobody owns, by their lengths: those first that were not asked for longest. */
  readonly #pool = new Map<number, GlTexture[]>()
  /** The last length in the pool. */
  #newest = 0
  #pooled = 0
  #pooledBytes = 0
  #clock = 0
  /** Bytes of all textures, pooled ones included, and how many there are. */
  bytes = 0
  count = 0
  uploads = 0
  readbacks = 0
  spills = 0

  constructor(context: GlContext | null, marks: Marks) {
    this.#context = context
    this.#marks = marks
    this.#registry = new FinalizationRegistry((cell) => this.#lose(cell))
  }

  /** Cells whose elements are in textures. */
  get cells(): number {
    return this.#live.size
  }

  get pooledBytes(): number {
    return this.#pooledBytes
  }

  /** A texture for the result of a kernel, with anything in it; undefined where kernels make arrays. */
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

  /** A texture is nobody's any more. */
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

  /** Deletes pooled textures down to so many. */
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

  /** The texture of a buffer's elements, which come from the host if they are there. */
  of(buffer: Buffer): Texture {
    const { cell } = buffer
    cell.used = ++this.#clock
    if (cell.texture !== null) return cell.texture
    const texture = this.upload((cell.host as Float32Array | null) ?? new Float32Array(cell.length))
    cell.host = null
    this.#own(buffer, texture)
    return texture
  }

  /** A texture of these elements. */
  upload(data: Float32Array): Texture {
    if (this.#context === null) return data
    this.uploads++
    const texture = this.#fromPool(data.length)
    if (texture === undefined) return this.#create(data.length, data)
    this.#context.write(texture, data)
    return texture
  }

  /** A buffer's elements are these from now on. */
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

  /** A buffer's elements are these of the host, which are the buffer's from now on. */
  setHost(buffer: Buffer, data: TypedArray, bound: number): void {
    const { cell } = buffer
    this.free(buffer)
    cell.length = data.length
    this.measured({ cell }, bound)
    if (this.#context === null && data instanceof Float32Array) cell.texture = data
    else cell.host = data
  }

  /** Notes the largest absolute value of a buffer's elements. */
  measured({ cell }: Pick<Buffer, 'cell'>, bound: number): void {
    cell.bound = bound
    cell.measured = true
  }

  /** Gives back what a buffer holds. */
  free({ cell }: Buffer): void {
    this.#leave(cell)
    cell.host = null
  }

  /** Elements of a buffer from `start`; a copy, or the buffer's own on the host: not to be written to. */
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

  /** Elements of a texture: waits for what makes them. */
  readTexture(texture: Texture, start: number, count: number): Float32Array {
    if (texture instanceof Float32Array) return texture.subarray(start, start + count)
    this.readbacks++
    return (this.#context as GlContext).read({ texture, start, count })
  }

  /** Elements of textures when they are there, where the context `gathers`. */
  readLater(ranges: readonly Range[]): Promise<Float32Array[]> {
    this.readbacks++
    return (this.#context as GlContext).readLater(ranges)
  }

  #own(buffer: Buffer, texture: Texture): void {
    const { cell } = buffer
    if (cell.texture === null && this.#context !== null) {
      this.#live.add(cell)
      this.#registry.register(buffer, cell, cell)
    }
    cell.texture = texture
  }

  /** A cell's elements are in a texture no longer. */
  #leave(cell: Cell): void {
    const { texture } = cell
    cell.texture = null
    if (texture === null || texture instanceof Float32Array) return
    this.#live.delete(cell)
    this.#registry.unregister(cell)
    this.give(texture)
  }

  /** Nobody holds the buffer of this cell any more. */
  #lose(cell: Cell): void {
    this.#live.delete(cell)
    this.give(cell.texture)
    cell.texture = null
  }

  /** Moves to the host what is above the marks; called when no instruction is at work. */
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

  /** Deletes all: what buffers held is gone. */
  dispose(): void {
    for (const cell of this.#live) this.#leave(cell)
    this.#trimPool(0, 0)
  }
}

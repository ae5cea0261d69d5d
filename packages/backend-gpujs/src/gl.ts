// Textures of a WebGL context: one float per texel, in the size that gpu.js chooses for a number of elements. Nothing
// here owns textures; textures.ts does.
import { RuntimeError } from '@flambeau/core/backend'

/** The part of WebGL that gpu.js and this package need: of WebGL 2, or of WebGL 1 with float textures. */
export interface Gl {
  readonly [constant: string]: unknown
  getExtension(name: string): { loseContext?(): void; destroy?(): void } | null
  getParameter(name: unknown): unknown
  getError(): number
  isContextLost(): boolean
  createTexture(): object | null
  deleteTexture(texture: object): void
  activeTexture(unit: unknown): void
  bindTexture(target: unknown, texture: object | null): void
  texParameteri(target: unknown, name: unknown, value: unknown): void
  texImage2D(...args: unknown[]): void
  texSubImage2D(...args: unknown[]): void
  createFramebuffer(): object | null
  bindFramebuffer(target: unknown, framebuffer: object | null): void
  framebufferTexture2D(target: unknown, attachment: unknown, kind: unknown, texture: object | null, level: number): void
  readPixels(x: number, y: number, w: number, h: number, format: unknown, type: unknown, to: object | number): void
  createBuffer(): object | null
  deleteBuffer(buffer: object): void
  bindBuffer(target: unknown, buffer: object | null): void
  bufferData(target: unknown, bytes: number, usage: unknown): void
  /** Only in WebGL 2. */
  getBufferSubData(target: unknown, offset: number, to: ArrayBufferView): void
  fenceSync(condition: unknown, flags: number): object | null
  clientWaitSync(sync: object, flags: number, timeout: number): unknown
  deleteSync(sync: object): void
  flush(): void
  deleteFramebuffer(framebuffer: object): void
}

/** A texture in the form that gpu.js's kernels accept as an argument. */
export class GlTexture {
  readonly texture: object
  readonly length: number
  readonly size: readonly [number, number]
  readonly dimensions: readonly [number, number, number]
  readonly context: Gl
  readonly type: 'ArrayTexture(1)' | 'ArrayTexture(4)'
  readonly bytes: number

  constructor(
    texture: object,
    length: number,
    size: readonly [number, number],
    context: Gl,
    type: GlTexture['type'],
    bytes: number,
  ) {
    this.texture = texture
    this.length = length
    this.size = size
    this.dimensions = [length, 1, 1]
    this.context = context
    this.type = type
    this.bytes = bytes
  }
}

/**
 * Width and height of the texture for a number of elements, chosen as gpu.js does, because kernels are written for that
 * size.
 */
export function sizeOf(length: number): readonly [number, number] {
  const root = Math.sqrt(length)
  let high = Math.ceil(root)
  let low = Math.floor(root)
  while (high * low < length) {
    high--
    low = Math.ceil(length / high)
  }
  return [low, Math.ceil(length / low)]
}

/** A range of a texture: `count` elements from `start`. */
export interface Range {
  readonly texture: GlTexture
  readonly start: number
  readonly count: number
}

/** Elements in a buffer of the GPU, on their way to the host. */
interface Packed {
  readonly buffer: object
  readonly ranges: readonly Range[]
  readonly texels: number
}

/** The rows of a texture that contain a range. */
function rowsOf({ texture, start, count }: Range): { first: number; rows: number; skip: number } {
  const [w] = texture.size
  const first = Math.floor(start / w)
  return { first, rows: Math.floor((start + count - 1) / w) - first + 1, skip: start - first * w }
}

declare function setTimeout(work: () => void): unknown

/** The error of an operation after the context was lost. */
export const lostError = (): RuntimeError =>
  new RuntimeError(
    "the WebGL context of device 'gpujs' was lost, and with it what its tensors held",
    'Make a new device, useDevice(await gpujs()), build the model anew and load the last state dict that was saved.',
  )

export class GlContext {
  readonly gl: Gl
  readonly version: 1 | 2
  /** The maximum side of a texture. */
  readonly maxSize: number
  /** Bytes per element: WebGL 1 can only render to float textures of four channels. */
  readonly #bytes: number
  /** All rendering and reading uses this framebuffer, so that no framebuffer keeps a deleted texture alive. */
  readonly framebuffer: object
  /** The texture attached to this framebuffer. */
  #attached: object | null = null
  readonly #format: unknown
  readonly #internal: unknown
  #readsOne: boolean | undefined
  #gathers: boolean | undefined

  constructor(gl: Gl, version: 1 | 2) {
    this.gl = gl
    this.version = version
    if (version === 2) gl.getExtension('EXT_color_buffer_float')
    else gl.getExtension('OES_texture_float')
    gl.getExtension('WEBGL_color_buffer_float')
    this.maxSize = Number(gl.getParameter(gl.MAX_TEXTURE_SIZE))
    this.#bytes = version === 2 ? 4 : 16
    this.#internal = version === 2 ? gl.R32F : gl.RGBA
    this.#format = version === 2 ? gl.RED : gl.RGBA
    this.framebuffer = gl.createFramebuffer() as object
  }

  /** Creates a texture of `length` elements, each one number or four. */
  create(length: number, data: Float32Array | null = null, type: GlTexture['type'] = 'ArrayTexture(1)'): GlTexture {
    const { gl } = this
    const four = this.version === 2 && type === 'ArrayTexture(4)'
    const internal = four ? gl.RGBA32F : this.#internal
    const format = four ? gl.RGBA : this.#format
    const size = sizeOf(length)
    if (size[0] > this.maxSize || size[1] > this.maxSize) {
      throw new RuntimeError(
        `a tensor of ${length} elements does not fit into a texture of this GPU, whose sides are at most ${this.maxSize}`,
        'Work on it in parts, or on another device: x.to("js").',
      )
    }
    const texture = gl.createTexture()
    if (texture === null) throw lostError()
    gl.activeTexture(gl.TEXTURE0)
    gl.bindTexture(gl.TEXTURE_2D, texture)
    for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE)
    for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST)
    const texels = data === null ? null : this.#texels(data, size)
    gl.texImage2D(gl.TEXTURE_2D, 0, internal, size[0], size[1], 0, format, gl.FLOAT, texels)
    return new GlTexture(texture, length, size, gl, type, size[0] * size[1] * (four ? 16 : this.#bytes))
  }

  /** Writes all elements of a texture. */
  write({ texture, size }: GlTexture, data: Float32Array): void {
    const { gl } = this
    gl.activeTexture(gl.TEXTURE0)
    gl.bindTexture(gl.TEXTURE_2D, texture)
    const texels = this.#texels(data, size)
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, size[0], size[1], this.#format, gl.FLOAT, texels)
  }

  /** Elements as texels that fill whole rows. */
  #texels(data: Float32Array, [w, h]: readonly [number, number]): Float32Array {
    if (this.version === 2) {
      if (data.length === w * h) return data
      const rows = new Float32Array(w * h)
      rows.set(data)
      return rows
    }
    const texels = new Float32Array(4 * w * h)
    for (let i = 0; i < data.length; i++) texels[4 * i] = data[i]
    return texels
  }

  /** Reads the rows that contain the elements; this waits for the GPU. */
  read(range: Range): Float32Array {
    const texels = new Float32Array(this.#texelsOf(range))
    this.#readRows(range, texels)
    this.#demandSound()
    return this.#elements(range, texels)
  }

  /** Reads elements of several textures, waiting for the GPU only once if it can gather them. */
  readAll(ranges: readonly Range[]): Float32Array[] {
    return this.gathers ? this.#unpack(this.#pack(ranges)) : ranges.map((range) => this.read(range))
  }

  /** Reads elements of several textures when they are ready, without blocking. Requires `gathers`. */
  async readLater(ranges: readonly Range[]): Promise<Float32Array[]> {
    const { gl } = this
    const packed = this.#pack(ranges)
    const done = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0)
    gl.flush()
    while (done !== null && !this.lost && gl.clientWaitSync(done, 0, 0) === gl.TIMEOUT_EXPIRED)
      await new Promise<void>((resolve) => setTimeout(resolve))
    if (done !== null) gl.deleteSync(done)
    return this.#unpack(packed)
  }

  /**
   * Whether the GPU can gather elements in one of its buffers on their way to the host. The first use tests it, because
   * headless GL has all the functions but writes everything to the beginning of the buffer.
   */
  get gathers(): boolean {
    this.#gathers ??= this.version === 2 && this.#findGathers()
    return this.#gathers
  }

  #findGathers(): boolean {
    const textures = [1, 2].map((x) => this.create(1, Float32Array.of(x)))
    try {
      const [[one], [two]] = this.#unpack(this.#pack(textures.map((texture) => ({ texture, start: 0, count: 1 }))))
      return one === 1 && two === 2
    } finally {
      for (const { texture } of textures) this.gl.deleteTexture(texture)
    }
  }

  #pack(ranges: readonly Range[]): Packed {
    const { gl } = this
    const texels = ranges.reduce((sum, range) => sum + this.#texelsOf(range), 0)
    const buffer = gl.createBuffer()
    if (buffer === null) throw lostError()
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, buffer)
    gl.bufferData(gl.PIXEL_PACK_BUFFER, 4 * texels, gl.STREAM_READ)
    let at = 0
    for (const range of ranges) {
      this.#readRows(range, 4 * at)
      at += this.#texelsOf(range)
    }
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null)
    return { buffer, ranges, texels }
  }

  #unpack({ buffer, ranges, texels }: Packed): Float32Array[] {
    const { gl } = this
    const all = new Float32Array(texels)
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, buffer)
    gl.getBufferSubData(gl.PIXEL_PACK_BUFFER, 0, all)
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null)
    gl.deleteBuffer(buffer)
    this.#demandSound()
    let at = 0
    return ranges.map((range) => {
      const from = at
      at += this.#texelsOf(range)
      // A copy, so that one range does not keep all others alive.
      return this.#elements(range, all.slice(from, at))
    })
  }

  /**
   * Records the texture that the framebuffer is about to get; returns whether it had another one. Attaching it again
   * would cost a tenth of a small kernel.
   */
  attaches(texture: object): boolean {
    if (this.#attached === texture) return false
    this.#attached = texture
    return true
  }

  /** Makes a texture the one to read from. */
  #bind(texture: object): void {
    const { gl } = this
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.framebuffer)
    if (this.attaches(texture)) gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0)
  }

  #texelsOf(range: Range): number {
    return this.#step * range.texture.size[0] * rowsOf(range).rows
  }

  #readRows(range: Range, to: Float32Array | number): void {
    const { gl } = this
    const { texture, size } = range.texture
    const { first, rows } = rowsOf(range)
    this.#bind(texture)
    gl.readPixels(0, first, size[0], rows, this.#step === 1 ? gl.RED : gl.RGBA, gl.FLOAT, to)
  }

  /** The requested elements among the texels of whole rows. */
  #elements(range: Range, texels: Float32Array): Float32Array {
    const { count } = range
    const { skip } = rowsOf(range)
    if (this.#step === 1) return skip === 0 && count === texels.length ? texels : texels.slice(skip, skip + count)
    const elements = new Float32Array(count)
    for (let i = 0; i < count; i++) elements[i] = texels[4 * (skip + i)]
    return elements
  }

  /** Throws if what was read may not be what was computed. */
  #demandSound(): void {
    const { gl } = this
    const error = gl.getError()
    if (this.lost) throw lostError()
    if (error !== gl.OUT_OF_MEMORY) return
    throw new RuntimeError(
      "device 'gpujs' is out of GPU memory, and results since the last read are lost",
      'Use smaller batches, or free tensors between them.',
    )
  }

  /** Floats per texel in a read. */
  get #step(): 1 | 4 {
    this.#readsOne ??= this.#findReadsOne()
    return this.#readsOne ? 1 : 4
  }

  /** Whether this driver reads one float per texel; every driver reads four. */
  #findReadsOne(): boolean {
    const { gl, version } = this
    if (version === 1) return false
    const { texture } = this.create(1)
    this.#bind(texture)
    const format = gl.getParameter(gl.IMPLEMENTATION_COLOR_READ_FORMAT)
    const type = gl.getParameter(gl.IMPLEMENTATION_COLOR_READ_TYPE)
    gl.deleteTexture(texture)
    return format === gl.RED && type === gl.FLOAT
  }

  /** The renderer: the name of the GPU, if the browser reveals it. */
  get renderer(): string {
    const { gl } = this
    const names = gl.getExtension('WEBGL_debug_renderer_info') as { UNMASKED_RENDERER_WEBGL?: unknown } | null
    return String(gl.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER))
  }

  get lost(): boolean {
    return this.gl.isContextLost()
  }

  /** Releases the context, because a page may have only a few. */
  dispose(): void {
    this.gl.getExtension('STACKGL_destroy_context')?.destroy?.()
    this.gl.getExtension('WEBGL_lose_context')?.loseContext?.()
  }
}

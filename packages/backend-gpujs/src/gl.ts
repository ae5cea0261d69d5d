// Textures of a WebGL context, as plain functions: one float a texel, in the shape that gpu.js gives to so many elements.
// Nothing here is kept; who owns a texture is textures.ts.
import { RuntimeError } from '@flambeau/core/backend'

/** The part of WebGL that is used here and that gpu.js needs: of WebGL 2, or of WebGL 1 with float textures. */
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
  /** Of WebGL 2. */
  getBufferSubData(target: unknown, offset: number, to: ArrayBufferView): void
  fenceSync(condition: unknown, flags: number): object | null
  clientWaitSync(sync: object, flags: number, timeout: number): unknown
  deleteSync(sync: object): void
  flush(): void
  deleteFramebuffer(framebuffer: object): void
}

/** A texture as gpu.js's kernels take it for an argument. */
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

/** Width and height of the texture of so many elements: gpu.js's own choice, for kernels are written for it. */
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

/** Elements of a texture: `count` of them from `start`. */
export interface Range {
  readonly texture: GlTexture
  readonly start: number
  readonly count: number
}

/** Elements on their way to the host, in a buffer of the GPU. */
interface Packed {
  readonly buffer: object
  readonly ranges: readonly Range[]
  readonly texels: number
}

/** The rows of a texture that a range is in. */
function rowsOf({ texture, start, count }: Range): { first: number; rows: number; skip: number } {
  const [w] = texture.size
  const first = Math.floor(start / w)
  return { first, rows: Math.floor((start + count - 1) / w) - first + 1, skip: start - first * w }
}

declare function setTimeout(work: () => void): unknown

/** What a lost context means to who reads or computes. */
export const lostError = (): RuntimeError =>
  new RuntimeError(
    "the WebGL context of device 'gpujs' was lost, and with it what its tensors held",
    'Make a new device, useDevice(await gpujs()), build the model anew and load the last state dict that was saved.',
  )

export class GlContext {
  readonly gl: Gl
  readonly version: 1 | 2
  /** Sides of the largest texture. */
  readonly maxSize: number
  /** Bytes of an element: WebGL 1 has no textures that can be rendered to of fewer than four floats. */
  readonly #bytes: number
  /** Everything is rendered to and read from this one, so that no framebuffer holds a texture that is gone. */
  readonly framebuffer: object
  /** The texture that this framebuffer has. */
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

  /** A texture of so many elements, each a number, or four. */
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

  /** Elements as whole texels in whole rows. */
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

  /** The rows that the elements are in are read; this waits for the GPU. */
  read(range: Range): Float32Array {
    const texels = new Float32Array(this.#texelsOf(range))
    this.#readRows(range, texels)
    this.#demandSound()
    return this.#elements(range, texels)
  }

  /** Elements of several textures: the GPU is waited for once, where it can gather them. */
  readAll(ranges: readonly Range[]): Float32Array[] {
    return this.gathers ? this.#unpack(this.#pack(ranges)) : ranges.map((range) => this.read(range))
  }

  /** Elements of several textures when they are there: nobody waits. Only where the GPU `gathers`. */
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
   * Whether elements can be gathered in a buffer of the GPU on their way to the host. It is tried: headless GL has all the
   * functions, and puts everything where the buffer begins.
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
      // A copy: nobody's elements are to keep those of all others.
      return this.#elements(range, all.slice(from, at))
    })
  }

  /**
   * Notes that the framebuffer is about to have this texture; whether it had another one. To attach it once more would
   * cost a tenth of a small kernel.
   */
  attaches(texture: object): boolean {
    if (this.#attached === texture) return false
    this.#attached = texture
    return true
  }

  /** Makes a texture the one that is read. */
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

  /** Of the texels of whole rows the elements that were asked for. */
  #elements(range: Range, texels: Float32Array): Float32Array {
    const { count } = range
    const { skip } = rowsOf(range)
    if (this.#step === 1) return skip === 0 && count === texels.length ? texels : texels.slice(skip, skip + count)
    const elements = new Float32Array(count)
    for (let i = 0; i < count; i++) elements[i] = texels[4 * (skip + i)]
    return elements
  }

  /** Throws where what was read is not what was computed. */
  #demandSound(): void {
    const { gl } = this
    const error = gl.getError()
    if (this.lost) throw lostError()
    if (error !== gl.OUT_OF_MEMORY) return
    throw new RuntimeError(
      "device 'gpujs' is out of GPU memory, and what was computed since the last read is lost",
      'Use smaller batches, or free tensors between them.',
    )
  }

  /** Floats of a texel when it is read. */
  get #step(): 1 | 4 {
    this.#readsOne ??= this.#findReadsOne()
    return this.#readsOne ? 1 : 4
  }

  /** Whether this driver gives one float a texel; four is what every driver can. */
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

  /** What draws: the name of the GPU, where the browser tells it. */
  get renderer(): string {
    const { gl } = this
    const names = gl.getExtension('WEBGL_debug_renderer_info') as { UNMASKED_RENDERER_WEBGL?: unknown } | null
    return String(gl.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER))
  }

  get lost(): boolean {
    return this.gl.isContextLost()
  }

  /** Gives the context back: a page may have a few of them only. */
  dispose(): void {
    this.gl.getExtension('STACKGL_destroy_context')?.destroy?.()
    this.gl.getExtension('WEBGL_lose_context')?.loseContext?.()
  }
}

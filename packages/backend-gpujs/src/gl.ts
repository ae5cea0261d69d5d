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
  checkFramebufferStatus(target: unknown): unknown
  readPixels(x: number, y: number, w: number, h: number, format: unknown, type: unknown, to: ArrayBufferView): void
  createBuffer(): object | null
  deleteBuffer(buffer: object): void
  deleteFramebuffer(framebuffer: object): void
}

/** A texture as gpu.js's kernels take it for an argument. */
export class GlTexture {
  readonly texture: object
  readonly length: number
  readonly size: readonly [number, number]
  readonly dimensions: readonly [number, number, number]
  readonly context: Gl
  readonly type = 'ArrayTexture(1)'

  constructor(texture: object, length: number, size: readonly [number, number], context: Gl) {
    this.texture = texture
    this.length = length
    this.size = size
    this.dimensions = [length, 1, 1]
    this.context = context
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
  readonly bytes: number
  /** Everything is rendered to and read from this one, so that no framebuffer holds a texture that is gone. */
  readonly framebuffer: object
  readonly #format: unknown
  readonly #internal: unknown
  #readsOne: boolean | undefined

  constructor(gl: Gl, version: 1 | 2) {
    this.gl = gl
    this.version = version
    if (version === 2) gl.getExtension('EXT_color_buffer_float')
    else gl.getExtension('OES_texture_float')
    gl.getExtension('WEBGL_color_buffer_float')
    this.maxSize = Number(gl.getParameter(gl.MAX_TEXTURE_SIZE))
    this.bytes = version === 2 ? 4 : 16
    this.#internal = version === 2 ? gl.R32F : gl.RGBA
    this.#format = version === 2 ? gl.RED : gl.RGBA
    this.framebuffer = gl.createFramebuffer() as object
  }

  create(length: number, data: Float32Array | null = null): GlTexture {
    const { gl } = this
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
    gl.texImage2D(gl.TEXTURE_2D, 0, this.#internal, size[0], size[1], 0, this.#format, gl.FLOAT, texels)
    return new GlTexture(texture, length, size, gl)
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

  /** `count` elements from `start`: the rows that they are in are read. */
  read({ texture, size: [w] }: GlTexture, start: number, count: number): Float32Array {
    const { gl } = this
    const first = Math.floor(start / w)
    const rows = Math.floor((start + count - 1) / w) - first + 1
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.framebuffer)
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0)
    this.#readsOne ??= this.#findReadsOne()
    const step = this.#readsOne ? 1 : 4
    const texels = new Float32Array(step * w * rows)
    gl.readPixels(0, first, w, rows, step === 1 ? gl.RED : gl.RGBA, gl.FLOAT, texels)
    const error = gl.getError()
    if (gl.isContextLost()) throw lostError()
    if (error === gl.OUT_OF_MEMORY) {
      throw new RuntimeError(
        "device 'gpujs' is out of GPU memory, and what was computed since the last read is lost",
        'Use smaller batches, or free tensors between them.',
      )
    }
    const skip = start - first * w
    if (step === 1) return skip === 0 && count === texels.length ? texels : texels.slice(skip, skip + count)
    const elements = new Float32Array(count)
    for (let i = 0; i < count; i++) elements[i] = texels[4 * (skip + i)]
    return elements
  }

  /** Whether this driver gives one float a texel; four is what every driver can. */
  #findReadsOne(): boolean {
    const { gl, version } = this
    if (version === 1) return false
    const format = gl.getParameter(gl.IMPLEMENTATION_COLOR_READ_FORMAT)
    return format === gl.RED && gl.getParameter(gl.IMPLEMENTATION_COLOR_READ_TYPE) === gl.FLOAT
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

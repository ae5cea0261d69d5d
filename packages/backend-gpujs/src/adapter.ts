// The only file that imports gpu.js. It uses gpu.js's kernel classes directly, without `GPU`, which chooses a class
// silently, and whose kernels change their class when arguments do. Here a kernel has the requested class or creating
// it throws, and a GL kernel renders into a texture passed to it, so that no kernel owns one.
import { RuntimeError } from '@flambeau/core/backend'
import gpujs from 'gpu.js'
import { type GlContext, type GlTexture, lostError } from './gl.ts'
import type { Kernel, KernelFunction } from './plan.ts'

/** The location of elements: a texture, or an array in the modes that compute on the host. */
export type Texture = GlTexture | Float32Array

/** gpu.js's modes; 'webgl' is a browser's, 'headlessgl' Node's. */
export type Mode = 'webgl2' | 'webgl' | 'headlessgl' | 'webasm' | 'cpu'

/** The part of a gpu.js kernel that is used. */
interface Made {
  fallbackReason: string | null
  switchingKernels: unknown
  built: boolean
  build(...args: readonly unknown[]): void
  run(...args: readonly unknown[]): Float32Array | readonly Float32Array[] | undefined
  destroy(removeCanvas?: boolean): void
}

interface MadeGl extends Made {
  buffer: object | null
  framebuffer: object | null
  texture: { texture: object } | null
  _textureSwitched: boolean
}

type KernelClass<T extends Made> = new (source: string, settings: object) => T

const classes = {
  webgl2: 'WebGL2Kernel',
  webgl: 'WebGLKernel',
  headlessgl: 'HeadlessGLKernel',
  webasm: 'WebAssemblyKernel',
  cpu: 'CPUKernel',
} as const

const classOf = <T extends Made>(mode: Mode): KernelClass<T> =>
  (gpujs as unknown as Record<string, KernelClass<T>>)[classes[mode]]

/** A kernel that is ready to run. */
export interface Compiled {
  /** Takes the textures and then the numbers that its source names, and returns `out`, or a new array on the host. */
  run(args: readonly (Texture | number)[], out: Texture | undefined): Texture
  destroy(): void
}

const noFallback = (name: string, reason: unknown): never => {
  throw new RuntimeError(`gpu.js cannot make this kernel in ${name}: ${String(reason)}`)
}

/**
 * The settings of all kernels. Return values are declared as floats, because a kernel that returns only whole numbers
 * would render integers.
 */
function settingsOf({ length, perThread, textures, numbers, functions }: Kernel, textureType: string): object {
  return {
    output: [length / (perThread ?? 1)],
    precision: 'single',
    pipeline: true,
    returnType: perThread === undefined ? 'Float' : 'Array(4)',
    tactic: 'precision',
    functions: functions.map(({ name, parameters, source }) => ({
      name,
      source,
      argumentTypes: new Array(parameters).fill('Float'),
      returnType: 'Float',
    })),
    argumentTypes: [...textures.map(() => textureType), ...Array.from({ length: numbers }, () => 'Float')],
  }
}

function made<T extends Made>(mode: Mode, { source }: Kernel, settings: object): T {
  const name = classes[mode]
  const kernel: T = new (classOf<T>(mode))(source, {
    ...settings,
    onRequestFallback: () => noFallback(name, kernel.fallbackReason),
    onRequestSwitchKernel: () => noFallback(name, 'its arguments changed their types'),
  })
  return kernel
}

/** A function's prototype in GLSL. */
const prototypeOf = ({ name, parameters }: KernelFunction): string =>
  `float ${name}(${new Array(parameters).fill('float').join(', ')});`

/** Compiles and runs kernels in one mode. */
export interface Engine {
  readonly mode: Mode
  /** The gpu.js class of every kernel. */
  readonly kernelClass: string
  /** The context, or null if textures are arrays on the host. */
  readonly context: GlContext | null
  compile(kernel: Kernel): Compiled
  dispose(): void
}

/** Kernels ask for a canvas if canvases exist, one each; host kernels get a dummy. */
const hostSettings = (kernel: Kernel): object => ({
  ...settingsOf(kernel, 'Array'),
  immutable: true,
  canvas: {},
  context: {},
})

/** The threads' results as one array. */
function flat(fours: readonly Float32Array[]): Float32Array {
  const elements = new Float32Array(4 * fours.length)
  for (let i = 0; i < fours.length; i++) for (let k = 0; k < 4; k++) elements[4 * i + k] = fours[i][k]
  return elements
}

function cpuKernel(kernel: Kernel): Compiled {
  const it = made<Made>('cpu', kernel, hostSettings(kernel))
  return {
    run(args) {
      if (!it.built) it.build(...args)
      const result = it.run(...args)
      return kernel.perThread === undefined ? (result as Float32Array) : flat(result as readonly Float32Array[])
    },
    destroy: () => it.destroy(),
  }
}

/** The layout of a WebAssembly kernel's arguments and result, in bytes. */
interface Module {
  readonly layout: {
    readonly arrays: Readonly<Record<string, { readonly index: number; readonly offset: number }>>
    readonly scalars: Readonly<Record<string, { readonly index: number; readonly offset: number }>>
    readonly outputOffset: number
  }
  readonly f32: Float32Array
  readonly run: unknown
  readonly runSimd: unknown
}

interface MadeWasm extends Made {
  readonly _active: Module
}

interface WasmClass {
  dispatchSpans(run: unknown, runSimd: unknown, cells: number, width: number, seed: number): void
}

/** Runs the module directly: gpu.js's own `run` looks up its arguments at every call by a string of all their sizes. */
function wasmKernel(kernel: Kernel): Compiled {
  const { length, perThread } = kernel
  const threads = length / (perThread ?? 1)
  const it = made<MadeWasm>('webasm', kernel, hostSettings(kernel))
  const { dispatchSpans } = classOf('webasm') as unknown as WasmClass
  let starts: readonly number[] = []
  let start = 0
  return {
    run(args) {
      if (!it.built) {
        it.build(...args)
        const { arrays, scalars, outputOffset } = it._active.layout
        const places = [...Object.values(arrays), ...Object.values(scalars)].sort((a, b) => a.index - b.index)
        starts = places.map(({ offset }) => offset / 4)
        start = outputOffset / 4
      }
      const { f32, run, runSimd } = it._active
      for (let i = 0; i < args.length; i++) {
        const x = args[i]
        if (typeof x === 'number') f32[starts[i]] = x
        else f32.set(x as Float32Array, starts[i])
      }
      dispatchSpans(run, runSimd, threads, threads, 0)
      return f32.slice(start, start + length)
    },
    destroy: () => it.destroy(),
  }
}

/** gpu.js's modes without a GPU. */
export const hostEngine = (mode: 'cpu' | 'webasm'): Engine => ({
  mode,
  kernelClass: classes[mode],
  context: null,
  compile: mode === 'cpu' ? cpuKernel : wasmKernel,
  dispose() {},
})

/** A kernel that spreads the four numbers of each texel to one per texel. */
const spreadOf = (length: number): Kernel => ({
  source: `function (t0) {
    const i = this.thread.x;
    const q = Math.floor(i / 4);
    const r = i - q * 4;
    const x = t0[q];
    return r < 1 ? x[0] : (r < 2 ? x[1] : (r < 3 ? x[2] : x[3]));
  }`,
  length,
  textures: [length / 4],
  numbers: 0,
  functions: [],
})

/**
 * gpu.js's kernels on a WebGL context. They share one framebuffer and one vertex buffer: kernels bind theirs when they
 * are built and not when they run, so destroying the last one built would break all others.
 */
export function glEngine(mode: 'webgl2' | 'webgl' | 'headlessgl', context: GlContext): Engine {
  const { gl, framebuffer } = context
  let vertices: object | null = null
  // When kernels validate, they query a context of gpu.js's own for its limits and whether it divides exactly.
  const shared = { context: gl, canvas: { width: 2, height: 2 }, validate: false, immutable: false }
  let fixIntegerDivisionAccuracy = false

  function build(kernel: Kernel, type: GlTexture['type'], args: readonly unknown[]): MadeGl {
    const settings = {
      ...settingsOf(kernel, type),
      ...shared,
      fixIntegerDivisionAccuracy,
      // gpu.js may place a function before one that it calls.
      injectedNative: kernel.functions.map(prototypeOf).join('\n'),
    }
    const it = made<MadeGl>(mode, kernel, settings)
    it.buffer = vertices
    try {
      it.build(...args)
    } catch (error) {
      throw context.lost ? lostError() : error
    }
    vertices = it.buffer
    gl.deleteFramebuffer(it.framebuffer as object)
    it.framebuffer = framebuffer
    gl.deleteTexture((it.texture as { texture: object }).texture)
    return it
  }

  /** Compiles a kernel that reads textures of one type and may render into another. */
  function compileOne(kernel: Kernel, type: GlTexture['type']): Compiled {
    let it: MadeGl | null = null
    return {
      run(args, out) {
        it ??= build(kernel, type, args)
        const { texture } = out as GlTexture
        ;(it.texture as { texture: object }).texture = texture
        it._textureSwitched = context.attaches(texture)
        it.run(...args)
        if (it.switchingKernels) noFallback(classes[mode], 'its arguments changed their types')
        return out as GlTexture
      },
      destroy() {
        if (it === null) return
        it.buffer = null
        it.framebuffer = null
        it.texture = null
        it.destroy()
        it = null
      },
    }
  }

  /**
   * Threads that return four numbers render them into a texel; a second kernel spreads those out, one element per
   * texel.
   */
  function compile(kernel: Kernel): Compiled {
    const it = compileOne(kernel, 'ArrayTexture(1)')
    if (kernel.perThread === undefined) return it
    const spread = compileOne(spreadOf(kernel.length), 'ArrayTexture(4)')
    let fours: GlTexture | null = null
    return {
      run(args, out) {
        fours ??= context.create(kernel.length / 4, null, 'ArrayTexture(4)')
        it.run(args, fours)
        return spread.run([fours], out)
      },
      destroy() {
        it.destroy()
        spread.destroy()
        if (fours !== null) gl.deleteTexture(fours.texture)
      },
    }
  }

  /** Whether quotients of integers are exact where they should be, which is not so on every GPU. */
  function dividesExactly(): boolean {
    const quotient = compile({
      source: 'function (t0, t1) { return t0[this.thread.x] / t1[this.thread.x]; }',
      length: 2,
      textures: [2, 2],
      numbers: 0,
      functions: [],
    })
    const args = [
      [6, 6030401],
      [3, 3991],
    ].map((xs) => context.create(2, Float32Array.from(xs)))
    const out = context.create(2)
    quotient.run(args, out)
    const [a, b] = context.read({ texture: out, start: 0, count: 2 })
    for (const texture of [...args, out]) gl.deleteTexture(texture.texture)
    quotient.destroy()
    if (!(Math.abs(a - 2) < 1e-4 && Math.abs(b - 1511) < 0.1)) {
      throw new RuntimeError(
        `6 / 3 and 6030401 / 3991 are ${a} and ${b} on this GPU: it cannot render to float textures`,
      )
    }
    return a === 2 && b === 1511
  }

  fixIntegerDivisionAccuracy = !dividesExactly()
  return {
    mode,
    kernelClass: classes[mode],
    context,
    compile,
    dispose() {
      if (vertices !== null) gl.deleteBuffer(vertices)
      context.dispose()
    },
  }
}

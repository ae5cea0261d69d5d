// Runs plans on gpu.js itself, without the backend: what a planner gives is right or wrong by itself.
import {
  type Backend,
  contiguousStrides,
  type DType,
  type Instr,
  isView,
  numelOf,
  type Operand,
  type Output,
  type Shape,
  type View,
} from '@flambeau/core/backend'
import { GPU } from 'gpu.js'
import type { PlannedBuffer, Step } from '../src/plan.ts'
import { planOf } from '../src/plans/index.ts'

export interface Data extends PlannedBuffer {
  readonly data: Float32Array
}

export const buffer = (data: ArrayLike<number>): Data => ({
  backend: {} as Backend,
  length: data.length,
  data: Float32Array.from(data),
})

/** A view of data: row-major unless strides and offset are given. */
export const view = (
  data: Data,
  shape: Shape,
  dtype: DType = 'float32',
  strides: readonly number[] = contiguousStrides(shape),
  offset = 0,
): View => ({ buffer: data, dtype, shape, strides, offset })

export const output = (shape: Shape, dtype: DType = 'float32'): Output => ({
  buffer: buffer(new Float32Array(Math.max(1, numelOf(shape)))),
  dtype,
  shape,
})

type Texture = { toArray(): Float32Array; type: string } | Float32Array
interface Kernel {
  (...args: (Texture | number | Float32Array)[]): Texture
  readonly kernel: { readonly constructor: { readonly name: string }; readonly fallbackReason: unknown }
}

export type Mode = 'cpu' | 'webasm' | 'webgl2'
const classes = { cpu: 'CPUKernel', webasm: 'WebAssemblyKernel', webgl2: 'WebGL2Kernel' }

/** Runs instructions in a mode of gpu.js; gives the outputs' elements and the values of the flags. */
export function runner(mode: Mode) {
  const gpu = new GPU({ mode })
  const settings = { precision: 'single', pipeline: true, immutable: true, returnType: 'Float' }
  const make = (source: string, extra: object): Kernel =>
    (gpu.createKernel as unknown as (source: string, settings: object) => Kernel)(source, { ...settings, ...extra })
  const kernels = new Map<string, Kernel>()
  const uploads = new Map<Data, Texture>()

  function upload(x: Data): Texture {
    let texture = uploads.get(x)
    if (texture === undefined) {
      texture = make('function (a) { return a[this.thread.x]; }', { output: [x.length] })(x.data)
      uploads.set(x, texture)
    }
    return texture
  }

  function call({ kernel, textures, numbers }: Step, instr: Instr, made: readonly Texture[]): Texture {
    const args = textures.map((source) =>
      'input' in source ? upload((instr.inputs[source.input] as View).buffer as Data) : made[source.step],
    )
    const lengths = args.map((x) => (x instanceof Float32Array ? x : x.toArray()).length)
    if (String(lengths) !== String(kernel.textures)) throw new Error(`textures of ${lengths}, not ${kernel.textures}`)
    const key = `${kernel.source}|${kernel.length}|${kernel.textures}`
    let compiled = kernels.get(key)
    if (compiled === undefined) {
      compiled = make(kernel.source, {
        output: [kernel.length],
        functions: kernel.functions.map(({ name, parameters, source }) => ({
          name,
          source,
          settings: { argumentTypes: new Array(parameters).fill('Float'), returnType: 'Float' },
        })),
        argumentTypes: [
          ...args.map((x) => (x instanceof Float32Array ? 'Array' : x.type)),
          ...numbers.map(() => 'Float'),
        ],
      })
      kernels.set(key, compiled)
    }
    const result = compiled(...args, ...numbers.map((read) => read(instr)))
    const { constructor, fallbackReason } = compiled.kernel
    if (constructor.name !== classes[mode] || fallbackReason != null) {
      throw new Error(`${constructor.name} instead of ${classes[mode]}: ${String(fallbackReason)}`)
    }
    return result
  }

  const elements = (x: Texture): Float32Array => (x instanceof Float32Array ? x : x.toArray())

  return {
    run(instr: Instr): { outputs: readonly number[][]; flags: readonly number[] } {
      const plan = planOf(instr)
      const made: Texture[] = []
      for (const step of plan.steps) made.push(call(step, instr, made))
      return {
        outputs: plan.outputs.map((step) => (step === undefined ? [] : Array.from(elements(made[step])))),
        flags: plan.flags.map(({ step }) => elements(made[step])[0]),
      }
    },
    kernels: () => kernels.size,
    dispose: () => gpu.destroy(),
  }
}

/** The elements of an operand in row-major order of the iterated shape. */
export function elementsOf(x: Operand, shape: Shape): number[] {
  const count = numelOf(shape)
  if (!isView(x)) return new Array(count).fill(typeof x.value === 'function' ? x.value() : x.value)
  return Array.from({ length: count }, (_, i) => {
    let at = x.offset
    for (let axis = shape.length - 1, rest = i; axis >= 0; axis--) {
      at += (rest % shape[axis]) * x.strides[axis]
      rest = Math.floor(rest / shape[axis])
    }
    return (x.buffer as Data).data[at]
  })
}

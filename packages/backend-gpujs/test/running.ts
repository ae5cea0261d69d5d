// Runs plans with gpu.js alone, and instructions on backend-js, so that planners are tested before and without the backend.
import { createRequire } from 'node:module'
import {
  type Backend,
  type DType,
  type Instr,
  numelOf,
  type Operand,
  type Output,
  type Spec,
  type TypedArray,
  type View,
} from '@flambeau/core/backend'
import { js } from '@flambeau/backend-js'
import type { Kernel, Plan, PlannedBuffer } from '../src/plan.ts'

export type Mode = 'cpu' | 'webasm' | 'webgl2'

interface Texture {
  toArray(): Float32Array
}
type Values = Float32Array | Texture
type Run = (...args: (Values | number)[]) => Values
interface Gpu {
  createKernel(source: string, settings: object): Run
  destroy(): void
}

const require = createRequire(import.meta.url)

/** gpu.js in a mode; webgl2 by headless GL, which must be built and have a display. */
export function openGpu(mode: Mode): Gpu {
  if (mode === 'webgl2') {
    const createGL = require('gl')
    const globals = globalThis as Record<string, unknown>
    globals.WebGL2RenderingContext = createGL.WebGL2RenderingContext
    globals.OffscreenCanvas = class {
      width = 2
      height = 2
      #context: unknown
      getContext(kind: string): unknown {
        if (kind !== 'webgl2') return null
        this.#context ??= createGL(2, 2, { createWebGL2Context: true, preserveDrawingBuffer: true })
        return this.#context
      }
    }
  }
  const { GPU } = require('gpu.js')
  return new GPU({ mode }) as Gpu
}

const valuesOf = (x: Values): Float32Array => (x instanceof Float32Array ? x : x.toArray())

/** Elements of a tensor under a layout, in a buffer that may be larger. */
export interface Held {
  readonly data: TypedArray
  readonly view: Omit<View, 'buffer'>
}

/** What an instruction is, without buffers. */
export type Call = Pick<Instr, 'kind' | 'attrs' | 'check'> & {
  readonly inputs: readonly (Held | { readonly value: number; readonly dtype: DType })[]
  readonly outputs: readonly Spec[]
}

const isHeld = (x: Call['inputs'][number]): x is Held => 'data' in x

/** The instruction on a backend: its outputs' elements, or its error. */
export function onBackend(backend: Backend, call: Call): readonly TypedArray[] {
  const inputs = call.inputs.map((x): Operand => {
    if (!isHeld(x)) return x
    const out = {
      shape: [x.data.length],
      dtype: x.view.dtype,
      buffer: backend.alloc({ shape: [x.data.length], dtype: x.view.dtype }),
    }
    backend.write(out, x.data)
    return { ...x.view, buffer: out.buffer }
  })
  const outputs = call.outputs.map((spec): Output => ({ ...spec, buffer: backend.alloc(spec) }))
  const { kind, attrs, check } = call
  const instr = { kind, attrs, inputs, outputs, check, origin: { name: kind } } as Instr
  if (!backend.supports(instr)) throw new Error(`${backend.name} does not run this ${kind}`)
  backend.run(instr)
  return outputs.map(({ shape, dtype, buffer }) =>
    backend.readSync({ shape: [numelOf(shape)], strides: [1], offset: 0, dtype, buffer }),
  )
}

export const onJs = (call: Call): readonly TypedArray[] => onBackend(js(), call)

/** The instruction as planners see it. */
export function plannable({ kind, attrs, inputs, outputs }: Call): Instr {
  const buffer = (length: number): PlannedBuffer => ({ length }) as PlannedBuffer
  return {
    kind,
    attrs,
    inputs: inputs.map((x): Operand => (isHeld(x) ? { ...x.view, buffer: buffer(x.data.length) } : x)),
    outputs: outputs.map((spec) => ({ ...spec, buffer: buffer(numelOf(spec.shape)) })),
    origin: { name: kind },
  } as Instr
}

const upload = { source: 'function (t0) { return t0[this.thread.x]; }', numbers: 0, functions: [] }

/** The plan of a call by gpu.js: the outputs' elements; throws what a flag says. */
export class Runner {
  readonly #gpu: Gpu
  readonly #array: string
  readonly #kernels = new Map<string, Run>()

  constructor(mode: Mode) {
    this.#gpu = openGpu(mode)
    this.#array = mode === 'webgl2' ? 'ArrayTexture(1)' : 'Array'
  }

  get kernels(): number {
    return this.#kernels.size
  }

  #kernel({ source, length, textures, numbers, functions }: Kernel, array = this.#array): Run {
    const key = `${length} ${textures} ${source}`
    let kernel = this.#kernels.get(key)
    if (kernel === undefined) {
      kernel = this.#gpu.createKernel(source, {
        output: [length],
        precision: 'single',
        pipeline: true,
        immutable: true,
        returnType: 'Float',
        argumentTypes: [...textures.map(() => array), ...Array.from({ length: numbers }, () => 'Float')],
        functions: functions.map(({ name, parameters, source }) => ({
          name,
          source,
          settings: { argumentTypes: new Array(parameters).fill('Float'), returnType: 'Float' },
        })),
      })
      this.#kernels.set(key, kernel)
    }
    return kernel
  }

  run(plan: Plan, call: Call, instr: Instr): readonly Float32Array[] {
    const up = (data: TypedArray): Values =>
      this.#kernel({ ...upload, length: data.length, textures: [data.length] }, 'Array')(Float32Array.from(data))
    const inputs = call.inputs.map((x) => (isHeld(x) && x.data.length > 0 ? up(x.data) : undefined))
    const made: Values[] = []
    for (const { kernel, textures, numbers } of plan.steps) {
      const args = textures.map((x) => ('step' in x ? made[x.step] : inputs[x.input]) as Values)
      args.forEach((x, i) => {
        const length = valuesOf(x).length
        if (length !== kernel.textures[i]) throw new Error(`a texture of ${length}, not ${kernel.textures[i]}`)
      })
      made.push(this.#kernel(kernel)(...args, ...numbers.map((n) => n(instr))))
    }
    for (const { step, error } of plan.flags) {
      const [value] = valuesOf(made[step])
      if (value !== 0) throw error(instr, value)
    }
    return plan.outputs.map((step) => (step === undefined ? new Float32Array(0) : valuesOf(made[step])))
  }

  close(): void {
    this.#gpu.destroy()
  }
}

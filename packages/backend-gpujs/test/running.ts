// Instructions without buffers, to run on any backend and compare the results of two.
import { js } from '@flambeau/backend-js'
import {
  type Backend,
  type Instr,
  numelOf,
  type Operand,
  type Output,
  type Scalar,
  type Spec,
  type TypedArray,
  type View,
  withOperands,
} from '@flambeau/core/backend'

/** Elements of a tensor under a layout, in a buffer that may be larger. */
export interface Held {
  readonly data: TypedArray
  readonly view: Omit<View, 'buffer'>
}

export const isHeld = (x: Held | Scalar): x is Held => 'data' in x

/** An instruction without buffers. */
export type Call = Pick<Instr, 'kind' | 'attrs' | 'check'> & {
  readonly inputs: readonly (Held | Scalar)[]
  readonly outputs: readonly Spec[]
}

/** The instruction with buffers of a backend. */
export function instrOn(backend: Backend, call: Call): Instr {
  const operand = (x: Held | Scalar): Operand => {
    if (!isHeld(x)) return x
    const spec: Spec = { sizes: [x.data.length], dtype: x.view.dtype }
    const out: Output = { ...spec, buffer: backend.alloc(spec) }
    backend.write(out, x.data)
    return { ...x.view, buffer: out.buffer }
  }
  const outputs = call.outputs.map((spec) => ({ ...spec, buffer: backend.alloc(spec) }))
  return withOperands({ ...call, origin: { name: call.kind } }, call.inputs.map(operand), outputs)
}

/** The outputs' elements in row-major order, or the error that running or reading throws. */
export function onBackend(backend: Backend, call: Call): readonly TypedArray[] {
  const instr = instrOn(backend, call)
  if (!backend.supports(instr)) throw new Error(`${backend.name} does not run this ${call.kind}`)
  backend.run(instr)
  return instr.outputs.map(({ sizes, dtype, buffer }) =>
    backend.readSync({ sizes: [numelOf(sizes)], strides: [1], offset: 0, dtype, buffer }),
  )
}

export const onJs = (call: Call): readonly TypedArray[] => onBackend(js(), call)

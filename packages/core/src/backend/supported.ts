// Whether a backend runs an instruction, or it must run elsewhere.
import { dtypes } from '../base/dtype.ts'
import { numelOf } from '../base/shape.ts'
import { type Backend, type Capabilities, type Instr, isScalar } from './backend.ts'

/** The most elements of an array. */
export const mostElements = 2 ** 31 - 1

/** Whether a backend runs an instruction: its dtypes and sizes are within the capabilities, and it is supported. */
export const isSupported = (backend: Backend, instr: Instr): boolean => {
  const { caps } = backend
  const complete = caps.dtypes.size === dtypes.length && caps.maxElements >= mostElements
  return (complete || isWithin(caps, instr)) && backend.supports(instr)
}

function isWithin({ dtypes, maxElements }: Capabilities, { inputs, outputs }: Instr): boolean {
  return (
    inputs.every((x) => isScalar(x) || dtypes.has(x.dtype)) &&
    outputs.every(({ dtype, sizes }) => dtypes.has(dtype) && numelOf(sizes) <= maxElements)
  )
}

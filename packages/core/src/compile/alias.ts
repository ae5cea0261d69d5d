// What instructions do to memory: when an output may be written over an input, the one rule that in-place reuse, writes
// back to parameters and a backend's kernels agree on; and which of them may end the run before it has come to its end.
import type { Program, ProgramInstr, Use } from '../backend/program.ts'
import { isUse } from '../backend/program.ts'
import { isContiguous } from '../base/layout.ts'
import { numelOf } from '../base/shape.ts'

/** The use reads every element of its value once, in row-major order. */
export const readsWhole = ({ values }: Pick<Program, 'values'>, use: Use): boolean =>
  use.offset === 0 && isContiguous(use) && numelOf(use.sizes) === numelOf(values[use.value].sizes)

export const usesOf = (instr: ProgramInstr): Use[] => instr.inputs.filter(isUse)

/** It looks at elements and may end the run, before it writes: nothing that outlives the run is written before that. */
export const mayFail = ({ kind, check }: ProgramInstr): boolean =>
  check !== undefined || kind === 'gather' || kind === 'scatter'

/** The position of the last instruction that may end the run, or -1. */
export function lastFailing(instrs: readonly ProgramInstr[]): number {
  for (let i = instrs.length - 1; i >= 0; i--) if (mayFail(instrs[i])) return i
  return -1
}

/**
 * Whether output `k` of an instruction may lie where `value`, one of its inputs, lies. A map reads an element, for all of
 * its outputs, before it writes the one in its place; an assignment and a scatter replace elements of their base;
 * everything else writes before it has read all.
 */
export function mayOverwrite(program: Pick<Program, 'values'>, instr: ProgramInstr, k: number, value: number): boolean {
  const out = program.values[instr.outputs[k]]
  const spec = program.values[value]
  if (out.dtype !== spec.dtype || numelOf(out.sizes) !== numelOf(spec.sizes)) return false
  const { kind, attrs } = instr
  if (kind !== 'map' && kind !== 'assign' && kind !== 'scatter') return false
  if (kind === 'map' && attrs.outs[k].reduce !== undefined) return false
  return instr.inputs.every(
    (x, i) => !isUse(x) || x.value !== value || ((kind === 'map' || i === 0) && readsWhole(program, x)),
  )
}

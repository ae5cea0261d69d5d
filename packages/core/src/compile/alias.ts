// How instructions access memory: when an output may be written over an input, which is the one rule for in-place
// reuse, writes to parameters and backends' kernels; and which instructions may fail.
import type { Program, ProgramInstr, ProgramOperand, Use } from '../backend/program.ts'
import { isUse } from '../backend/program.ts'
import { operandOf } from '../backend/repetition.ts'
import { isContiguous } from '../base/layout.ts'
import { numelOf } from '../base/shape.ts'

/** Whether the use reads every element of its value once, in row-major order. */
export const readsWhole = ({ values }: Pick<Program, 'values'>, use: Use): boolean =>
  use.offset === 0 && isContiguous(use) && numelOf(use.sizes) === numelOf(values[use.value].sizes)

export const usesOf = ({ inputs }: { readonly inputs: readonly ProgramOperand[] }): Use[] => inputs.filter(isUse)

/**
 * Whether the instruction looks at elements and may fail, before it writes; nothing that outlives the run is written
 * before it.
 */
export const mayFail = (instr: ProgramInstr): boolean =>
  instr.kind === 'repeat'
    ? instr.attrs.body.instrs.some(mayFail)
    : instr.check !== undefined || instr.kind === 'gather' || instr.kind === 'scatter' || instr.kind === 'host'

/** Whether it may fail after it has written, in one of its iterations. */
export const failsLate = (instr: ProgramInstr): boolean => instr.kind === 'repeat' && mayFail(instr)

/** The position of the last instruction that may fail, or -1. */
export function lastFailing(instrs: readonly ProgramInstr[]): number {
  for (let i = instrs.length - 1; i >= 0; i--) if (mayFail(instrs[i])) return i
  return -1
}

/**
 * Whether output `k` of an instruction may be written over `value`, one of its inputs. A map reads an element for all
 * of its outputs before it writes to its place; an assignment and a scatter replace elements of their base; the kept
 * values of a repetition start as its inputs. All other kinds write before they have read everything.
 */
export function mayOverwrite(program: Pick<Program, 'values'>, instr: ProgramInstr, k: number, value: number): boolean {
  const out = program.values[instr.outputs[k]]
  const spec = program.values[value]
  if (out.dtype !== spec.dtype || numelOf(out.sizes) !== numelOf(spec.sizes)) return false
  const { kind, attrs } = instr
  if (kind === 'repeat') {
    if (k >= attrs.body.kept.length || failsLate(instr)) return false
    const first = operandOf(instr, k)
    return instr.inputs.every((x, i) => x.value !== value || (i === first && readsWhole(program, x)))
  }
  if (kind !== 'map' && kind !== 'assign' && kind !== 'scatter') return false
  if (kind === 'map' && attrs.outs[k].reduce !== undefined) return false
  return instr.inputs.every(
    (x, i) => !isUse(x) || x.value !== value || ((kind === 'map' || i === 0) && readsWhole(program, x)),
  )
}

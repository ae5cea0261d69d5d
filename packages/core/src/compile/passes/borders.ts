// Lets contractions read zeros around a tensor that are not in memory, where a backend can, instead of padding a copy.
import type { Backend, Prims } from '../../backend/backend.ts'
import { type KernelInstr, type Program, type ProgramInstr, standIn, type Use } from '../../backend/program.ts'
import { isSupported } from '../../backend/supported.ts'
import { isFloat } from '../../base/dtype.ts'
import { numelOf } from '../../base/shape.ts'
import { readsWhole, usesOf } from '../alias.ts'
import { isContraction } from './epilogue.ts'
import { leavingValues, readersOf, wholeUse } from './graph.ts'

/** The contraction with the padded factor read from what was padded; null if it reads the value in another place, too. */
function withBorder(
  reader: ProgramInstr,
  value: number,
  from: Use,
  { low, high }: Prims['pad'],
): KernelInstr<'contract'> | null {
  if (!isContraction(reader) || usesOf(reader).filter((use) => use.value === value).length !== 1) return null
  const [a, b, ...others] = reader.inputs as readonly Use[]
  if (b.value !== value) return null
  const { sizes, strides, offset } = b
  const attrs = { ...reader.attrs, bordered: { sizes, strides, offset, low, high } }
  return { ...reader, attrs, inputs: [a, from, ...others] }
}

export function borders(program: Program, backend: Backend): Program {
  if (backend.caps.borders !== true) return program
  const { values } = program
  const readers = readersOf(program)
  const leaves = leavingValues(program)
  const supported = (instr: KernelInstr): boolean =>
    isSupported(
      backend,
      standIn(program, instr, (value) => ({ backend, length: numelOf(values[value].sizes) })),
    )
  const replaced = new Map<ProgramInstr, ProgramInstr | null>()
  for (const pad of program.instrs) {
    if (pad.kind !== 'pad' || pad.attrs.value !== 0 || pad.check !== undefined) continue
    const [value] = pad.outputs
    const [x] = pad.inputs as readonly Use[]
    if (leaves.has(value) || !isFloat(x.dtype) || !readsWhole(program, x)) continue
    const from = wholeUse(x.value, x)
    const all = readers.get(value) ?? []
    const made = all.map((reader) => withBorder(reader, value, from, pad.attrs))
    if (all.some((reader) => replaced.has(reader)) || !made.every((instr) => instr !== null && supported(instr)))
      continue
    all.forEach((reader, i) => void replaced.set(reader, made[i]))
    replaced.set(pad, null)
  }
  if (replaced.size === 0) return program
  return {
    ...program,
    instrs: program.instrs.flatMap((instr) => (replaced.has(instr) ? (replaced.get(instr) ?? []) : [instr])),
  }
}

// Explains what fusion left apart: one sentence for each pair of instructions in which one reads the other's output.
import type { Backend } from '../../backend/backend.ts'
import type { Program, ProgramInstr } from '../../backend/program.ts'
import { usesOf } from '../alias.ts'
import { epilogueRefusal, isContraction } from './epilogue.ts'
import { isMap, isReduced, leavingValues, makersOf, readersOf } from './graph.ts'
import { inlineRefusal } from './inline.ts'
import { mergeRefusal } from './merge.ts'

export function unfused(program: Program, backend: Backend): readonly string[] {
  const makers = makersOf(program)
  const readers = readersOf(program)
  const leaves = leavingValues(program)
  const reason = (maker: ProgramInstr | undefined, value: number, reader: ProgramInstr<'map'>): string | null => {
    if (isContraction(maker))
      return epilogueRefusal(program, backend, leaves, maker, readers.get(value)?.length ?? 0, reader)
    if (!isMap(maker)) return null
    if (isReduced(maker, value)) return `v${value} is reduced`
    const again =
      inlineRefusal(program, backend, maker, value, reader) ?? 'reading it costs less than computing it again'
    return `${mergeRefusal(program, backend, maker, reader) ?? 'an instruction between them reads the one and is read by the other'}; ${again}`
  }
  return program.instrs.flatMap((reader) => {
    if (!isMap(reader)) return []
    return [...new Set(usesOf(reader).map((use) => use.value))].flatMap((value) => {
      const why = reason(makers.get(value), value, reader)
      return why === null ? [] : [`v${value} not into ${reader.outputs.map((out) => `v${out}`).join(', ')}: ${why}`]
    })
  })
}

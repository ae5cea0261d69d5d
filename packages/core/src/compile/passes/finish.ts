// Fuses a map that reads only one reduced value and numbers into the reduction, as its `post`. So a mean divides in the
// loops of its sum.
import type { Backend } from '../../backend/backend.ts'
import { sameShape } from '../../base/shape.ts'
import { isReading, isUse, type Program, type ProgramInstr } from '../../backend/program.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { readsWhole } from '../alias.ts'
import { fusedOrigin, isMap, isReduced, leavingValues, mostSteps, readersOf, stepsOf } from './graph.ts'
import { Expressions } from './rewrite.ts'

/** The value from which a map computes its only output, element by element. */
function finished(program: Program, { attrs, inputs, outputs, check }: ProgramInstr<'map'>): number | undefined {
  const use = inputs.find(isUse)
  if (use === undefined || outputs.length > 1 || check !== undefined) return undefined
  if (attrs.outs[0].reduce !== undefined) return undefined
  const { value } = use
  const squeezed = program.values[value].sizes.filter((size) => size !== 1)
  const alike = inputs.every((x) => {
    if (!isUse(x)) return !isReading(x)
    const shape = x.sizes.filter((size) => size !== 1)
    return x.value === value && readsWhole(program, x) && sameShape(shape, squeezed)
  })
  return alike && program.values[outputs[0]].dtype === program.values[value].dtype ? value : undefined
}

export function finish(program: Program, { caps }: Backend): Program {
  if (!caps.reducedPost) return program
  const expressions = new Expressions()
  const leaves = leavingValues(program)
  const readers = readersOf(program)
  const instrs: ProgramInstr[] = []
  /** The position in the list at which each value is made. */
  const places = new Map<number, number>()
  const joined = (instr: ProgramInstr): number | undefined => {
    if (!isMap(instr)) return undefined
    const value = finished(program, instr)
    if (value === undefined || leaves.has(value) || readers.get(value)?.length !== 1) return undefined
    const place = places.get(value) ?? -1
    const maker = instrs[place]
    if (!isMap(maker) || !isReduced(maker, value)) return undefined
    const { reduce } = maker.attrs.outs[maker.outputs.indexOf(value)]
    const post = reduce?.post
    if (post !== undefined && stepsOf(post) + stepsOf(instr.attrs.outs[0].expr) > mostSteps) return undefined
    instrs[place] = withPost(maker, value, instr, expressions)
    return place
  }
  for (const instr of program.instrs) {
    const place = joined(instr) ?? instrs.push(instr) - 1
    for (const value of instr.outputs) places.set(value, place)
  }
  return { ...program, instrs }
}

/** The map that reduces and applies the reader's expression. */
function withPost(
  maker: ProgramInstr<'map'>,
  value: number,
  reader: ProgramInstr<'map'>,
  expressions: Expressions,
): ProgramInstr<'map'> {
  const at = maker.outputs.indexOf(value)
  const outs = maker.attrs.outs.map((out, k) => {
    const { expr, reduce } = out
    if (k !== at || reduce === undefined) return out
    const before = reduce.post ?? s.input(0, expr.dtype)
    const read = (x: Expr): Expr => {
      const operand = reader.inputs[x.value]
      return isUse(operand) || isReading(operand) ? before : s.constant(operand.value, x.dtype)
    }
    const [post] = expressions.rewrite([reader.attrs.outs[0].expr], read)
    return { expr, reduce: { ...reduce, post } }
  })
  return {
    ...maker,
    attrs: { outs },
    outputs: maker.outputs.map((output, k) => (k === at ? reader.outputs[0] : output)),
    origin: fusedOrigin([maker, reader]),
  }
}

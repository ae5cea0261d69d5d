// Fuses a map into the product that only it reads, as the contraction's `post`.
import type { Backend } from '../../backend/backend.ts'
import { isUse, type Program, type ProgramInstr, type Use } from '../../backend/program.ts'
import { sameShape } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { readsWhole, usesOf } from '../alias.ts'
import { fusedOrigin, isMap, leavingValues, makersOf, mostSteps, readersOf, stepsOf, tooMany } from './graph.ts'
import { Expressions, Operands, operandKey } from './rewrite.ts'

export const isContraction = (instr: ProgramInstr | undefined): instr is ProgramInstr<'contract'> =>
  instr?.kind === 'contract'

/** Why a map cannot become the epilogue of the product `value`; null if it can. */
export function epilogueRefusal(
  program: Program,
  { caps }: Backend,
  leaves: ReadonlySet<number>,
  product: ProgramInstr<'contract'>,
  readers: number,
  reader: ProgramInstr,
): string | null {
  const [value] = product.outputs
  const { sizes, dtype } = program.values[value]
  if (readers > 1) return `v${value} has other readers`
  if (leaves.has(value)) return `v${value} leaves the step`
  if (!isMap(reader)) return 'only maps can be epilogues'
  if (reader.outputs.length > 1) return 'a product has one output'
  if (reader.attrs.outs[0].reduce !== undefined) return 'the epilogue of a product cannot reduce it'
  if (reader.check !== undefined) return 'the map has a check'
  const { post } = product.attrs
  if (post !== undefined && stepsOf(post) + stepsOf(reader.attrs.outs[0].expr) > mostSteps)
    return `together they have over ${mostSteps} steps`
  if (program.values[reader.outputs[0]].dtype !== dtype) return 'the product has another dtype'
  const whole = (use: Use): boolean => readsWhole(program, use) && sameShape(use.sizes, sizes)
  if (usesOf(reader).some((use) => use.value === value && !whole(use))) return `v${value} is read in another order`
  const read = new Set([...usesOf(product), ...usesOf(reader).filter((use) => use.value !== value)].map(operandKey))
  return read.size > caps.maxArgs ? tooMany(read.size, caps) : null
}

/** The contraction with the map applied to its product. */
function withEpilogue(
  product: ProgramInstr<'contract'>,
  reader: ProgramInstr<'map'>,
  expressions: Expressions,
): ProgramInstr<'contract'> {
  const [a, b, ...others] = product.inputs
  const [{ expr }] = reader.attrs.outs
  const operands = new Operands()
  /** Operands of the epilogue follow the product, which is its input 0. */
  const read: Operands['read'] = (x, like) => {
    const found = operands.read(x, like)
    return found.step === 'input' ? s.input(found.value + 1, like.dtype) : found
  }
  const before = product.attrs.post ?? s.input(0, expr.dtype)
  const [inner] = expressions.rewrite([before], (x) => (x.value === 0 ? x : read(others[x.value - 1], x)))
  const [post] = expressions.rewrite([expr], (x) => {
    const operand = reader.inputs[x.value]
    return isUse(operand) && operand.value === product.outputs[0] ? inner : read(operand, x)
  })
  return {
    ...product,
    attrs: { ...product.attrs, post },
    inputs: [a, b, ...operands.list],
    outputs: reader.outputs,
    origin: fusedOrigin([product, reader]),
  }
}

export function epilogues(program: Program, backend: Backend): Program {
  const expressions = new Expressions()
  const makers = makersOf(program)
  const readers = readersOf(program)
  const leaves = leavingValues(program)
  const instrs = new Set<ProgramInstr>()
  for (const instr of program.instrs) {
    let next = instr
    for (const { value } of isMap(instr) ? usesOf(instr) : []) {
      const product = makers.get(value)
      const alone = readers.get(value)?.length ?? 0
      if (!isContraction(product) || !isMap(instr)) continue
      if (epilogueRefusal(program, backend, leaves, product, alone, instr) !== null) continue
      const made = withEpilogue(product, instr, expressions)
      instrs.delete(product)
      next = made
      break
    }
    instrs.add(next)
    for (const value of next.outputs) makers.set(value, next)
  }
  return { ...program, instrs: [...instrs] }
}

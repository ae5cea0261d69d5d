// Queries of passes about a program: which instruction makes a value and which read it, what leaves the step, the shape
// that a map iterates over, and the cost of its expressions.
import type { Capabilities, Origin, Spec } from '../../backend/backend.ts'
import { isUse, type KernelInstr, type Program, type ProgramInstr, type Use } from '../../backend/program.ts'
import { contiguousLayout } from '../../base/layout.ts'
import type { Shape } from '../../base/shape.ts'
import { type Expr, stepDef, topological } from '../../expr/expr.ts'
import { copies } from '../../tensor/dispatch.ts'
import { usesOf } from '../alias.ts'

export const isMap = (instr: ProgramInstr | undefined): instr is ProgramInstr<'map'> => instr?.kind === 'map'

/** All of a value, row-major. */
export const wholeUse = (value: number, { sizes, dtype }: Spec): Use => ({ value, dtype, ...contiguousLayout(sizes) })

/** The instruction that copies elements into a value of their own. */
export const copyOf = (x: Use, output: number): KernelInstr<'map'> => ({
  kind: 'map',
  attrs: copies[x.dtype],
  inputs: [x],
  outputs: [output],
  origin: { name: 'copy' },
})

/** The values that leave the step; each has its own memory, so it needs its own instruction. */
export const leavingValues = (program: Program): Set<number> =>
  new Set([...program.kept.map(({ last }) => last), ...program.results.map(({ value }) => value)])

/** The shape that a map iterates over: that of any view, or without views the output's. */
export const iteratedShape = ({ values }: Program, { inputs, outputs }: ProgramInstr<'map'>): Shape =>
  inputs.find(isUse)?.sizes ?? values[outputs[0]].sizes

export const isReduced = (instr: ProgramInstr<'map'>, value: number): boolean =>
  instr.attrs.outs[instr.outputs.indexOf(value)].reduce !== undefined

export const isReducing = ({ attrs }: ProgramInstr<'map'>): boolean =>
  attrs.outs.some(({ reduce }) => reduce !== undefined)

/** The instruction that makes each value. */
export function makersOf({ instrs }: Program): Map<number, ProgramInstr> {
  const makers = new Map<number, ProgramInstr>()
  for (const instr of instrs) for (const value of instr.outputs) makers.set(value, instr)
  return makers
}

/** The instructions that read each value. */
export function readersOf({ instrs }: Program): Map<number, ProgramInstr[]> {
  const readers = new Map<number, ProgramInstr[]>()
  for (const instr of instrs) {
    for (const value of new Set(usesOf(instr).map((use) => use.value))) {
      const known = readers.get(value)
      if (known === undefined) readers.set(value, [instr])
      else known.push(instr)
    }
  }
  return readers
}

const known = new WeakMap<Expr, number>()

/** The cost of computing an expression again, in additions; infinite if it has an expensive step. */
export function costOf(root: Expr): number {
  let cost = known.get(root)
  if (cost === undefined) {
    cost = topological([root]).reduce(
      (sum, { step }) => sum + (step === 'input' || step === 'const' ? 0 : stepDef(step).cost),
      0,
    )
    known.set(root, cost)
  }
  return cost
}

const sizes = new WeakMap<Expr, number>()

/** The number of different steps of an expression. */
export function stepsOf(root: Expr): number {
  let size = sizes.get(root)
  if (size === undefined) {
    size = topological([root]).length
    sizes.set(root, size)
  }
  return size
}

/**
 * The limit for fused expressions: every pass rewrites them whenever they grow, and a kernel of many steps is no faster
 * than two.
 */
export const mostSteps = 256

/** The highest cost at which a value is recomputed rather than stored and read. */
export const cheap = 2

export const tooMany = (operands: number, { maxArgs }: Capabilities): string =>
  `${operands - maxArgs} buffers more than kernels of the backend read`

/** The origin of a fused kernel, with the names of all its ops. */
export const fusedOrigin = (instrs: readonly ProgramInstr[]): Origin => ({
  name: [...new Set(instrs.flatMap(({ origin }) => origin.name.split('+')))].join('+'),
})

// Contractions in a compiled program: the source of text/matmul.ts over the memory of the program. The epilogue runs
// where an element is finished, or in a loop afterwards if it calls functions or reads operands that are not addressed
// by steps along rows and columns.
import {
  contiguousLayout,
  type Contraction,
  contractionOf,
  emitJs,
  type Expr,
  isUse,
  type Program,
  type ProgramInstr,
  type ProgramOperand,
  topological,
  type Use,
} from '@flambeau/core/backend'
import { alongOf, isWalked, productOf, type Steps } from '../text/along.ts'
import { emitMatmul, type MatmulSource } from '../text/matmul.ts'
import type { MatrixSource } from '../text/scope.ts'
import { isCall } from '../text/blocks.ts'
import { inputDTypes } from './map.ts'
import type { FunctionSource, Outline, ProgramSource } from './source.ts'

const contracted = ({ values }: Program, { attrs, inputs, outputs }: ProgramInstr<'contract'>): Contraction =>
  contractionOf({ attrs, inputs, outputs: [values[outputs[0]]] })

/** Whether nested loops address a factor, as the windows of a convolution are addressed. */
export function isConvolution(program: Program, instr: ProgramInstr<'contract'>): boolean {
  const { a, b } = productOf(contracted(program, instr))
  return isWalked(a) || isWalked(b)
}

/** How the views that the epilogue reads go along rows and columns. */
const readSteps = ({ rows, columns }: Contraction): Steps[] =>
  rows.steps.slice(2).map((_, i) => ({ rowStep: alongOf(rows, i + 2), columnStep: alongOf(columns, i + 2) }))

/**
 * Separates a contraction and its epilogue into two instructions if the epilogue calls functions, which V8 would inline
 * at each element of a tile and so slow the tile down, or if its operands need more than steps.
 */
export function apart(program: Program, instr: ProgramInstr<'contract'>): readonly ProgramInstr[] {
  if (instr.attrs.post === undefined) return [instr]
  const { post, ...counts } = instr.attrs
  if (!topological([post]).some(isCall) && !readSteps(contracted(program, instr)).some(isWalked)) return [instr]
  const [value] = instr.outputs
  const { sizes, dtype } = program.values[value]
  const inputs = [{ value, dtype, ...contiguousLayout(sizes) }, ...instr.inputs.slice(2)]
  return [
    { ...instr, attrs: counts, inputs: instr.inputs.slice(0, 2) },
    { ...instr, kind: 'map', attrs: { outs: [{ expr: post }] }, inputs },
  ]
}

/** Writes a contraction as functions. */
export function contractStep(source: ProgramSource, instr: ProgramInstr<'contract'>, outline?: Outline): void {
  const write = (fn: FunctionSource): readonly string[] => {
    const { declarations, call } = emitMatmul(sourceOf(source, fn, instr), (prefix) => source.fresh(prefix))
    source.declare(declarations)
    return [call]
  }
  source.step(instr.origin.name, write, outline)
}

function sourceOf(source: ProgramSource, fn: FunctionSource, instr: ProgramInstr<'contract'>): MatmulSource {
  const { attrs, inputs, outputs } = instr
  const [a, b, ...others] = inputs
  const contraction = contracted(source.program, instr)
  const { batch } = contraction
  const { m, k, n, ...steps } = productOf(contraction)
  const placed = (x: Pick<Use, 'value' | 'offset'>, operand: number): Omit<MatrixSource, keyof Steps> => ({
    ...fn.open(x.value),
    start: fn.strided(x, []).start,
    batch: batch.steps[operand],
  })
  const read = readSteps(contraction) as Pick<MatrixSource, keyof Steps>[]
  const operand = (x: Use, view: number): MatrixSource => ({ ...placed(x, view + 3), ...read[view] })
  return {
    m,
    k,
    n,
    a: { ...placed(a as Use, 0), ...steps.a },
    b: { ...placed(b as Use, 1), ...steps.b },
    out: { ...placed({ value: outputs[0], offset: 0 }, 2), rowStep: n, columnStep: 1 },
    batch: batch.sizes,
    ...(attrs.post !== undefined && epilogueOf(source, fn, attrs.post, others, operand)),
  }
}

/** The epilogue reads the product as input 0, then the elements of the other operands at the same position. */
function epilogueOf(
  source: ProgramSource,
  fn: FunctionSource,
  post: Expr,
  others: readonly ProgramOperand[],
  operandOf: (x: Use, view: number) => MatrixSource,
): Pick<MatmulSource, 'post' | 'operands' | 'parameters'> {
  const dtypes = inputDTypes([post])
  const operands: MatrixSource[] = []
  const parameters = new Set<string>()
  let views = 0
  const reads = others.map((x, i): ((operand: (i: number) => string) => string) => {
    const dtype = dtypes.get(i + 1)
    const view = isUse(x) ? views++ : 0
    if (dtype === undefined) return () => ''
    if (isUse(x)) {
      const at = operands.push(operandOf(x, view)) - 1
      return (operand) => operand(at)
    }
    const name = fn.number(x, dtype)
    if (/^[a-z]/.test(name)) parameters.add(name)
    return () => name
  })
  return {
    operands,
    parameters: [...parameters],
    post: (product, operand) => {
      const { lines, results } = emitJs([post], (i) => (i === 0 ? product : reads[i - 1](operand)), source.fresh('t'))
      return { lines, result: results[0] }
    },
  }
}

// Matrix products in a compiled program: the source of text/matmul.ts over the program's memory, with the epilogue where
// an element is finished, or in a loop after it where it calls functions.
import {
  contiguousLayout,
  emitJs,
  type Expr,
  isUse,
  type Matrices,
  matricesOf,
  type Program,
  type ProgramInstr,
  type ProgramOperand,
  type Shape,
  topological,
  type Use,
} from '@flambeau/core/backend'
import type { Likeness } from './likeness.ts'
import { inputDTypes } from './map.ts'
import { emitMatmul, type MatmulSource, type MatrixSource } from '../text/matmul.ts'
import { isCall } from '../text/blocks.ts'
import type { FunctionSource, ProgramSource } from './source.ts'

/**
 * A product and its epilogue as two instructions where the epilogue calls functions, else as the one that it is: V8 writes
 * their code out at every element of a tile, and the tile becomes slower.
 */
export function apart({ values }: Program, instr: ProgramInstr): readonly ProgramInstr[] {
  const { post, ...counts } = instr.attrs as ProgramInstr<'contract'>['attrs']
  if (instr.kind !== 'contract' || post === undefined || !topological([post]).some(isCall)) return [instr]
  const [value] = instr.outputs
  const { sizes, dtype } = values[value]
  const inputs = [{ value, dtype, ...contiguousLayout(sizes) }, ...instr.inputs.slice(2)]
  return [
    { ...instr, attrs: counts, inputs: instr.inputs.slice(0, 2) },
    { ...instr, kind: 'map', attrs: { outs: [{ expr: post }] }, inputs },
  ]
}

/** The functions of a matrix product. */
export function matmulStep(source: ProgramSource, instr: ProgramInstr<'contract'>, like?: Likeness): void {
  const write = (fn: FunctionSource): readonly string[] => {
    const { declarations, call } = emitMatmul(productOf(source, fn, instr), (prefix) => source.fresh(prefix))
    source.declare(declarations)
    return [call]
  }
  source.step(instr.origin.name, write, like)
}

const shapedUse = (x: ProgramOperand, sizes: Shape, strides: readonly number[]): ProgramOperand => ({
  ...(x as Use),
  sizes,
  strides,
})

function productOf(source: ProgramSource, fn: FunctionSource, instr: ProgramInstr<'contract'>): MatmulSource {
  const [value] = instr.outputs
  const { inputs, sizes } = matricesOf(
    { ...instr, outputs: [source.program.values[value]] },
    shapedUse,
  ) as Matrices<ProgramOperand>
  const [a, b, ...others] = inputs as readonly Use[]
  const rank = sizes.length
  const { post } = instr.attrs
  return {
    m: sizes[rank - 2],
    k: a.sizes[rank - 1],
    n: sizes[rank - 1],
    a: matrixOf(fn, a),
    b: matrixOf(fn, b),
    out: matrixOf(fn, { value, ...contiguousLayout(sizes) }),
    batch: sizes.slice(0, -2),
    ...(post === undefined ? {} : epilogueOf(source, fn, post, others)),
  }
}

function matrixOf(fn: FunctionSource, x: Pick<Use, 'value' | 'offset' | 'strides'>): MatrixSource {
  const [rowStep, columnStep] = x.strides.slice(-2)
  return { ...fn.open(x.value), start: fn.strided(x, []).start, rowStep, columnStep, batch: x.strides.slice(0, -2) }
}

/** The epilogue reads the product as input 0, then elements of the other operands at its position. */
function epilogueOf(
  source: ProgramSource,
  fn: FunctionSource,
  post: Expr,
  others: readonly ProgramInstr['inputs'][number][],
): Pick<MatmulSource, 'post' | 'operands' | 'parameters'> {
  const dtypes = inputDTypes([post])
  const operands: MatrixSource[] = []
  const parameters = new Set<string>()
  const reads = others.map((x, i): ((operand: (i: number) => string) => string) => {
    const dtype = dtypes.get(i + 1)
    if (dtype === undefined) return () => ''
    if (isUse(x)) {
      const at = operands.push(matrixOf(fn, x)) - 1
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

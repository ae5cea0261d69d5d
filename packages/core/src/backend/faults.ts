// Faults of one instruction that claims do not cover: its dtypes, and results that share memory with operands.
import { type DType, isFloat } from '../base/dtype.ts'
import { isContiguous } from '../base/layout.ts'
import { numelOf } from '../base/shape.ts'
import { type Expr, inputsOf, topological } from '../expr/expr.ts'
import { type Instr, isScalar, type Operand, type Output, type View } from './backend.ts'
import { type CompositeKind, composites, isComposite } from './composites.ts'
import type { ProgramInstr } from './program.ts'

/** The fault in what an expression reads. */
function wrongInputs(roots: readonly Expr[], inputs: readonly Operand[]): string | undefined {
  for (const { step, value, dtype } of topological(roots)) {
    if (step !== 'input') continue
    const x = inputs[value]
    if (x === undefined) return `its expression reads operand ${value} of ${inputs.length}`
    if (!isScalar(x) && x.dtype !== dtype)
      return `its expression reads operand ${value} as ${dtype}, which is ${x.dtype}`
  }
  return undefined
}

/** For each kind, the fault in its dtypes. Shapes and bounds are claims, which every backend checks. */
export function wrongTypes(instr: Instr): string | undefined {
  const { kind, attrs, inputs, outputs, check } = instr
  if (check !== undefined) {
    const wrong = wrongInputs([check.expr], inputs)
    if (wrong !== undefined) return `of its check: ${wrong}`
  }
  const made = outputs.map(({ dtype }) => dtype)
  const is = (...dtypes: DType[]): string | undefined =>
    `${made}` === `${dtypes}` ? undefined : `its results are ${made} and should be ${dtypes}`
  const dtypeOf = (i: number): DType => inputs[i].dtype
  const alike = (...from: number[]): string | undefined =>
    from.every((i) => dtypeOf(i) === dtypeOf(from[0])) ? undefined : 'its operands have different dtypes'
  const index = (i: number): string | undefined => (dtypeOf(i) === 'int32' ? undefined : `its index is ${dtypeOf(i)}`)
  switch (kind) {
    case 'map': {
      const { outs } = attrs
      const wrong = wrongInputs(
        outs.map(({ expr }) => expr),
        inputs,
      )
      const post = outs.find(({ expr, reduce }) => reduce?.post !== undefined && reduce.post.dtype !== expr.dtype)
      return wrong ?? (post && 'its post expression has another dtype') ?? is(...outs.map(({ expr }) => expr.dtype))
    }
    case 'argReduce':
      return is('int32')
    case 'contract': {
      const { post } = attrs
      if (dtypeOf(0) === 'bool') return 'it multiplies bools'
      // The product replaces the factors.
      const wrong = post && wrongInputs([post], inputs.slice(1))
      return alike(0, 1) ?? wrong ?? is(post?.dtype ?? dtypeOf(0))
    }
    case 'concat':
      return alike(...inputs.keys()) ?? is(dtypeOf(0))
    case 'gather':
      return index(1) ?? is(dtypeOf(0))
    case 'scatter':
      return index(1) ?? alike(0, 2) ?? is(dtypeOf(0))
    case 'assign':
      return is(dtypeOf(0))
    case 'sort':
      return is(dtypeOf(0), 'int32')
    case 'scan':
    case 'pad':
    case 'fold':
      return is(dtypeOf(0))
    case 'iota':
    case 'host':
      return undefined
    default:
      return isComposite(instr) ? wrongTypesOfComposite(instr) : `there is no kind ${kind}`
  }
}

function wrongTypesOfComposite({ kind, inputs, outputs }: Instr<CompositeKind>): string | undefined {
  const [{ dtype }] = inputs
  if (!isFloat(dtype)) return `its dtype is ${dtype}, not a float`
  const { inputs: operands, outputs: results } = composites[kind]
  const wrong = [
    ...operands.map(([name, extent], i) => [name, inputs[i].dtype, extent === 'index' ? 'int32' : dtype]),
    ...results.map(([name], k) => [name, outputs[k].dtype, dtype]),
  ].find(([, found, expected]) => found !== expected)
  return wrong && `its ${wrong[0]} is ${wrong[1]} and should be ${wrong[2]}`
}

/** Which operands are read. An expression may leave an operand that it overwrites unread. */
export function readBy({ kind, attrs, check }: Instr | ProgramInstr): (i: number) => boolean {
  if (kind !== 'map') return () => true
  const exprs = attrs.outs.map(({ expr }) => expr)
  const positions = inputsOf(check === undefined ? exprs : [...exprs, check.expr])
  return (i) => positions.includes(i)
}

/** Whether a view is a whole output in row-major order. */
const isAllOf = (x: View, out: Output): boolean =>
  x.offset === 0 && isContiguous(x) && numelOf(x.sizes) === numelOf(out.sizes)

/** The fault in results that share memory with operands. */
export function wrongAliases({ kind, attrs, inputs, outputs, donate = [] }: Instr): string | undefined {
  for (const [k, out] of outputs.entries()) {
    if (outputs.findIndex(({ buffer }) => buffer === out.buffer) !== k) return 'two of its results are one tensor'
    if (out.buffer.length === 0) continue
    for (const [i, x] of inputs.entries()) {
      if (isScalar(x) || x.buffer !== out.buffer) continue
      const owned = donate.some((j) => (inputs[j] as Partial<View>).buffer === out.buffer)
      if (!owned) return `result ${k} overwrites operand ${i}, which was not donated`
      const elementwise = kind === 'map' && attrs.outs[k].reduce === undefined
      const base = (kind === 'assign' || kind === 'scatter') && i === 0
      if (!isAllOf(x, out) || !(elementwise || base)) return `result ${k} overwrites operand ${i} while it is read`
    }
  }
  return undefined
}

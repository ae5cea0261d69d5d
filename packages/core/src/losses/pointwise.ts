// Elementwise losses: an expression, and its gradient for each input. The forward pass is one kernel that maps and sums
// (and a division for the mean); the gradient of an input is one kernel.
import type { Check } from '../backend/backend.ts'
import type { DType } from '../base/dtype.ts'
import { sameShape, type Shape } from '../base/shape.ts'
import { type Expr, s } from '../expr/expr.ts'
import { type Elementwise, elementwise } from '../ops/define/elementwise.ts'
import { reshapeOp } from '../ops/define/views.ts'
import { div } from '../ops/pointwise/arithmetic.ts'
import { apply, operand } from '../tensor/apply.ts'
import type { Input, OpDef, Saves } from '../tensor/op.ts'
import { Tensor } from '../tensor/tensor.ts'
import type { Reduction } from './reduction.ts'

type Build = (...x: Expr[]) => Expr
/** The gradient of an input: `dy` is the loss's gradient, `n` the number of elements for a mean, otherwise 1. */
type Gradient = (dy: Expr, n: Expr, ...x: Expr[]) => Expr

export interface Pointwise {
  /** The names of the nodes: PyTorch's, which for some losses depend on the reduction. */
  readonly name: string | Readonly<Record<Reduction, string>>
  /** The number of operands. */
  readonly inputs: number
  readonly loss: Build
  /** For the first operands; the others have no gradients. */
  readonly gradients: readonly Gradient[]
  readonly check?: (x: readonly Expr[], common: DType) => Check | undefined
}

export interface Reduce {
  readonly reduction: Reduction
  /** A factor for each element's loss. */
  readonly weight?: Tensor | null
  /** The divisor of a mean; by default the number of elements. */
  readonly n?: Input
  /** Dimensions that 'none' sums, too: the shape with them as 1, and without them. */
  readonly within?: { readonly kept: Shape; readonly shape: Shape } | null
}

/** The loss of operands that broadcast to the shape of the first. */
type PointwiseLoss = (operands: readonly Input[], reduce: Reduce) => Tensor

/** Makes a loss from its definition: one op for each reduction, with and without weights, created on first use. */
export function pointwise(definition: Pointwise): PointwiseLoss {
  let plain: PointwiseLoss | undefined
  let weighted: PointwiseLoss | undefined
  return (operands, reduce) => {
    const { weight = null } = reduce
    if (weight === null) {
      plain ??= byReduction(definition)
      return plain(operands, reduce)
    }
    weighted ??= byReduction(withWeight(definition))
    return weighted([...operands, weight], reduce)
  }
}

/** Adds a last operand that multiplies each element's loss. */
function withWeight({ inputs, loss, gradients, ...rest }: Pointwise): Pointwise {
  const times = (y: Expr, x: readonly Expr[]): Expr => s.mul(y, x[inputs])
  return {
    ...rest,
    inputs: inputs + 1,
    loss: (...x) => times(loss(...x), x),
    gradients: gradients.map(
      (gradient): Gradient =>
        (dy, n, ...x) =>
          times(gradient(dy, n, ...x), x),
    ),
  }
}

function byReduction({ name, inputs: arity, loss, gradients, check }: Pointwise): PointwiseLoss {
  const nameOf = (reduction: Reduction): string => (typeof name === 'string' ? name : name[reduction])
  const each = elementwise(nameOf('none'), loss, { check, arity })
  const rules = gradients.map((gradient) => elementwise(`${nameOf('none')}Backward`, gradient, { arity: arity + 2 }))
  const op = (reduction: Reduction): OpDef<Reduce['within']> => reduced(nameOf(reduction), each, rules, reduction)
  const ops = { mean: op('mean'), sum: op('sum'), none: op('none') }
  return (operands, { reduction, n, within = null }) => {
    const count = reduction === 'mean' ? (n ?? operand((operands[0] as Tensor).elements)) : operand(1)
    return apply(ops[reduction], [...operands, count], within)
  }
}

const to = (x: Tensor, shape: Shape): Tensor => (sameShape(x.sizes, shape) ? x : apply(reshapeOp, [x], shape))

/** The last input is the divisor of the sum. */
function reduced(
  name: string,
  each: Elementwise,
  rules: readonly Elementwise[],
  reduction: Reduction,
): OpDef<Reduce['within']> {
  const { arity } = each
  const saves: Saves = { inputs: Array.from({ length: arity + 1 }, (_, i) => i) }
  return {
    name,
    infer(inputs, within) {
      const [spec] = each.infer(inputs.slice(0, arity), null)
      const shape = reduction === 'none' ? (within?.shape ?? spec.sizes) : []
      return [{ sizes: shape, dtype: spec.dtype }]
    },
    saves: () => saves,
    vjp(ctx) {
      const { attrs: within, dy } = ctx
      const inputs: Input[] = [reduction === 'none' && within ? to(dy, within.kept) : dy, ctx.operand(arity)]
      for (let i = 0; i < arity; i++) inputs.push(ctx.operand(i))
      return rules.map((rule, i) => (ctx.needs(i) ? apply(rule, inputs, ctx.inputSpec(i)) : null))
    },
    to: {
      kind: 'compose',
      compose(inputs, within) {
        const operands = inputs.slice(0, arity)
        const [{ dtype }] = each.infer(operands, null)
        if (reduction === 'none') {
          if (!within) return [apply(each, operands, null)]
          return [to(apply(each, operands, { sizes: within.kept, dtype }), within.shape)]
        }
        const sum = apply(each, operands, { sizes: [], dtype })
        if (reduction === 'sum') return [sum]
        const n = inputs[arity]
        return [div(sum, n instanceof Tensor ? n : (n.value as number))]
      },
    },
  }
}

// How an elementwise op is defined: by a name and a scalar expression. Dtypes, broadcasting, the kernel for each mix of
// dtypes (kernels.ts), the gradient, derived from the expression or given as one, and the gradient of the gradient
// (rules.ts) follow from it.
import type { Check } from '../../backend/backend.ts'
import type { DType } from '../../base/dtype.ts'
import { expandStrides } from '../../base/layout.ts'
import { floatType } from '../../base/promotion.ts'
import { broadcastShapes, sameShape, type Shape } from '../../base/shape.ts'
import type { Expr } from '../../expr/expr.ts'
import { apply, setContiguousCopy } from '../../tensor/apply.ts'
import type { Input, OpDef } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { commonType } from './common.ts'
import { type Common, mapChecks, mapKernels } from './kernels.ts'
import { type Build, type Elementwise, type GradExprs, GradientRules, type Tools } from './rules.ts'

export type { Elementwise, GradExprs } from './rules.ts'

export interface ElementwiseOptions {
  /** The dtype of the result: that of the operands (the default), float32 for integers, or bool. */
  readonly out?: 'common' | 'float' | 'bool'
  /** The gradients of the inputs; derived from the expression if not given. */
  readonly grad?: (g: GradExprs) => readonly Expr[]
  /** Throws for dtypes that the op does not accept. */
  readonly accepts?: (common: DType, inputs: readonly Input[]) => void
  /** The elements that make the call an error; undefined if the dtype has none. */
  readonly check?: (x: readonly Expr[], common: DType) => Check | undefined
  /** The name of the gradient's own op, if PyTorch's is not a product. */
  readonly gradName?: string
  /** The number of operands, if the expression takes them as a list. */
  readonly arity?: number
}

/** An op from its scalar expression. The operands broadcast and are converted to their common dtype. */
export function elementwise(name: string, build: Build, options: ElementwiseOptions = {}): Elementwise {
  const { out = 'common', accepts, check, grad, gradName = 'mul', arity = build.length } = options
  const common: Common = (inputs, target) =>
    out === 'float' ? floatType(commonType(inputs)) : commonType(inputs, target)
  // A bool result has no gradient.
  const rules = out === 'bool' ? null : new GradientRules(gradName, arity, build, grad, tools)
  return {
    name,
    arity,
    infer(inputs, attrs) {
      const dtype = common(inputs, attrs)
      accepts?.(dtype, inputs)
      if (attrs !== null && inputs.length === 0) return [attrs]
      let { sizes } = inputs[0]
      for (let i = 1; i < inputs.length; i++) sizes = broadcastShapes(sizes, inputs[i].sizes)
      // Written out, because in Node 20 a spread with an added property makes a new hidden class at every call.
      if (attrs !== null)
        return sameShape(sizes, attrs.sizes) ? [attrs] : [{ sizes: attrs.sizes, dtype: attrs.dtype, iterated: sizes }]
      return [{ sizes, dtype: out === 'bool' ? 'bool' : dtype }]
    },
    ...(rules === null ? {} : { vjp: (ctx) => rules.gradients(ctx), saves: (needs) => rules.saves(needs) }),
    to: {
      kind: 'kernel',
      prim: 'map',
      lower: mapKernels(build, common),
      ...(check === undefined ? {} : { check: mapChecks(check, common) }),
    },
  }
}

const tools: Tools = { elementwise, expandTo }

// ---- broadcasting ----

const identity = elementwise('clone', (x) => x)
const sumOp: Elementwise = { ...identity, name: 'SumBackward1' }
/** Undoes broadcasting: sums to a shape that broadcasts to the tensor's. */
export const sumTo = (x: Tensor, shape: Shape): Tensor =>
  sameShape(x.sizes, shape) ? x : apply(sumOp, [x], { sizes: shape, dtype: x.dtype })

/** Repeats sizes of 1 without a copy, to a shape that the tensor broadcasts to. */
export const expandOp: OpDef<Shape> = {
  name: 'expand',
  infer: ([x], shape) => [{ sizes: shape, dtype: x.dtype }],
  vjp: (ctx) => [sumTo(ctx.dy, ctx.inputSpec(0).sizes)],
  to: {
    kind: 'view',
    view: (layout, shape) => ({ sizes: shape, strides: expandStrides(layout, shape), offset: layout.offset }),
  },
}
/** Expands to a shape; the tensor itself if it has the shape already. */
export function expandTo(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.sizes, shape) ? x : apply(expandOp, [x], shape)
}

/** A copy in row-major order. */
export const cloneOp: OpDef<null> = identity as OpDef<null>
setContiguousCopy(cloneOp)

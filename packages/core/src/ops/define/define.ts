// How ops are made. An elementwise op is a name and a scalar expression: dtypes, broadcasting, the kernel for every mix
// of dtypes, its gradient (derived from the expression, or given as one) and that gradient's gradient follow from it.
import type { Check, Prims, Spec } from '../../backend/backend.ts'
import { repeated } from '../../base/arrays.ts'
import { type DType, categoryOf, rankOf } from '../../base/dtype.ts'
import { contiguousLayout, expandStrides, isContiguous, type Layout, viewStrides } from '../../base/layout.ts'
import { floatType, resultType } from '../../base/promotion.ts'
import { broadcastShapes, numelOf, sameShape, type Shape, scalarShape } from '../../base/shape.ts'
import { derive } from '../../expr/derive.ts'
import { type Expr, inputsOf, replace, s, substitute } from '../../expr/expr.ts'
import { apply, setContiguousCopy } from '../../tensor/apply.ts'
import type { Gradients, Input, Lowering, OpDef, Saves, Vjp } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { type JointRule, jointly, several } from './joint.ts'
import { inputExprs, keyOf, reduced } from './kernels.ts'

type Build = (...x: Expr[]) => Expr

/** What a given gradient rule gets: the incoming gradient, the inputs, the result, as expressions. */
export interface GradExprs {
  readonly dy: Expr
  readonly x: readonly Expr[]
  readonly y: Expr
}

export interface ElementwiseOptions {
  /** The dtype of the result: that of the operands (default), float32 for integers, or bool. */
  readonly out?: 'common' | 'float' | 'bool'
  /** The gradients of the inputs; derived from the expression where not given. */
  readonly grad?: (g: GradExprs) => readonly Expr[]
  /** Throws for dtypes that the op does not take. */
  readonly accepts?: (common: DType, inputs: readonly Input[]) => void
  /** Elements that make the call an error; undefined where the dtype has none. */
  readonly check?: (x: readonly Expr[], common: DType) => Check | undefined
  /** Name of the gradient's own op, where PyTorch's is not a product. */
  readonly gradName?: string
  /** How many operands there are, where the expression takes them as a list. */
  readonly arity?: number
}

interface GradRule {
  readonly op: Elementwise
  /** Positions among (dy, inputs, y) that the rule reads. */
  readonly uses: readonly number[]
  /** The gradient is the incoming one. */
  readonly identity: boolean
}

/** With attributes, the result is summed to that shape and cast to that dtype: how broadcasting is undone. */
export interface Elementwise extends OpDef<Spec | null> {
  readonly arity: number
}

/** The dtype in which the operands meet. */
function commonType(inputs: readonly Input[], target: Spec | null = null): DType {
  const a = inputs[0]
  // A number alone, filled into a given dtype, is rounded to that dtype and no other.
  if (inputs.length === 1) return a.wrapped === true && target !== null ? target.dtype : a.dtype
  if (inputs.length === 0) return 'float32'
  // What resultType gives, sooner: tensors of one dtype, a tensor and a number.
  if (uniformRank(inputs) >= 0) return a.dtype
  const b = inputs[1]
  const besideNumber = inputs.length === 2 && a.wrapped !== true && b.wrapped === true
  return besideNumber && categoryOf(b.dtype) <= categoryOf(a.dtype) ? a.dtype : resultType(inputs)
}

/** The result of a map that is summed, and the shape that was summed. */
interface Summed extends Spec {
  readonly iterated?: Shape
}
const iterated = (spec: Summed): Shape => spec.iterated ?? spec.sizes

/** The axes of `full` that must be summed to arrive at `target`, as positions in `full`. */
function summedAxes(full: Shape, target: Shape): number[] {
  const lead = full.length - target.length
  const axes: number[] = []
  for (let i = 0; i < full.length; i++) {
    if (i < lead || (target[i - lead] === 1 && full[i] !== 1)) axes.push(i)
  }
  return axes
}

/** An op from its scalar expression over its operands, which broadcast and meet in one dtype. */
export function elementwise(name: string, build: Build, options: ElementwiseOptions = {}): Elementwise {
  const { out = 'common', accepts, check, grad, arity = build.length } = options
  const kernels = new Map<number, Prims['map']>()
  /** The kernel for operands that are all tensors of one dtype, by its rank: the common case. */
  const uniform: Prims['map'][] = []
  const common = (inputs: readonly Input[], target: Spec | null): DType =>
    out === 'float' ? floatType(commonType(inputs)) : commonType(inputs, target)
  const rules: (GradRule | undefined)[] = []

  /** The gradient of an input as an expression over dy, the inputs, and the result. */
  const gradient = (position: number, [dy, ...rest]: readonly Expr[]): Expr => {
    const x = rest.slice(0, arity)
    const y = rest[arity]
    if (grad !== undefined) return grad({ dy, x, y })[position]
    // The expression is built over stand-ins for the inputs, so that the result can be put in where it appears.
    const root = build(...x)
    const found =
      derive(
        root,
        dy,
        x.map((e) => e.value),
      )[position] ?? s.constant(0, dy.dtype)
    return root.args.length === 0 ? found : replace(found, root, y)
  }
  const standIns = (dtype: DType): Expr[] => Array.from({ length: arity + 2 }, (_, i) => s.input(i, dtype))
  /** The same over those of its operands that it reads. */
  const over = (position: number, uses: readonly number[], used: readonly Expr[], dtype: DType): Expr =>
    substitute(gradient(position, standIns(dtype)), (x) => used[uses.indexOf(x.value)])
  const gradName = options.gradName ?? 'mul'

  const makeRule = (position: number): GradRule => {
    const trial = gradient(position, standIns('float32'))
    const uses = inputsOf([trial])
    const op = elementwise(gradName, (...used) => over(position, uses, used, used[0]?.dtype ?? 'float32'), {
      arity: uses.length,
    })
    return { op, uses, identity: trial.step === 'input' && trial.value === 0 }
  }
  /** The op that computes the gradient of an input; built at its first use. */
  const ruleFor = (position: number): GradRule => {
    rules[position] ??= makeRule(position)
    return rules[position] as GradRule
  }

  const makeJoint = (needs: number): JointRule | null => {
    const positions: number[] = []
    const used = new Set([0])
    for (let i = 0; i < arity; i++) {
      if ((needs & (1 << i)) === 0) continue
      const { uses, identity } = ruleFor(i)
      if (identity || uses.length === 0) continue
      positions.push(i)
      for (const use of uses) used.add(use)
    }
    if (positions.length < 2) return null
    const uses = [...used]
    const op = several(gradName, positions.length, (operands, dtype) =>
      positions.map((position) => over(position, uses, operands, dtype)),
    )
    return { positions, uses, op }
  }
  /** By the bits of the inputs that need a gradient; null where there are not two that are computed. */
  const joints: (JointRule | null | undefined)[] = []
  const jointFor = (needs: number): JointRule | null => {
    if (joints[needs] === undefined) joints[needs] = makeJoint(needs)
    return joints[needs] as JointRule | null
  }

  const inputGradient = (ctx: Vjp<Spec | null>, position: number): Tensor => {
    const { op, uses, identity } = ruleFor(position)
    const target = ctx.inputSpec(position)
    let { dy } = ctx
    if (identity && ctx.attrs === null && dy.dtype === target.dtype && sameShape(dy.sizes, target.sizes)) return dy
    const whole = ctx.attrs === null ? dy.sizes : iterated(ctx.specs[0])
    if (uses.length === 0) return apply(op, [], target, dy.storage.device)
    const inputs = new Array<Input>(uses.length)
    let full: Shape = scalarShape
    for (let k = 0; k < uses.length; k++) {
      const x = uses[k] === 0 ? dy : uses[k] <= arity ? ctx.operand(uses[k] - 1) : ctx.output()
      inputs[k] = x
      full = broadcastShapes(full, x.sizes)
    }
    // A sum over more than the rule reads: its gradient is repeated, so that each element counts as often as it did.
    if (!sameShape(full, whole)) {
      dy = expandTo(dy, whole)
      inputs[uses.indexOf(0)] = dy
    }
    if (!sameShape(whole, target.sizes)) return apply(op, inputs, target)
    if (identity && dy.dtype === target.dtype) return dy
    // The shape and dtype follow from the operands: nothing was broadcast and nothing promoted.
    return apply(op, inputs, commonType(inputs) === target.dtype ? null : target)
  }

  /** By the bits of the inputs that need a gradient. */
  const savesFor: (Saves | undefined)[] = []

  const def: Elementwise = {
    name,
    arity,
    infer(inputs, attrs) {
      const dtype = common(inputs, attrs)
      accepts?.(dtype, inputs)
      if (attrs !== null && inputs.length === 0) return [attrs]
      let { sizes } = inputs[0]
      for (let i = 1; i < inputs.length; i++) sizes = broadcastShapes(sizes, inputs[i].sizes)
      // Written out: a spread with a property added is a new hidden class at every call in Node 20.
      if (attrs !== null)
        return sameShape(sizes, attrs.sizes) ? [attrs] : [{ sizes: attrs.sizes, dtype: attrs.dtype, iterated: sizes }]
      return [{ sizes, dtype: out === 'bool' ? 'bool' : dtype }]
    },
    ...(out === 'bool'
      ? {}
      : {
          vjp(ctx: Vjp<Spec | null>): Gradients {
            const gradients = repeated<Tensor | null>(arity, null)
            const { needed } = ctx
            if (ctx.attrs === null) jointly(ctx, arity, jointFor(needed), gradients)
            for (let i = 0; i < arity; i++)
              if (gradients[i] === null && needed & (1 << i)) gradients[i] = inputGradient(ctx, i)
            return gradients
          },
          saves(needs: number): Saves {
            let saves = savesFor[needs]
            if (saves === undefined) {
              const used = new Set<number>()
              for (let i = 0; i < arity; i++) if (needs & (1 << i)) for (const u of ruleFor(i).uses) used.add(u)
              const inputs = [...used].filter((u) => u > 0 && u <= arity).map((u) => u - 1)
              saves = { inputs, outputs: used.has(arity + 1) ? [0] : [] }
              savesFor[needs] = saves
            }
            return saves
          },
        }),
    to: {
      kind: 'kernel',
      prim: 'map',
      lower(attrs, inputs, outs) {
        const rank = attrs === null ? uniformRank(inputs) : -1
        if (rank >= 0 && uniform[rank] !== undefined) return uniform[rank]
        const dtype = common(inputs, attrs)
        let axes: readonly number[] = noAxes
        let key = rankOf(dtype)
        if (attrs !== null) {
          let full: Shape = inputs.length === 0 ? attrs.sizes : scalarShape
          for (const x of inputs) full = broadcastShapes(full, x.sizes)
          if (!sameShape(full, attrs.sizes)) axes = summedAxes(full, attrs.sizes)
          for (const axis of axes) key += 2 ** (axis + 5)
          key += 5 * (1 + rankOf(outs[0].dtype))
        }
        key = keyOf(key, inputs)
        let prims = kernels.get(key)
        if (prims === undefined) {
          const expr = s.cast(build(...inputExprs(inputs, dtype)), outs[0].dtype)
          prims = { outs: [reduced('sum', expr, axes)] }
          kernels.set(key, prims)
        }
        if (rank >= 0) uniform[rank] = prims
        return prims
      },
      ...(check === undefined ? {} : { check: checking(check, common) }),
    },
  }
  return def
}

/** The check of an elementwise op, made once for every mix of dtypes. */
function checking(
  check: NonNullable<ElementwiseOptions['check']>,
  common: (inputs: readonly Input[], target: Spec | null) => DType,
): (attrs: Spec | null, inputs: readonly Input[]) => Check | undefined {
  const checks = new Map<number, Check | undefined>()
  return (attrs, inputs) => {
    const dtype = common(inputs, attrs)
    const key = keyOf(rankOf(dtype), inputs)
    if (!checks.has(key)) checks.set(key, check(inputExprs(inputs, dtype), dtype))
    return checks.get(key)
  }
}

/** The dtype's rank when all operands are tensors of that dtype, else -1. */
function uniformRank(inputs: readonly Input[]): number {
  if (inputs.length === 0 || inputs[0].wrapped === true) return -1
  const { dtype } = inputs[0]
  for (let i = 1; i < inputs.length; i++) if (inputs[i].dtype !== dtype || inputs[i].wrapped === true) return -1
  return rankOf(dtype)
}

const noAxes: readonly number[] = []

// ---- views ----

/** A view op: a function from layout to layout. Its gradient, the adjoint of that function, follows from it. */
export function viewOp<A>(name: string, view: (layout: Layout, attrs: A) => Layout | null): OpDef<A> {
  const onContiguous = (shape: Shape, attrs: A): Layout => view(contiguousLayout(shape), attrs) as Layout
  return {
    name,
    infer: ([x], attrs) => [{ sizes: onContiguous(x.sizes, attrs).sizes, dtype: x.dtype }],
    vjp: (ctx) => {
      const { sizes } = ctx.inputSpec(0)
      return [adjoint(ctx.dy, onContiguous(sizes, ctx.attrs), sizes)]
    },
    to: { kind: 'view', view },
  }
}

/** The elements of a tensor under another layout over its row-major order. */
const asStridedOp = viewOp<Layout>('asStrided', (layout, to) =>
  isContiguous(layout) ? { ...to, offset: layout.offset + to.offset } : null,
)
export const expandOp = viewOp<Shape>('expand', (layout, shape) => ({
  sizes: shape,
  strides: expandStrides(layout, shape),
  offset: layout.offset,
}))
export const permuteOp = viewOp<readonly number[]>('permute', ({ sizes, strides, offset }, dims) => ({
  sizes: dims.map((d) => sizes[d]),
  strides: dims.map((d) => strides[d]),
  offset,
}))
export const flipOp = viewOp<readonly number[]>('flip', ({ sizes, strides, offset }, dims) => ({
  sizes,
  strides: strides.map((st, i) => (dims.includes(i) ? -st : st)),
  offset: dims.reduce((at, d) => at + Math.max(sizes[d] - 1, 0) * strides[d], offset),
}))
/** Same elements in row-major order under another shape; copies where no strides can say so. */
export const reshapeOp = viewOp<Shape>('reshapeAlias', (layout, shape) => {
  const strides = viewStrides(layout, shape)
  return strides === null ? null : { sizes: shape, strides, offset: layout.offset }
})

/**
 * A reshaping that is no view to autograd, as PyTorch's `_unsafe_view`: of a result, row-major, that nobody else gets to
 * see.
 */
export function ownView(name: string): OpDef<Shape> {
  const { infer, vjp, to } = reshapeOp
  return { name, infer, vjp, to: { ...to, own: true } as Lowering<Shape> }
}

/** Adds elements up at the positions of a layout over a new row-major tensor of `size` elements. */
const foldOp: OpDef<{ readonly size: number; readonly layout: Layout }> = {
  name: 'fold',
  infer: ([x], { size }) => [{ sizes: [size], dtype: x.dtype }],
  vjp: (ctx) => [apply(asStridedOp, [ctx.dy], ctx.attrs.layout)],
  to: {
    kind: 'kernel',
    prim: 'fold',
    lower: ({ size, layout }) => ({
      out: [size],
      offset: [layout.offset],
      axes: [layout.strides.map((step, axis) => ({ in: axis, step }))],
    }),
  },
}

const identity = elementwise('clone', (x) => x)

/** Repeats sizes of 1 without a copy, up to a shape it broadcasts to. */
export const expandTo = (x: Tensor, shape: Shape): Tensor =>
  sameShape(x.sizes, shape) ? x : apply(expandOp, [x], shape)
const sumOp: Elementwise = { ...identity, name: 'SumBackward1' }
/** Undoes broadcasting: sums to a shape that broadcasts to the tensor's. */
export const sumTo = (x: Tensor, shape: Shape): Tensor =>
  sameShape(x.sizes, shape) ? x : apply(sumOp, [x], { sizes: shape, dtype: x.dtype })

/**
 * The gradient of a view: `dy` put back to where the layout took it from. Repeated elements are summed, permuted and
 * reversed ones moved back without a copy; what overlaps or leaves gaps is folded into zeros.
 */
export function adjoint(dy: Tensor, layout: Layout, shape: Shape): Tensor {
  const once = layout.sizes.map((n, i) => (layout.strides[i] === 0 ? 1 : n))
  const flipped = layout.strides.flatMap((st, i) => (st < 0 && once[i] > 1 ? [i] : []))
  const summed = sumTo(dy, once)
  const order = once.map((_, i) => i).sort((a, b) => Math.abs(layout.strides[b]) - Math.abs(layout.strides[a]))
  const sizes = order.filter((i) => once[i] > 1)
  let step = 1
  let complete = numelOf(once) === numelOf(shape)
  for (let k = sizes.length - 1; k >= 0; k--) {
    if (Math.abs(layout.strides[sizes[k]]) !== step) complete = false
    step *= once[sizes[k]]
  }
  if (complete) {
    const ahead = flipped.length === 0 ? summed : apply(flipOp, [summed], flipped)
    const moved = order.every((d, i) => d === i) ? ahead : apply(permuteOp, [ahead], order)
    return sameShape(moved.sizes, shape) ? moved : apply(reshapeOp, [moved], shape)
  }
  const flat = apply(foldOp, [summed], { size: numelOf(shape), layout: { ...layout, sizes: once } })
  return apply(reshapeOp, [flat], shape)
}

/** A copy in row-major order. */
export const cloneOp: OpDef<null> = identity as OpDef<null>
setContiguousCopy(cloneOp)

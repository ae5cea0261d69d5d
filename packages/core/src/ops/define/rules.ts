// The gradient of an elementwise op: one elementwise op per input, over those of (dy, inputs, y) that its expression
// reads; if several gradients are wanted and it is possible, one kernel computes them all (joint.ts).
import type { Spec } from '../../backend/backend.ts'
import { repeated } from '../../base/arrays.ts'
import type { DType } from '../../base/dtype.ts'
import { broadcastShapes, sameShape, type Shape, scalarShape } from '../../base/shape.ts'
import { derive } from '../../expr/derive.ts'
import { type Expr, inputsOf, replace, s, substitute } from '../../expr/expr.ts'
import { apply } from '../../tensor/apply.ts'
import type { Gradients, Input, OpDef, Saves, Vjp } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { commonType } from './common.ts'
import { JointGradients } from './joint.ts'

export type Build = (...x: Expr[]) => Expr

/** The arguments of a gradient rule as expressions: the incoming gradient, the inputs, and the result. */
export interface GradExprs {
  readonly dy: Expr
  readonly x: readonly Expr[]
  readonly y: Expr
}

/** With attributes, the result is summed to that shape and cast to that dtype, which undoes broadcasting. */
export interface Elementwise extends OpDef<Spec | null> {
  readonly arity: number
}

/** The result of a map that is summed, and the shape that was summed. */
export interface Summed extends Spec {
  readonly iterated?: Shape
}
const iterated = (spec: Summed): Shape => spec.iterated ?? spec.sizes

/** The gradient of one input. */
export interface GradRule {
  readonly op: Elementwise
  /** The positions among (dy, inputs, y) that the rule reads. */
  readonly uses: readonly number[]
  /** The gradient is the incoming one. */
  readonly identity: boolean
}

/** The functions that make rules. They are passed in, because they use rules themselves. */
export interface Tools {
  elementwise(name: string, build: Build, options: { readonly arity: number }): Elementwise
  expandTo(x: Tensor, shape: Shape): Tensor
}

export class GradientRules {
  readonly name: string
  readonly arity: number
  readonly #build: Build
  readonly #grad: ((g: GradExprs) => readonly Expr[]) | undefined
  readonly #tools: Tools
  readonly #rules: (GradRule | undefined)[] = []
  /** By the bits of the inputs that need a gradient. */
  readonly #saves: (Saves | undefined)[] = []
  #joint: JointGradients | null = null

  /** Rules whose ops have the given name, from a given gradient or from the derivative of the expression. */
  constructor(
    name: string,
    arity: number,
    build: Build,
    grad: ((g: GradExprs) => readonly Expr[]) | undefined,
    tools: Tools,
  ) {
    this.name = name
    this.arity = arity
    this.#build = build
    this.#grad = grad
    this.#tools = tools
  }

  /** The gradient of an input as an expression over dy, the inputs, and the result. */
  #gradient(position: number, [dy, ...rest]: readonly Expr[]): Expr {
    const x = rest.slice(0, this.arity)
    const y = rest[this.arity]
    if (this.#grad !== undefined) return this.#grad({ dy, x, y })[position]
    // The expression is built over placeholders for the inputs, so that the result can replace it wherever it appears.
    const root = this.#build(...x)
    const places = x.map((e) => e.value)
    const found = derive(root, dy, places)[position] ?? s.constant(0, dy.dtype)
    return root.args.length === 0 ? found : replace(found, root, y)
  }

  #standIns(dtype: DType): Expr[] {
    return Array.from({ length: this.arity + 2 }, (_, i) => s.input(i, dtype))
  }

  /** The same, as an expression over only those operands that it reads. */
  over(position: number, uses: readonly number[], used: readonly Expr[], dtype: DType): Expr {
    return substitute(this.#gradient(position, this.#standIns(dtype)), (x) => used[uses.indexOf(x.value)])
  }

  #make(position: number): GradRule {
    const trial = this.#gradient(position, this.#standIns('float32'))
    const uses = inputsOf([trial])
    const build: Build = (...used) => this.over(position, uses, used, used[0]?.dtype ?? 'float32')
    const op = this.#tools.elementwise(this.name, build, { arity: uses.length })
    return { op, uses, identity: trial.step === 'input' && trial.value === 0 }
  }

  /** The op that computes the gradient of an input, built when first used. */
  rule(position: number): GradRule {
    this.#rules[position] ??= this.#make(position)
    return this.#rules[position]
  }

  #inputGradient(ctx: Vjp<Spec | null>, position: number): Tensor {
    const { op, uses, identity } = this.rule(position)
    const target = ctx.inputSpec(position)
    let { dy } = ctx
    if (identity && ctx.attrs === null && dy.dtype === target.dtype && sameShape(dy.sizes, target.sizes)) return dy
    const whole = ctx.attrs === null ? dy.sizes : iterated(ctx.specs[0])
    if (uses.length === 0) return apply(op, [], target, dy.storage.device)
    const inputs = new Array<Input>(uses.length)
    let full: Shape = scalarShape
    for (let k = 0; k < uses.length; k++) {
      const x = uses[k] === 0 ? dy : uses[k] <= this.arity ? ctx.operand(uses[k] - 1) : ctx.output()
      inputs[k] = x
      full = broadcastShapes(full, x.sizes)
    }
    // A sum over more than the rule reads: the gradient is repeated, so that each element counts as often as it was
    // summed.
    if (!sameShape(full, whole)) {
      dy = this.#tools.expandTo(dy, whole)
      inputs[uses.indexOf(0)] = dy
    }
    if (!sameShape(whole, target.sizes)) return apply(op, inputs, target)
    if (identity && dy.dtype === target.dtype) return dy
    // The shape and dtype follow from the operands, because nothing was broadcast or promoted.
    return apply(op, inputs, commonType(inputs) === target.dtype ? null : target)
  }

  /** The gradients of the inputs that need one. */
  gradients(ctx: Vjp<Spec | null>): Gradients {
    const { arity } = this
    const gradients = repeated<Tensor | null>(arity, null)
    if (ctx.attrs === null && arity > 1) {
      this.#joint ??= new JointGradients(this)
      this.#joint.fill(gradients, ctx)
    }
    for (let i = 0; i < arity; i++)
      if (gradients[i] === null && ctx.needs(i)) gradients[i] = this.#inputGradient(ctx, i)
    return gradients
  }

  /** The positions to save for the rules. */
  saves(needs: number): Saves {
    let saves = this.#saves[needs]
    if (saves === undefined) {
      const { arity } = this
      const used = new Set<number>()
      for (let i = 0; i < arity; i++) if (needs & (1 << i)) for (const u of this.rule(i).uses) used.add(u)
      const inputs = [...used].filter((u) => u > 0 && u <= arity).map((u) => u - 1)
      saves = { inputs, outputs: used.has(arity + 1) ? [0] : [] }
      this.#saves[needs] = saves
    }
    return saves
  }
}

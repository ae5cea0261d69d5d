// Class numbers as targets: what fits an input of scores, and what PyTorch says where it does not. A target is compared
// with the class numbers 0, 1, ... along the class dimension, so a loss over classes is an elementwise one.
import type { Check, Prims, Spec } from '../backend/backend.ts'
import { dtypeName, isFloat } from '../base/dtype.ts'
import { IndexError, RuntimeError, ValueError } from '../base/errors.ts'
import { sameShape, type Shape, shapeString } from '../base/shape.ts'
import { type Expr, s } from '../expr/expr.ts'
import { notImplemented } from '../ops/arguments.ts'
import { counted } from '../ops/create.ts'
import { elementwise, reshapeOp } from '../ops/define.ts'
import { toDType } from '../ops/fill.ts'
import { reduced } from '../ops/kernels.ts'
import { apply, operand } from '../tensor/apply.ts'
import { noGrad } from '../tensor/mode.ts'
import type { Input, OpDef } from '../tensor/op.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** Classes are dimension 1, or the only one. */
export const classDim = ({ sizes }: Spec): number => (sizes.length === 1 ? 0 : 1)

/** The input's shape with 1 for the classes. */
export const withoutClasses = (input: Spec): Shape => input.sizes.map((n, i) => (i === classDim(input) ? 1 : n))

/** A vector over classes, as it broadcasts against the input. */
export const alongClasses = (x: Tensor, input: Tensor): Tensor => {
  const shape = [x.elements, ...input.sizes.slice(classDim(input) + 1).map(() => 1)]
  return sameShape(x.sizes, shape) ? x : apply(reshapeOp, [x], shape)
}

/** Throws PyTorch's error where input [N, C, ...], target [N, ...] and weight [C] do not fit. */
export function checkClassTargets(input: Tensor, target: Tensor, weight: Tensor | null): void {
  const [shape, sizes] = [input.sizes, target.sizes]
  const rank = shape.length
  if (rank === 0) throw new ValueError('Expected 1 or more dimensions (got 0)')
  if (rank !== 1 && shape[0] !== sizes[0]) {
    // PyTorch says 0 for a target without dimensions.
    throw new ValueError(`Expected input batch_size (${shape[0]}) to match target batch_size (${sizes[0] ?? 0}).`)
  }
  if (rank <= 2) {
    if (sizes.length > 1) throw new RuntimeError('0D or 1D target tensor expected, multi-target not supported')
    if (rank === 1 && sizes.length === 1) {
      throw new RuntimeError(`size mismatch (got input: ${shapeString(shape)}, target: ${shapeString(sizes)})`)
    }
  } else if (rank === 4) {
    if (sizes.length !== 3) {
      throw new RuntimeError(
        `only batches of spatial targets supported (3D tensors) but got targets of dimension: ${sizes.length}`,
      )
    }
    if (shape[2] !== sizes[1] || shape[3] !== sizes[2]) {
      throw new RuntimeError(`size mismatch (got input: ${shapeString(shape)} , target: ${shapeString(sizes)}`)
    }
  } else if (!sameShape(sizes, [shape[0], ...shape.slice(2)])) {
    throw new RuntimeError(
      `Expected target size ${shapeString([shape[0], ...shape.slice(2)])}, got ${shapeString(sizes)}`,
    )
  }
  if (target.dtype !== 'int32' && target.dtype !== 'uint8') {
    throw new RuntimeError(
      `expected scalar type Long but found ${dtypeName[target.dtype]}`,
      "Class numbers are whole: target.int(). For probabilities use crossEntropy with a target of the input's shape.",
    )
  }
  if (weight !== null) checkClassWeight(weight, input, '')
  if (!isFloat(input.dtype)) throw notImplemented('nll_loss_out_frame', input.dtype)
}

/** Throws where the weight is no vector [C] in the input's dtype. */
export function checkClassWeight(weight: Tensor, input: Tensor, where: string): void {
  const classes = input.sizes[classDim(input)]
  if (weight.dim() !== 1 || weight.elements !== classes) {
    throw new RuntimeError(
      `${where}weight tensor should be defined either for all ${classes} classes or no classes but got weight tensor of shape: ${shapeString(weight.sizes)}`,
    )
  }
  if (weight.dtype !== input.dtype) {
    throw new RuntimeError(`expected scalar type ${dtypeName[input.dtype]} but found ${dtypeName[weight.dtype]}`)
  }
}

// ---- counting and checking ----

interface Counted {
  readonly classes: number
  readonly ignoreIndex: number
}
const [target, ignored, classes] = [0, 1, 2].map((i) => s.input(i, 'int32'))
const isCounted = s.ne(target, ignored)
const outside: Expr = s.and(isCounted, s.or(s.lt(target, 0), s.ge(target, classes)))
const counts = new Map<number, Prims['map']>()

/** How many targets are not ignored; the inputs are target, ignored class, number of classes. */
const countOp: OpDef<Counted> = {
  name: 'nllLoss',
  infer: () => [{ sizes: [], dtype: 'int32' }],
  to: {
    kind: 'kernel',
    prim: 'map',
    lower(_, [{ sizes }]) {
      const rank = sizes.length
      let prims = counts.get(rank)
      if (prims === undefined) {
        const expr = s.cast(isCounted, 'int32')
        const axes = Array.from({ length: rank }, (_, i) => i)
        prims = { outs: [reduced('sum', expr, axes)] }
        counts.set(rank, prims)
      }
      return prims
    },
    check: (attrs, [x]): Check => ({ expr: outside, error: () => outOfBounds(x as Tensor, attrs) }),
  },
}

function outOfBounds(x: Tensor, { classes, ignoreIndex }: Counted): IndexError {
  const values = x.storage.device.backend.readSync(x)
  const wrong = values.find((value) => value !== ignoreIndex && (value < 0 || value >= classes))
  return new IndexError(
    `Target ${wrong} is out of bounds.`,
    `There are ${classes} classes: targets are from 0 to ${classes - 1}.`,
  )
}

/** Whether a class is the target, and one that counts. */
export const isTarget = (cls: Expr, t: Expr, ignore: Expr): Expr => s.and(s.eq(cls, t), s.ne(t, ignore))
const weightOfTargets = elementwise('sum', (cls, t, ignore, weight) => s.select(isTarget(cls, t, ignore), weight, 0))

/** What a loss over classes reads beside its input. */
export interface Classes {
  /** The class numbers, the targets, the ignored target, the weights of classes: they broadcast against the input. */
  readonly operands: readonly [cls: Input, target: Input, ignore: Input, weight: Input]
  /** The sum of the weights of all targets that count. */
  readonly total: Input
}

/** The targets in the input's shape with 1 for the classes, checked, and how many of them count. */
export function countedTargets(input: Tensor, target: Tensor, ignoreIndex: number): [targets: Tensor, number: Tensor] {
  const classes = input.sizes[classDim(input)]
  const targets = apply(reshapeOp, [toDType(target, 'int32')], withoutClasses(input))
  return [targets, apply(countOp, [targets, operand(ignoreIndex), operand(classes)], { classes, ignoreIndex })]
}

/** The numbers of the classes, as they broadcast against the input. */
export const classNumbers = (input: Tensor): Tensor =>
  alongClasses(counted(input.sizes[classDim(input)], 'int32', input.device), input)

/** Checks the targets against the number of classes and lays them out beside the input. */
export const classesOf = (input: Tensor, target: Tensor, weight: Tensor | null, ignoreIndex: number): Classes =>
  noGrad(() => {
    const { dtype } = input
    const [targets, number] = countedTargets(input, target, ignoreIndex)
    const weights = weight === null ? operand(1) : alongClasses(weight, input)
    const operands = [classNumbers(input), targets, operand(ignoreIndex), weights] as const
    return { operands, total: weight === null ? number : apply(weightOfTargets, operands, { sizes: [], dtype }) }
  })

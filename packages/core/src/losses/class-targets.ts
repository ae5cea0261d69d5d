// Class numbers as targets: checks that they fit the input, with PyTorch's errors. One pass counts and checks targets,
// and also makes the index that gathers their classes.
import type { Check, MapOut, Prims, Spec } from '../backend/backend.ts'
import { dtypeName, isFloat } from '../base/dtype.ts'
import { IndexError, RuntimeError, ValueError } from '../base/errors.ts'
import { sameShape, type Shape, shapeString } from '../base/shape.ts'
import { type Expr, s } from '../expr/expr.ts'
import { notImplemented } from '../ops/define/arguments.ts'
import { counted } from '../ops/create/create.ts'
import { elementwise, expandTo } from '../ops/define/elementwise.ts'
import { reshapeOp } from '../ops/define/views.ts'
import { toDType } from '../ops/define/fill.ts'
import { gatherAlongDim } from '../ops/indexing/gather.ts'
import { reduced } from '../ops/define/kernels.ts'
import { apply, applyAll, operand } from '../tensor/apply.ts'
import { effects } from '../tensor/effects.ts'
import { noGrad } from '../tensor/mode.ts'
import type { OpDef } from '../tensor/op.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** The ignored class as an int32: another number is replaced by the smallest int32, which is never a target. */
export const ignoredClass = (ignoreIndex: number): number =>
  ignoreIndex === (ignoreIndex | 0) ? ignoreIndex : -2147483648

/** The class dimension is 1, or the only one. */
export const classDim = ({ sizes }: Spec): number => (sizes.length === 1 ? 0 : 1)

/** The input's shape with 1 for the classes. */
export const withoutClasses = (input: Spec): Shape => input.sizes.map((n, i) => (i === classDim(input) ? 1 : n))

/** A vector over classes, shaped to broadcast against the input. */
export const alongClasses = (x: Tensor, input: Tensor): Tensor => {
  const shape = [x.elements, ...input.sizes.slice(classDim(input) + 1).map(() => 1)]
  return sameShape(x.sizes, shape) ? x : apply(reshapeOp, [x], shape)
}

/** Throws PyTorch's error if input [N, C, ...], target [N, ...] and weight [C] do not fit. */
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
      'Class numbers are integers: target.int(). For probabilities, use crossEntropy with a target in the input shape.',
    )
  }
  if (weight !== null) checkClassWeight(weight, input, '')
  if (!isFloat(input.dtype)) throw notImplemented('nll_loss_out_frame', input.dtype)
}

/** Throws if the weight is not a vector [C] in the input's dtype. */
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

/**
 * The inputs are target, ignored class, number of classes; the outputs, `before` and the number of targets that are not
 * ignored.
 */
function countOp(before: readonly MapOut[]): OpDef<Counted> {
  const counts: Prims['map'][] = []
  return {
    name: 'nllLoss',
    infer: ([x]) => [
      ...before.map(({ expr }): Spec => ({ sizes: x.sizes, dtype: expr.dtype })),
      { sizes: [], dtype: 'int32' },
    ],
    to: {
      kind: 'kernel',
      prim: 'map',
      lower(_, [{ sizes }]) {
        const axes = sizes.map((_, i) => i)
        return (counts[axes.length] ??= { outs: [...before, reduced('sum', s.cast(isCounted, 'int32'), axes)] })
      },
      check: (attrs, [x]): Check => ({
        expr: outside,
        error: outOfBounds(effects.sink === null ? (x as Tensor) : null, attrs),
      }),
    },
  }
}
const counting = countOp([])
/** Gathers and scatters use class 0 for ignored targets. */
const indexing = countOp([{ expr: s.select(isCounted, target, 0) }])

/** Reads the targets only after the check has failed; a recorded program does not keep them. */
const outOfBounds =
  (x: Tensor | null, { classes, ignoreIndex }: Counted) =>
  (): IndexError => {
    const wrong = x?.toArray().find((value) => value !== ignoreIndex && (value < 0 || value >= classes))
    return new IndexError(
      `Target ${wrong === undefined ? '' : `${wrong} `}is out of bounds.`,
      `There are ${classes} classes, so targets must be from 0 to ${classes - 1}.`,
    )
  }

/** The targets in the input's shape with 1 for the classes. */
const rowsOf = (input: Tensor, target: Tensor): Tensor =>
  apply(reshapeOp, [toDType(target, 'int32')], withoutClasses(input))

const countedBy = (op: OpDef<Counted>, targets: Tensor, input: Tensor, ignoreIndex: number): readonly Tensor[] => {
  const classes = input.sizes[classDim(input)]
  return applyAll(op, [targets, operand(ignoreIndex), operand(classes)], { classes, ignoreIndex })
}

/** The targets, one per row, checked, and the number of those that are not ignored. */
export function countedTargets(input: Tensor, target: Tensor, ignoreIndex: number): [targets: Tensor, number: Tensor] {
  const targets = rowsOf(input, target)
  return [targets, countedBy(counting, targets, input, ignoreIndex)[0]]
}

/** The same with an index for gathers and scatters, in which ignored targets are in range. */
export function indexedTargets(
  input: Tensor,
  target: Tensor,
  ignoreIndex: number,
): [targets: Tensor, index: Tensor, number: Tensor] {
  const targets = rowsOf(input, target)
  const [index, number] = countedBy(indexing, targets, input, ignoreIndex)
  return [targets, index, number]
}

/** The class numbers, shaped to broadcast against the input. */
export const classNumbers = (input: Tensor): Tensor =>
  alongClasses(counted(input.sizes[classDim(input)], 'int32', input.device), input)

/** The weight of each row's target. */
export const weightsOf = (weight: Tensor, input: Tensor, index: Tensor): Tensor =>
  noGrad(() => gatherAlongDim(expandTo(alongClasses(weight, input), input.sizes), classDim(input), index))

const weightOfTargets = elementwise('sum', (t, ignore, weight) => s.select(s.ne(t, ignore), weight, 0))
/** The sum of the weights of all targets that are not ignored. */
export const totalOf = (targets: Tensor, ignoreIndex: number, weights: Tensor): Tensor =>
  apply(weightOfTargets, [targets, operand(ignoreIndex), weights], { sizes: [], dtype: weights.dtype })

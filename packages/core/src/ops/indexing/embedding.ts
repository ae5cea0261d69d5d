// Rows of a table by their numbers: embedding, and embeddingBag, which sums, averages or maximises the rows of each bag.
import { dtypeName, isFloat } from '../../base/dtype.ts'
import { AssertionError, NotImplementedError, RuntimeError, ValueError } from '../../base/errors.ts'
import { sameShape, type Shape } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import { noGrad } from '../../tensor/mode.ts'
import type { Cut, Lowering, OpDef } from '../../tensor/op.ts'
import { formatSize } from '../../tensor/print.ts'
import {
  type Takes,
  type Arguments,
  bool,
  int,
  nullable,
  optional,
  real,
  required,
  signature,
  str,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { counted } from '../create/create.ts'
import { elementwise } from '../define/elementwise.ts'
import { filled } from '../define/fill.ts'
import { reshapeOp } from '../define/views.ts'
import { div, floorDivide, mul, sub } from '../pointwise/arithmetic.ts'
import { maximum } from '../pointwise/choice.ts'
import { eq } from '../pointwise/comparison.ts'
import { where } from '../pointwise/where.ts'
import { vectorNorm } from '../reduce/norm.ts'
import { cumsum } from '../reduce/scans.ts'
import { cat } from '../views/join.ts'
import { narrow, sliceOp } from '../views/views.ts'
import { checkedIndices, spread } from './advanced.ts'
import { accumulateAlongOp, gatherAlongDim, putAlongDim_, scatterAddAlongDim } from './gather.ts'
import { scatterReduce } from './scatter-reduce.ts'
import { outOfRange } from './select.ts'

const shaped = (x: Tensor, to: Shape): Tensor => (sameShape(x.sizes, to) ? x : apply(reshapeOp, [x], to))
const zeros = (sizes: Shape, like: Tensor): Tensor => filled(sizes, like.dtype, 0, like.storage.device)
const column = (x: Tensor): Tensor => shaped(x, [x.elements, 1])
/** The index of a gather or scatter of whole rows. */
const ofRows = (row: Tensor, width: number): Tensor => spread(row, { merged: [row.elements, width], axis: 0 })

interface Lookup {
  /** The row whose gradient is 0; -1 for none. */
  readonly padding: number
  /** Divide the gradient of a row by how often it occurs. */
  readonly byFreq: boolean
}

const addRows: OpDef<number> = { ...accumulateAlongOp, name: 'EmbeddingDenseBackwardBackward0' }

/** Inputs: the table [n, width], and row numbers in range. */
const embeddingOp: OpDef<Lookup> = {
  name: 'embedding',
  infer: ([table, index]) => [{ sizes: [...index.sizes, table.sizes[1]], dtype: table.dtype }],
  saves: () => ({ inputs: [1] }),
  vjp(ctx) {
    const { padding, byFreq } = ctx.attrs
    const [n, width] = ctx.inputSpec(0).sizes
    const index = ctx.input(1)
    const row = shaped(index, [index.elements])
    let dy = shaped(ctx.dy, [row.elements, width])
    if (padding >= 0) dy = where(column(eq(row, padding)), 0, dy)
    if (byFreq) {
      const times = scatterAddAlongDim(zeros([n], dy), 0, row, filled(row.sizes, dy.dtype, 1, dy.storage.device))
      dy = div(dy, column(gatherAlongDim(times, 0, row)))
    }
    return [apply(addRows, [zeros([n, width], dy), ofRows(row, width), dy], 0)]
  },
  to: {
    kind: 'compose',
    compose([table, index]) {
      const width = table.sizes[1]
      const row = shaped(index as Tensor, [(index as Tensor).elements])
      return [shaped(gatherAlongDim(table as Tensor, 0, ofRows(row, width)), [...index.sizes, width])]
    },
  },
}

const shortened = elementwise('renorm', (x, norm, most) =>
  s.select(s.gt(norm, most), s.mul(x, s.div(most, s.add(norm, 1e-7))), x),
)
/** Scales the rows that occur, in place, to a norm of at most `most`. */
function renormalise(table: Tensor, row: Tensor, most: number, order: number): void {
  noGrad(() => {
    const at = ofRows(row, table.sizes[1])
    const found = gatherAlongDim(table, 0, at)
    const norms = vectorNorm(found, order, [1], true)
    putAlongDim_(table, 0, at, apply(shortened, [found, norms, operand(most)], null))
  })
}

function checkTypes(name: string, index: Tensor): void {
  if (index.dtype === 'int32') return
  const type = index.dtype === 'bool' ? 'CPUBoolType' : `torch.${dtypeName[index.dtype]}Tensor`
  throw new RuntimeError(
    `Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got ${type} instead (while checking arguments for ${name})`,
    'Row numbers are integers: input.int().',
  )
}
function checkTable(table: Tensor): void {
  if (table.dim() !== 2) throw new RuntimeError("'weight' must be 2-D")
}

/** Gradients are dense: `sparse` is accepted only as false. */
export function checkDense(sparse: boolean): void {
  if (sparse) throw new RuntimeError('sparse gradients are not supported', 'Leave sparse out; the gradient is dense.')
}

export interface EmbeddingLookupOptions {
  /** The row whose gradient is 0; a negative one counts from the end. */
  readonly paddingIdx?: number | null
  /** First scale the rows that occur, in place, to a norm of at most this. */
  readonly maxNorm?: number | null
  /** The order of that norm. */
  readonly normType?: number
  /** Divide the gradient of a row by how often it occurs. */
  readonly scaleGradByFreq?: boolean
  /** Only false: gradients are dense. */
  readonly sparse?: boolean
}
const paddingParameter = optional('paddingIdx', nullable(int), null)
const normParameters = [
  optional('maxNorm', nullable(real), null),
  optional('normType', real, 2),
  optional('scaleGradByFreq', bool, false),
] as const
const sparseParameter = optional('sparse', bool, false)
const read = signature(
  'embedding',
  required('input', tensor),
  required('weight', tensor),
  paddingParameter,
  ...normParameters,
  sparseParameter,
)

/**
 * The rows of a table, `weight` [n, width], whose numbers `input` has, int32 of any shape: [..., width].
 *
 * Throws an IndexError for a number out of range; negative ones are.
 *
 * @example
 * F.embedding(tensor([1, 0], { dtype: 'int32' }), tensor([[1, 2], [3, 4]])) // tensor([[3., 4.],
 *                                                                          //         [1., 2.]])
 */
export function embedding(
  ...args: [
    input: Tensor,
    ...Takes<
      [weight: Tensor],
      'weight',
      Arguments<
        [
          paddingIdx: number | null,
          maxNorm: number | null,
          normType: number,
          scaleGradByFreq: boolean,
          sparse: boolean,
        ],
        EmbeddingLookupOptions
      >
    >,
  ]
): Tensor {
  const [input, weight, paddingIdx, maxNorm, normType, byFreq, sparse] = read(args)
  checkDense(sparse)
  const n = weight.sizes[0]
  if (paddingIdx !== null && (paddingIdx >= n || paddingIdx < -n))
    throw new AssertionError('Padding_idx must be within num_embeddings')
  const padding = paddingIdx === null ? -1 : paddingIdx < 0 ? paddingIdx + n : paddingIdx
  checkTable(weight)
  checkTypes('embedding', input)
  if (n === 0 && input.elements > 0) throw new RuntimeError('index_select(): self indexing axis dim should be positive')
  const index = checkedIndices(input, n, outOfRange)
  if (maxNorm !== null) renormalise(weight, shaped(index, [index.elements]), maxNorm, normType)
  return apply(embeddingOp, [weight, index], { padding, byFreq })
}

// ---- bags ----

export type BagMode = 'sum' | 'mean' | 'max'
export interface EmbeddingBagLookupOptions extends EmbeddingLookupOptions {
  /** Where each bag begins in `input`, int32, if that is a vector; the first is 0. */
  readonly offsets?: Tensor | null
  readonly mode?: BagMode
  /** A factor for each row of a sum, in the shape of `input`. */
  readonly perSampleWeights?: Tensor | null
  /** The last offset is the end of the last bag. */
  readonly includeLastOffset?: boolean
}
const readBag = signature(
  'embedding_bag',
  required('input', tensor),
  required('weight', tensor),
  optional('offsets', nullable(tensor), null),
  ...normParameters,
  optional('mode', str, 'mean'),
  sparseParameter,
  optional('perSampleWeights', nullable(tensor), null),
  optional('includeLastOffset', bool, false),
  paddingParameter,
)

const firstOffset = (first: number | null): Error =>
  new RuntimeError(
    `offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got ${first ?? 'another'}`,
  )
const wrongOffset = (offset: number | null, size: number): Error =>
  new RuntimeError(
    `offsets[-1] can not be greater than input's length ${size - 1} but got offsets[-1] of ${offset ?? 'more'}`,
  )

/** The number of bags, and that of the bag of each of `n` positions; positions after the last bag get that number. */
function bagsOf(input: Tensor, offsets: Tensor | null, withLast: boolean): { readonly count: number; bags: Tensor } {
  const n = input.elements
  if (offsets === null) {
    const [count, length] = input.sizes
    const positions = counted(n, 'int32', input.device)
    return { count, bags: n === 0 ? positions : floorDivide(positions, length) }
  }
  const starts = offsets.elements
  const count = withLast ? starts - 1 : starts
  if (count < 0) throw new RuntimeError('include_last_offset: number of offset should be at least 1')
  if (starts === 0) return { count, bags: filled([n], 'int32', 0, input.storage.device) }
  checkedIndices(narrow(offsets, 0, 0, 1), 1, firstOffset)
  const at = checkedIndices(offsets, n + 1, wrongOffset)
  const begun = scatterAddAlongDim(zeros([n + 1], at), 0, at, filled([starts], 'int32', 1, at.storage.device))
  return { count, bags: sub(narrow(cumsum(begun, 0), 0, 0, n), 1) }
}

/** The largest element of each column of a bag, of equal ones the first, which gets the gradient; 0 without any. */
function largest(rows: Tensor, bags: Tensor, count: number): Tensor {
  const [n, width] = rows.sizes
  const at = ofRows(bags, width)
  const first = noGrad(() => {
    const most = scatterReduce(zeros([count, width], rows), 0, at, rows, 'amax', { includeSelf: false })
    const none = filled([count, width], 'int32', n, rows.storage.device)
    const places = where(eq(rows, gatherAlongDim(most, 0, at)), column(counted(n, 'int32', rows.device)), n)
    return scatterReduce(none, 0, at, places, 'amin')
  })
  return gatherAlongDim(cat([rows, zeros([1, width], rows)]), 0, first)
}

function checkBag(input: Tensor, offsets: Tensor | null, factors: Tensor | null, mode: string, byFreq: boolean): void {
  if (factors !== null && !sameShape(factors.sizes, input.sizes)) {
    throw new ValueError(
      `embedding_bag: If per_sample_weights (${formatSize(factors.sizes)}) is not None, then it must have the same shape as the input (${formatSize(input.sizes)})`,
    )
  }
  if (input.dim() === 2) {
    if (offsets !== null) {
      throw new ValueError(
        "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length sequences. However, found offsets of type <class 'torch.Tensor'>",
      )
    }
  } else if (input.dim() === 1) {
    if (offsets === null) throw new ValueError('offsets has to be a 1D Tensor but got None')
    if (offsets.dim() !== 1) throw new ValueError('offsets has to be a 1D Tensor')
  } else throw new ValueError(`input has to be 1D or 2D Tensor, but got Tensor of dimension ${input.dim()}`)
  if (mode !== 'sum' && mode !== 'mean' && mode !== 'max')
    throw new ValueError('mode has to be one of sum, mean or max', `Got ${mode}.`)
  if (mode === 'max' && byFreq) throw new ValueError('max mode does not support scaling the gradient by the frequency')
  if (factors !== null && mode !== 'sum') {
    throw new NotImplementedError(
      `embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got mode='${mode}'). Please open a feature request on GitHub.`,
    )
  }
}

/**
 * The sum, mean or maximum of the rows of each bag: `weight` is [n, width], the result [bags, width]. `input` has row
 * numbers: a matrix a bag in each row, a vector the bags that begin at `offsets`. An empty bag gives zeros.
 *
 * Throws a ValueError for other shapes and modes, an IndexError for a number out of range.
 *
 * @example
 * const bags = tensor([[0, 1], [1, 1]], { dtype: 'int32' })
 * F.embeddingBag(bags, tensor([[1, 2], [3, 4]]), { mode: 'sum' }) // tensor([[4., 6.],
 *                                                                //         [6., 8.]])
 */
export function embeddingBag(
  ...args: [
    input: Tensor,
    ...Takes<
      [weight: Tensor],
      'weight',
      Arguments<
        [
          offsets: Tensor | null,
          maxNorm: number | null,
          normType: number,
          scaleGradByFreq: boolean,
          mode: BagMode,
          sparse: boolean,
          perSampleWeights: Tensor | null,
          includeLastOffset: boolean,
          paddingIdx: number | null,
        ],
        EmbeddingBagLookupOptions
      >
    >,
  ]
): Tensor {
  const [input, weight, offsets, maxNorm, normType, byFreq, mode, sparse, factors, withLast, paddingIdx] = readBag(args)
  checkDense(sparse)
  checkBag(input, offsets, factors, mode, byFreq)
  checkTypes('embedding_bag', input)
  if (offsets !== null) checkTypes('embedding_bag', offsets)
  checkTable(weight)
  if (!isFloat(weight.dtype)) {
    throw new RuntimeError(
      `Expected tensor for argument #1 'weight' to have one of the following scalar types: Half, Float, Double; but got torch.${weight.dtype === 'int32' ? 'Long' : dtypeName[weight.dtype]}Tensor instead (while checking arguments for embedding_bag)`,
    )
  }
  if (factors !== null && factors.dtype !== weight.dtype) {
    throw new RuntimeError(
      `Expected tensor for argument #1 'weight' to have the same type as tensor for argument #1 'per_sample_weights'; but type torch.${dtypeName[weight.dtype]}Tensor does not equal torch.${dtypeName[factors.dtype]}Tensor (while checking arguments for embedding_bag)`,
    )
  }
  const n = weight.sizes[0]
  if (paddingIdx !== null && (paddingIdx >= n || paddingIdx < -n)) {
    throw new RuntimeError(
      `padding_idx must be within the number of embeddings, -${n} through ${n - 1}, but got ${paddingIdx}`,
    )
  }
  const index = checkedIndices(shaped(input, [input.elements]), n, outOfRange)
  const found = bagsOf(input, offsets, withLast)
  const { count } = found
  // The last bag, which is dropped, takes what is in none.
  const bags =
    paddingIdx === null ? found.bags : where(eq(index, paddingIdx < 0 ? paddingIdx + n : paddingIdx), count, found.bags)
  if (maxNorm !== null) renormalise(weight, index, maxNorm, normType)
  const each = apply(embeddingOp, [weight, index], { padding: -1, byFreq })
  const rows = factors === null ? each : mul(each, column(factors))
  return apply(bagOp, [reducedBags(rows, bags, count + 1, mode as BagMode)], {
    dim: 0,
    start: 0,
    length: count,
    step: 1,
  })
}

/** All but the last bag: a tensor of its own, because nothing else refers to it. */
const bagOp: OpDef<Cut> = { ...sliceOp, name: 'embeddingBag', to: { ...sliceOp.to, own: true } as Lowering<Cut> }

function reducedBags(rows: Tensor, bags: Tensor, count: number, mode: BagMode): Tensor {
  if (mode === 'max') return largest(rows, bags, count)
  const sum = scatterAddAlongDim(zeros([count, rows.sizes[1]], rows), 0, ofRows(bags, rows.sizes[1]), rows)
  if (mode === 'sum') return sum
  const ones = filled(bags.sizes, rows.dtype, 1, rows.storage.device)
  return div(sum, column(maximum(scatterAddAlongDim(zeros([count], rows), 0, bags, ones), 1)))
}

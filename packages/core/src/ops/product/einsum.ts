// Sums of products by the names of axes. Two factors are one contraction, or one
// elementwise product if nothing is summed. Labels of only one factor are summed first.
import { RuntimeError, TypeError, ValueError } from '../../base/errors.ts'
import { typeName } from '../../base/python.ts'
import { apply } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import { isTensor, refused, required, str } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { mul } from '../pointwise/arithmetic.ts'
import { sum } from '../reduce/reduce.ts'
import { axesOp, contraction, counts, from, ownAxes } from './contraction.ts'

// ---- equations ----

/** A subscript, or one of the dimensions of an ellipsis, counted from the first of the widest one. */
type Label = string
const ellipsis = '...'

/**
 * The labels of each operand, with `...` for an ellipsis, and those of the result, or null if the equation has no
 * arrow.
 */
interface Equation {
  readonly operands: readonly (readonly Label[])[]
  readonly output: readonly Label[] | null
}

const isLetter = (x: string): boolean => /^[a-zA-Z]$/.test(x)

/** Reads labels up to the end of the text; `where` is what they belong to, `start` their position in the equation. */
function labelsOf(text: string, where: string, start: number): Label[] {
  const labels: Label[] = []
  for (let i = 0; i < text.length; i++) {
    const at = text[i]
    if (at === ' ') continue
    if (at === '.') {
      const output = where === 'output'
      if (labels.includes(ellipsis)) {
        const already = output ? 'but an ellipsis (...) was already found' : 'for which an ellipsis was already found'
        throw new RuntimeError(`einsum(): found '.' for ${where} ${already}`)
      }
      if (text.slice(i, i + 3) !== ellipsis)
        throw new RuntimeError(
          `einsum(): found '.' for ${where} that is not part of any ellipsis${output ? ' (...)' : ''}`,
        )
      labels.push(ellipsis)
      i += 2
    } else if (isLetter(at)) labels.push(at)
    else {
      throw new RuntimeError(
        `einsum(): invalid subscript given at index ${start + i} in the equation string, subscripts must be in [a-zA-Z]`,
      )
    }
  }
  return labels
}

function parsed(equation: string, count: number): Equation {
  const arrow = equation.indexOf('->')
  const left = arrow < 0 ? equation : equation.slice(0, arrow)
  const operands: Label[][] = []
  let start = 0
  for (const text of left.split(',')) {
    if (operands.length === count)
      throw new RuntimeError('einsum(): fewer operands were provided than specified in the equation')
    operands.push(labelsOf(text, `operand ${operands.length}`, start))
    start += text.length + 1
  }
  if (operands.length < count)
    throw new RuntimeError('einsum(): more operands were provided than specified in the equation')
  return { operands, output: arrow < 0 ? null : labelsOf(equation.slice(arrow + 2), 'output', arrow + 2) }
}

/** The number of dimensions of the widest ellipsis. */
function widthOf({ operands }: Equation, tensors: readonly Tensor[]): number {
  let width = 0
  operands.forEach((labels, i) => {
    const dims = tensors[i].dim()
    const has = labels.includes(ellipsis)
    const given = labels.length - (has ? 1 : 0)
    if (has) width = Math.max(width, dims - given)
    if (has ? given <= dims : given === dims) return
    const [is, why] = has ? ['is more than', ''] : ['does not match', ' and no ellipsis was given']
    throw new RuntimeError(
      `einsum(): the number of subscripts in the equation (${given}) ${is} the number of dimensions (${dims}) for operand ${i}${why}`,
    )
  })
  return width
}

/** The labels of the result, checked. Without an arrow they are the labels that occur once. */
function outputOf({ operands, output }: Equation, width: number): Label[] {
  const times = new Map<Label, number>()
  for (const label of operands.flat()) times.set(label, (times.get(label) ?? 0) + 1)
  const covered = from(0, width).map((i) => `.${i}`)
  if (output === null)
    return [...covered, ...[...times.keys()].filter((x) => x !== ellipsis && times.get(x) === 1).sort()]
  const labels: Label[] = []
  for (const label of output) {
    if (label === ellipsis) labels.push(...covered)
    else if (labels.includes(label)) {
      throw new RuntimeError(`einsum(): output subscript ${label} appears more than once in the output`)
    } else if (times.has(label)) labels.push(label)
    else {
      throw new RuntimeError(
        `einsum(): output subscript ${label} does not appear in the equation for any input operand`,
      )
    }
  }
  return labels
}

// ---- factors ----

/** A tensor, and the dimensions that each label names; dimensions of size 1 have none. */
interface Factor {
  readonly x: Tensor
  readonly dims: ReadonlyMap<Label, readonly number[]>
}

/** The factors of an equation. All dimensions of a label have one size, or 1 in all places of an operand. */
function factorsOf({ operands }: Equation, tensors: readonly Tensor[], width: number): Factor[] {
  const sizes = new Map<Label, number>()
  return operands.map((labels, i) => {
    const x = tensors[i]
    const own = new Map<Label, number[]>()
    const given = labels.length - (labels.includes(ellipsis) ? 1 : 0)
    const covered = x.dim() - given
    const named = labels.flatMap((label) =>
      label === ellipsis ? from(width - covered, covered).map((k) => `.${k}`) : [label],
    )
    named.forEach((label, d) => {
      const size = x.sizes[d]
      const known = own.get(label)
      if (known !== undefined) {
        const before = x.sizes[known[0]]
        if (size !== before)
          throw new RuntimeError(
            `einsum(): subscript ${label} is repeated for operand ${i} but the sizes don't match, ${size} != ${before}`,
          )
        known.push(d)
        return
      }
      own.set(label, [d])
      const seen = sizes.get(label) ?? 1
      if (size !== 1 && seen !== 1 && size !== seen) {
        throw new RuntimeError(
          label.startsWith('.')
            ? `einsum(): dimension ${d} covered by ellipsis in operand ${i}has size ${size} which does not broadcast with previously seen ellipsis with size ${seen} for the respective dimension`
            : `einsum(): subscript ${label} has size ${size} for operand ${i} which does not broadcast with previously seen size ${seen}`,
        )
      }
      if (size !== 1) sizes.set(label, size)
    })
    for (const [label, [d]] of own) if (x.sizes[d] === 1) own.delete(label)
    return { x, dims: own }
  })
}

const permuteOp = axesOp('permute')
const resultOp = ownAxes('view')
/** The dimensions of some labels, in their order. A label that the factor lacks is a dimension of size 1. */
function arranged({ x, dims }: Factor, labels: readonly Label[], op: OpDef<readonly (readonly number[])[]>): Tensor {
  return apply(
    op,
    [x],
    labels.map((label) => dims.get(label) ?? []),
  )
}
/** The same as an operand; the tensor itself if its dimensions already have this order. */
function operand(factor: Factor, labels: readonly Label[]): Tensor {
  const { x, dims } = factor
  const same = labels.length === x.dim() && labels.every((label, i) => dims.get(label)?.[0] === i)
  return same && [...dims.values()].every(({ length }) => length === 1) ? x : arranged(factor, labels, permuteOp)
}

const factorOf = (x: Tensor, labels: readonly Label[]): Factor => ({
  x,
  dims: new Map(labels.map((label, d) => [label, [d]])),
})

/** Summed over the labels that do not stay. */
function summed(factor: Factor, stays: (label: Label) => boolean): Factor {
  const labels = [...factor.dims.keys()]
  const kept = labels.filter(stays)
  if (kept.length === labels.length) return factor
  const all = operand(factor, [...kept, ...labels.filter((label) => !stays(label))])
  return factorOf(sum(all, from(kept.length, labels.length - kept.length)), kept)
}

const productOp = contraction('bmm', 'bmm')

/**
 * The product of two factors with the labels of `order` that they have, or with all of `order` in the last product.
 * Other labels are summed.
 */
function multiplied(a: Factor, b: Factor, order: readonly Label[], last: boolean): Factor {
  const left = summed(a, (label) => b.dims.has(label) || order.includes(label))
  const right = summed(b, (label) => a.dims.has(label) || order.includes(label))
  const sums = [...left.dims.keys()].filter((label) => right.dims.has(label) && !order.includes(label))
  if (sums.length === 0) {
    const labels = last ? order : order.filter((label) => left.dims.has(label) || right.dims.has(label))
    return factorOf(mul(arranged(left, labels, permuteOp), arranged(right, labels, permuteOp)), labels)
  }
  const batch = order.filter((label) => left.dims.has(label) && right.dims.has(label))
  const rows = order.filter((label) => left.dims.has(label) && !right.dims.has(label))
  const columns = order.filter((label) => !left.dims.has(label) && right.dims.has(label))
  const factors = [operand(left, [...batch, ...rows, ...sums]), operand(right, [...batch, ...sums, ...columns])]
  const product = apply(productOp, factors, counts(batch.length, sums.length))
  const made = factorOf(product, [...batch, ...rows, ...columns])
  return last ? factorOf(arranged(made, order, resultOp), order) : made
}

/** The value of an equation, computed from left to right. */
function evaluated([first, ...rest]: readonly Factor[], output: readonly Label[]): Tensor {
  if (rest.length === 0) {
    const gone = [...first.dims.keys()].filter((label) => !output.includes(label))
    const x = arranged(first, [...output, ...gone], permuteOp)
    return gone.length === 0 ? x : sum(x, from(output.length, gone.length))
  }
  const value = rest.reduce((a, b, i) => {
    const later = new Set(rest.slice(i + 1).flatMap(({ dims }) => [...dims.keys()]))
    const between = [...new Set([...a.dims.keys(), ...b.dims.keys()])]
    const order = [...output, ...between.filter((label) => later.has(label) && !output.includes(label))]
    return multiplied(a, b, order, i === rest.length - 1)
  }, first)
  return value.x
}

/** The dimensions of an operand in a list, as PyTorch writes them: 0 is A, 26 is a. */
function subscripts(list: unknown): Label[] {
  if (!Array.isArray(list)) throw new TypeError(`'${typeName(list)}' object is not iterable`, subscriptHint)
  return Array.from(list as readonly unknown[], (x) => {
    if (x === ellipsis) return ellipsis
    if (Number.isInteger(x) && (x as number) >= 0 && (x as number) < 52)
      return String.fromCharCode((x as number) < 26 ? 65 + (x as number) : 71 + (x as number))
    throw new ValueError('einsum(): subscript in subscript list is not within the valid range [0, 52)', subscriptHint)
  })
}
const subscriptHint = "A list has whole numbers below 52, and '...': einsum(a, [0, 1], b, [1, 2], [0, 2])."

/** The dimensions of an operand by number, or `'...'`. */
export type Subscripts = readonly (number | '...')[]

/**
 * A sum of products by Einstein's convention. Each letter names a dimension of the operands; the letters after `->` are
 * the dimensions of the result, and the products are summed over all others. Without `->` the letters that occur once
 * stay, in alphabetical order. A letter that an operand repeats takes its diagonal, `...` stands for any leading
 * dimensions, and dimensions of size 1 broadcast. The same with numbers: `einsum(a, [0, 1], b, [1, 2], [0, 2])`.
 *
 * If two operands are summed over, they must have one dtype. Several operands are multiplied from left to right.
 *
 * @example
 * const [a, b] = [ones(2, 3), ones(3, 4)]
 * einsum('ij,jk->ik', a, b).shape // [2, 4]
 * einsum('ii->i', tensor([[1, 2], [3, 4]])) // tensor([1., 4.])
 * einsum('...ij,...ij->...', ones(5, 2, 3), ones(2, 3)) // tensor([6., 6., 6., 6., 6.])
 */
export function einsum(
  ...args:
    | readonly [equation: string, ...operands: readonly Tensor[]]
    | readonly [equation: string, operands: readonly Tensor[]]
    | readonly [operand: Tensor, subscripts: Subscripts, ...more: readonly (Tensor | Subscripts)[]]
): Tensor {
  let given: readonly unknown[] = args
  if (given.length === 2 && Array.isArray(given[1]) && !isTensor(given[0])) given = [given[0], ...given[1]]
  if (given.length < 2) {
    throw new ValueError(
      'einsum(): must specify the equation string and at least one operand, or at least one operand and its subscripts list',
    )
  }
  const [equation] = given
  const lists = isTensor(equation)
  if (!lists && !str.accepts(equation)) throw refused('einsum', required('equation', str), 1, equation)
  const inputs = lists ? given.filter((_, i) => i % 2 === 0 && i < given.length - (given.length % 2)) : given.slice(1)
  const read = lists
    ? {
        operands: given.filter((_, i) => i % 2 === 1).map(subscripts),
        output: given.length % 2 === 1 ? subscripts(given[given.length - 1]) : null,
      }
    : null
  inputs.forEach((x, i) => {
    if (!isTensor(x)) throw new TypeError(`expected Tensor as element ${i} in argument 1, but got ${typeName(x)}`)
  })
  const tensors = inputs as readonly Tensor[]
  const labelled = read ?? parsed(equation as string, tensors.length)
  const width = widthOf(labelled, tensors)
  const output = outputOf(labelled, width)
  return evaluated(factorsOf(labelled, tensors, width), output)
}

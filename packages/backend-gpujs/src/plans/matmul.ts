// The plan of a contraction: one thread per element, or per four elements of a row if there are many, with its sum in
// nested loops, and in separate blocks. If the sum is one long loop and there are few elements, several threads share
// one, and a second kernel adds their parts.
import {
  type Contraction,
  contractionOf,
  type DType,
  type Instr,
  isFloat,
  isView,
  type Loops,
  numelOf,
} from '@flambeau/core/backend'
import { exact, exprBound } from '../bounds.ts'
import { canEmit, emit, wrapped } from '../expression.ts'
import type { Planner, Step } from '../plan.ts'
import { type Elements, inputElements, PlanWriter } from '../plan-writer.ts'
import { KernelWriter, literal } from '../writer.ts'
import { each, loopsApart, mostTurns, replaced, turns } from './loops.ts'

/**
 * Products per block. Adding up blocks separately keeps the rounding errors of long sums small, and sums of bytes,
 * which wrap after each block, exact.
 */
const block = 128
/** Products per iteration of an unrolled loop. */
const unrolled = 4
/** The number of threads that keeps a device busy: with fewer, threads share the work along k. */
const enoughThreads = 4096

/**
 * With this many outputs there are enough threads even if each computes four elements of a row, which reads the other
 * factor once.
 */
const enoughForFour = 4 * enoughThreads

/** A row of elements that are read in order; its index is a variable. */
interface Row {
  readonly name: string
  readonly index: string
  readonly step: number
}

const at = ({ name, index }: Row, ahead: number): string =>
  `${name}[${ahead === 0 ? index : `${index} + ${literal(ahead)}`}]`

/**
 * Adds the products of the next `n` elements of the rows to variables, and advances the rows. Each further variable
 * uses elements that lie `column` further in the last row.
 */
function addUp(
  writer: KernelWriter,
  rows: readonly Row[],
  n: number,
  sums: readonly string[],
  dtype: DType,
  column = 0,
): void {
  const written = sums.length === 1 ? unrolled : 1
  const last = rows[rows.length - 1]
  const some = (count: number): void => {
    if (count === 0) return
    const ahead = Array.from({ length: count }, (_, i) => i)
    const first = ahead.map((i) => rows.slice(0, -1).map((row) => at(row, i * row.step)))
    const read = sums.length === 1 ? first : first.map((factors) => factors.map((x) => writer.value(x)))
    sums.forEach((sum, j) => {
      const products = ahead.map((i) => [...read[i], at(last, i * last.step + j * column)].join(' * '))
      writer.line(`${sum} += ${products.join(' + ')};`)
    })
    for (const { index, step } of rows) if (step !== 0) writer.line(`${index} += ${count * step};`)
  }
  if (n <= block) {
    turns(writer, Math.floor(n / written), () => some(written))
    some(n % written)
    return
  }
  let part = block
  while (part * mostTurns < n) part *= mostTurns
  const onTheirOwn = (count: number): void => {
    if (count === 0) return
    const partial = sums.map(() => writer.value('0', 'let'))
    addUp(writer, rows, count, partial, dtype, column)
    sums.forEach((sum, j) => {
      writer.line(`${sum} += ${wrapped(writer, partial[j], dtype)};`)
    })
  }
  turns(writer, Math.floor(n / part), () => onTheirOwn(part))
  onTheirOwn(n % part)
}

/** The values that a thread stores: products cast to their dtype, or the results of the epilogue. */
function finish(
  writer: KernelWriter,
  { attrs, inputs, outputs }: Instr<'contract'>,
  { shape, views }: Results,
  sums: readonly string[],
): Step {
  const [{ dtype }] = outputs
  const products = sums.map((sum) => wrapped(writer, isFloat(dtype) ? writer.value(`Math.fround(${sum})`) : sum, dtype))
  const { post } = attrs
  const step = (results: readonly string[]): Step =>
    writer.step(results.length === 1 ? results[0] : `[${results.join(', ')}]`)
  if (post === undefined) return step(products)
  const { sizes, steps } = loopsApart(shape, views, [shape.length - 1])
  const axis = sizes.length - 1
  const indices = writer.indices(writer.index, replaced(sizes, axis, sizes[axis] / sums.length))
  let view = 0
  const operands = inputs
    .slice(2)
    .map((x, k) =>
      isView(x) ? { name: writer.input(x, k + 2), start: writer.start(x, k + 2), steps: steps[view++] } : undefined,
    )
  const numbers = new Map<number, string>()
  const scalar = (position: number, dtype: DType): string => {
    const name = numbers.get(position) ?? writer.scalar(position + 1, dtype)
    numbers.set(position, name)
    return name
  }
  const results = products.map((product, j) => {
    const column = sums.length === 1 ? indices[axis] : writer.address(undefined, [indices[axis], String(j)], [4, 1])
    const there = replaced(indices, axis, column)
    const element = (position: number, dtype: DType): string => {
      if (position === 0) return product
      const x = operands[position - 1]
      if (x === undefined) return scalar(position, dtype)
      return writer.value(`${x.name}[${writer.address(x.start, there, x.steps)}]`)
    }
    return emit(writer, [post], element)[0]
  })
  return step(results)
}

/** The loops over the elements of the result, with the steps of both factors and of each view that the epilogue reads. */
interface Results {
  readonly shape: readonly number[]
  readonly a: readonly number[]
  readonly b: readonly number[]
  readonly views: readonly (readonly number[])[]
}

function resultsOf({ batch, rows, columns }: Contraction): Results {
  const shape = [...batch.sizes, ...rows.sizes, ...columns.sizes]
  // A single element is a loop of one.
  if (shape.length === 0) return { shape: [1], a: [0], b: [0], views: rows.steps.slice(2).map(() => [0]) }
  const still = ({ sizes }: Loops): number[] => sizes.map(() => 0)
  return {
    shape,
    a: [...batch.steps[0], ...rows.steps[0], ...still(columns)],
    b: [...batch.steps[1], ...still(rows), ...columns.steps[0]],
    views: rows.steps.slice(2).map((row, i) => [...batch.steps[3 + i], ...row, ...columns.steps[2 + i]]),
  }
}

/** The maximum iterations of a loop over sums that wrap: sums of their results stay exact. */
const mostWrapped = 2 ** 16

/** Adds up products over nested loops, each of them separately, and advances the rows to the end of the loop. */
function addNested(
  writer: KernelWriter,
  rows: readonly Row[],
  { sizes, steps }: Loops,
  sums: readonly string[],
  dtype: DType,
  column: number,
  level = 0,
): void {
  const inner = level + 1
  const step = (row: number, at: number): number => steps[row][at] ?? 0
  if (inner >= sizes.length) {
    const along = rows.map((row, i) => ({ ...row, step: step(i, level) }))
    return addUp(writer, along, sizes[level] ?? 1, sums, dtype, column)
  }
  each(writer, sizes[level], () => {
    const partial = sums.map(() => writer.value('0', 'let'))
    addNested(writer, rows, { sizes, steps }, partial, dtype, column, inner)
    sums.forEach((sum, j) => {
      writer.line(`${sum} += ${wrapped(writer, partial[j], dtype)};`)
    })
    rows.forEach(({ index }, i) => {
      const back = step(i, level) - sizes[inner] * step(i, inner)
      if (back !== 0) writer.line(`${index} += ${literal(back)};`)
    })
  })
}

export const contract: Planner<'contract'> = {
  supports: (instr) =>
    (instr.attrs.post === undefined || canEmit([instr.attrs.post])) &&
    contractionOf(instr)
      .sum.sizes.slice(0, -1)
      .every((n) => n <= mostWrapped),
  plan: (instr) => {
    const [out] = instr.outputs
    const { dtype } = instr.inputs[0]
    const plan = new PlanWriter()
    return plan.plan(out, () => {
      const contraction = contractionOf(instr)
      const { sum, columns } = contraction
      const results = resultsOf(contraction)
      const { shape } = results
      const length = numelOf(shape)
      const k = numelOf(sum.sizes)
      const parts = length < enoughThreads && sum.sizes.length < 2 ? Math.max(Math.ceil(k / mostTurns), 1) : 1
      const four = length >= enoughForFour && columns.sizes.length > 0 && shape[shape.length - 1] % 4 === 0 && k >= 16
      const writer = new KernelWriter(length * parts, four ? 4 : undefined)
      const sums = Array.from({ length: four ? 4 : 1 }, () => writer.value('0', 'let'))
      if (k === 0) return finish(writer, instr, results, sums)
      const { sizes, steps } = loopsApart(shape, [results.a, results.b], [shape.length - 1])
      const axis = sizes.length - 1
      const [output, part] = writer.indices(writer.index, [length / sums.length, parts])
      const indices = writer.indices(output, replaced(sizes, axis, sizes[axis] / sums.length))
      const rows = sum.steps.map((along, i): Row => {
        const step = along[along.length - 1] ?? 0
        const { name, start } = inputElements(instr, i)(writer)
        const moves = replaced(steps[i], axis, steps[i][axis] * sums.length)
        const first = writer.address(start, [...indices, part], [...moves, mostTurns * step])
        return { name, index: writer.value(first, 'let'), step }
      })
      if (parts === 1) {
        addNested(writer, rows, sum, sums, dtype, columns.steps[0].at(-1) ?? 0)
        return finish(writer, instr, results, sums)
      }
      writer.when(`${part} < ${parts - 1}`, () => addUp(writer, rows, mostTurns, sums, dtype))
      writer.when(`${part} === ${parts - 1}`, () => addUp(writer, rows, k - (parts - 1) * mostTurns, sums, dtype))
      return total(plan.add(writer.step(wrapped(writer, sums[0], dtype))), parts, instr, results)
    })
  },
  bound: ({ attrs, inputs }, [a, b, ...others]) => {
    const { sizes } = inputs[0]
    const product = exact(numelOf(sizes.slice(sizes.length - attrs.sum)) * a * b)
    return attrs.post === undefined ? product : Math.max(product, exprBound(attrs.post, [product, ...others]))
  },
}

/** Sums the parts of each output. */
function total(partial: Elements, parts: number, instr: Instr<'contract'>, results: Results): Step {
  const writer = new KernelWriter(numelOf(results.shape))
  const { name } = partial(writer)
  const sum = writer.value('0', 'let')
  const index = writer.value(writer.address(undefined, [writer.index], [parts]), 'let')
  addUp(writer, [{ name, index, step: 1 }], parts, [sum], instr.outputs[0].dtype)
  return finish(writer, instr, results, [sum])
}

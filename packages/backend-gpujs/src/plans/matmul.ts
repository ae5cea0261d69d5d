// The plan of a matrix product: one thread per element, or per four elements of a row if there are many, with its sum
// over k in separate blocks. If k is long and there are few elements, several threads share one, and a second kernel
// adds their parts.
import {
  asMatrices,
  contractionOf,
  type DType,
  hasMatrices,
  type Instr,
  isFloat,
  isPlain,
  isView,
  numelOf,
} from '@flambeau/core/backend'
import { exact, exprBound } from '../bounds.ts'
import { canEmit, emit, wrapped } from '../expression.ts'
import type { Planner, Step } from '../plan.ts'
import { type Elements, inputElements, PlanWriter } from '../plan-writer.ts'
import { KernelWriter, literal } from '../writer.ts'
import { loopsApart, mostTurns, replaced, turns } from './loops.ts'

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
function finish(writer: KernelWriter, { attrs, inputs, outputs }: Instr<'contract'>, sums: readonly string[]): Step {
  const [{ sizes: shape, dtype }] = outputs
  const products = sums.map((sum) => wrapped(writer, isFloat(dtype) ? writer.value(`Math.fround(${sum})`) : sum, dtype))
  const { post } = attrs
  const step = (results: readonly string[]): Step =>
    writer.step(results.length === 1 ? results[0] : `[${results.join(', ')}]`)
  if (post === undefined) return step(products)
  const views = inputs.flatMap((x, k) => (k >= 2 && isView(x) ? [x.strides] : []))
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

export const contract: Planner<'contract'> = {
  supports: (instr) =>
    (hasMatrices(instr) || isPlain(contractionOf(instr))) &&
    (instr.attrs.post === undefined || canEmit([instr.attrs.post])),
  plan: (given) => {
    const instr = asMatrices(given) as Instr<'contract'>
    const { inputs, outputs } = instr
    const [out] = outputs
    const rank = out.sizes.length
    const [a, b] = inputs
    const length = numelOf(out.sizes)
    const k = a.sizes[rank - 1]
    const plan = new PlanWriter()
    return plan.plan(out, () => {
      const parts = length < enoughThreads ? Math.max(Math.ceil(k / mostTurns), 1) : 1
      const four = length >= enoughForFour && out.sizes[rank - 1] % 4 === 0 && k >= 16
      const writer = new KernelWriter(length * parts, four ? 4 : undefined)
      const sums = Array.from({ length: four ? 4 : 1 }, () => writer.value('0', 'let'))
      if (k === 0) return finish(writer, instr, sums)
      const { sizes, steps } = loopsApart(
        out.sizes,
        [replaced(a.strides, rank - 1, 0), replaced(b.strides, rank - 2, 0)],
        [rank - 1],
      )
      const axis = sizes.length - 1
      const [output, part] = writer.indices(writer.index, [length / sums.length, parts])
      const indices = writer.indices(output, replaced(sizes, axis, sizes[axis] / sums.length))
      const rows = [a.strides[rank - 1], b.strides[rank - 2]].map((step, i): Row => {
        const { name, start } = inputElements(instr, i)(writer)
        const along = replaced(steps[i], axis, steps[i][axis] * sums.length)
        const first = writer.address(start, [...indices, part], [...along, mostTurns * step])
        return { name, index: writer.value(first, 'let'), step }
      })
      if (parts === 1) {
        addUp(writer, rows, k, sums, a.dtype, b.strides[rank - 1])
        return finish(writer, instr, sums)
      }
      writer.when(`${part} < ${parts - 1}`, () => addUp(writer, rows, mostTurns, sums, a.dtype))
      writer.when(`${part} === ${parts - 1}`, () => addUp(writer, rows, k - (parts - 1) * mostTurns, sums, a.dtype))
      return total(plan.add(writer.step(wrapped(writer, sums[0], a.dtype))), parts, instr)
    })
  },
  bound: ({ attrs, inputs }, [a, b, ...others]) => {
    const { sizes } = inputs[0]
    const product = exact(numelOf(sizes.slice(sizes.length - attrs.sum)) * a * b)
    return attrs.post === undefined ? product : Math.max(product, exprBound(attrs.post, [product, ...others]))
  },
}

/** Sums the parts of each output. */
function total(partial: Elements, parts: number, instr: Instr<'contract'>): Step {
  const writer = new KernelWriter(numelOf(instr.outputs[0].sizes))
  const { name } = partial(writer)
  const sum = writer.value('0', 'let')
  const index = writer.value(writer.address(undefined, [writer.index], [parts]), 'let')
  addUp(writer, [{ name, index, step: 1 }], parts, [sum], instr.outputs[0].dtype)
  return finish(writer, instr, [sum])
}

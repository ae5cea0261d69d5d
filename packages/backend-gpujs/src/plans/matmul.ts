// The plan of a product of matrices: a thread an element, its sum over k in blocks that are added up on their own. Where
// k is long and there are few elements, several threads share one, and a second kernel adds up what they have.
import { type DType, type Instr, isFloat, isView, loopsOver, numelOf, type View } from '@flambeau/core/backend'
import { exact, exprBound } from '../bounds.ts'
import { emit, wrapped } from '../expression.ts'
import type { Planner, Step } from '../plan.ts'
import { type Elements, inputElements, PlanWriter } from '../plan-writer.ts'
import { KernelWriter } from '../writer.ts'
import { mostTurns, replaced, turns } from './loops.ts'

/**
 * Products added one after the other before their sum is added to others: rounding errors of long sums stay small, and
 * sums of bytes, which wrap around each time, exact.
 */
const block = 128
/** Products that are written out in a turn of a loop. */
const unrolled = 4
/** Threads that keep a device busy: with fewer, k is shared. */
const enoughThreads = 4096

/** A row of elements that are read one after the other; its index is a variable. */
interface Row {
  readonly name: string
  readonly index: string
  readonly step: number
}

/** Adds the products of the next `n` elements of the rows to a variable, and moves the rows on. */
function addUp(writer: KernelWriter, rows: readonly Row[], n: number, sum: string, dtype: DType): void {
  const some = (count: number): void => {
    if (count === 0) return
    const products = Array.from({ length: count }, (_, i) =>
      rows.map(({ name, index, step }) => `${name}[${i * step === 0 ? index : `${index} + ${i * step}`}]`).join(' * '),
    )
    writer.line(`${sum} += ${products.join(' + ')};`)
    for (const { index, step } of rows) if (step !== 0) writer.line(`${index} += ${count * step};`)
  }
  if (n <= block) {
    turns(writer, Math.floor(n / unrolled), () => some(unrolled))
    some(n % unrolled)
    return
  }
  let part = block
  while (part * mostTurns < n) part *= mostTurns
  const onItsOwn = (count: number): void => {
    if (count === 0) return
    const partial = writer.value('0', 'let')
    addUp(writer, rows, count, partial, dtype)
    writer.line(`${sum} += ${wrapped(writer, partial, dtype)};`)
  }
  turns(writer, Math.floor(n / part), () => onItsOwn(part))
  onItsOwn(n % part)
}

/** What is stored: the product brought to its dtype, and what the epilogue makes of it. */
function finish(writer: KernelWriter, { attrs, inputs, outputs }: Instr<'matmul'>, sum: string): Step {
  const [out] = outputs
  const product = wrapped(writer, isFloat(out.dtype) ? writer.value(`Math.fround(${sum})`) : sum, out.dtype)
  if (attrs.post === undefined) return writer.step(product)
  const views = inputs.flatMap((x, k) => (k >= 2 && isView(x) ? [x] : []))
  const { sizes, steps } = loopsOver(
    out.shape,
    views.map(({ strides }) => strides),
  )
  const indices = writer.indices(writer.index, sizes)
  const element = (position: number, dtype: DType): string => {
    if (position === 0) return product
    const at = position + 1
    const x = inputs[at]
    if (!isView(x)) return writer.scalar(at, dtype)
    const address = writer.address(writer.start(x, at), indices, steps[views.indexOf(x)])
    return writer.value(`${writer.input(x, at)}[${address}]`)
  }
  return writer.step(emit(writer, [attrs.post], element)[0])
}

export const matmul: Planner<'matmul'> = {
  plan: (instr) => {
    const { inputs, outputs } = instr
    const [out] = outputs
    const rank = out.shape.length
    const [a, b] = inputs as readonly View[]
    const length = numelOf(out.shape)
    const k = a.shape[rank - 1]
    const plan = new PlanWriter()
    return plan.plan(out, () => {
      const parts = length < enoughThreads ? Math.max(Math.ceil(k / mostTurns), 1) : 1
      const writer = new KernelWriter(length * parts)
      const sum = writer.value('0', 'let')
      if (k === 0) return finish(writer, instr, sum)
      const { sizes, steps } = loopsOver(out.shape, [
        replaced(a.strides, rank - 1, 0),
        replaced(b.strides, rank - 2, 0),
      ])
      const [output, part] = writer.indices(writer.index, [length, parts])
      const indices = writer.indices(output, sizes)
      const rows = [a.strides[rank - 1], b.strides[rank - 2]].map((step, i): Row => {
        const { name, start } = inputElements(instr, i)(writer)
        const first = writer.address(start, [...indices, part], [...steps[i], mostTurns * step])
        return { name, index: writer.value(first, 'let'), step }
      })
      if (parts === 1) {
        addUp(writer, rows, k, sum, a.dtype)
        return finish(writer, instr, sum)
      }
      writer.when(`${part} < ${parts - 1}`, () => addUp(writer, rows, mostTurns, sum, a.dtype))
      writer.when(`${part} === ${parts - 1}`, () => addUp(writer, rows, k - (parts - 1) * mostTurns, sum, a.dtype))
      return total(plan.add(writer.step(wrapped(writer, sum, a.dtype))), parts, instr)
    })
  },
  bound: ({ attrs, inputs }, [a, b, ...others]) => {
    const product = exact(((inputs[0] as View).shape.at(-1) as number) * a * b)
    return attrs.post === undefined ? product : Math.max(product, exprBound(attrs.post, [product, ...others]))
  },
}

/** The sums of the parts of each output. */
function total(partial: Elements, parts: number, instr: Instr<'matmul'>): Step {
  const writer = new KernelWriter(numelOf(instr.outputs[0].shape))
  const { name } = partial(writer)
  const sum = writer.value('0', 'let')
  const index = writer.value(writer.address(undefined, [writer.index], [parts]), 'let')
  addUp(writer, [{ name, index, step: 1 }], parts, sum, instr.outputs[0].dtype)
  return finish(writer, instr, sum)
}

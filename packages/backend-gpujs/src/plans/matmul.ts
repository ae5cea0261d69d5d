// The plan of a product of matrices: a thread an element, its sum over k in blocks that are added up on their own. Where
// k is long and there are few elements, several threads share one, and a second kernel adds up what they have.
import { loopsOver, numelOf, type View } from '@flambeau/core/backend'
import type { Planner } from '../plan.ts'
import { wrapped } from './integers.ts'
import { coordinatesOf, indexAt, inputCells, KernelText, loop, mostTurns, partOf, PlanText, replaced } from './text.ts'

/** Products added one after the other before their sum is added to others: rounding errors of long sums stay small. */
const block = 128
/** Products that are written out in a turn of a loop. */
const unrolled = 4
/** Threads that keep a device busy: with fewer, k is shared. */
const enoughThreads = 4096

/** What is added up: source of the term so many terms ahead, and statements that go ahead. */
interface Terms {
  at(ahead: number): string
  go(ahead: number): readonly string[]
}

/** A factor whose next element is at `index`, a variable. */
const factor = (name: string, index: string, step: number): Terms => ({
  at: (ahead) => `${name}[${indexAt(index, [String(ahead)], [ahead === 0 ? 0 : step])}]`,
  go: (ahead) => (step === 0 ? [] : [`${index} += ${ahead * step};`]),
})

/** Statements that add the next `n` terms to the variable `sum`. */
function addUp(text: KernelText, terms: Terms, n: number, sum: string): readonly string[] {
  const some = (count: number): readonly string[] => {
    if (count === 0) return []
    const added = Array.from({ length: count }, (_, i) => terms.at(i))
    return [`${sum} += ${added.join(' + ')};`, ...terms.go(count)]
  }
  if (n <= block) return [...loop(text, Math.floor(n / unrolled), () => some(unrolled)), ...some(n % unrolled)]
  let part = block
  while (part * mostTurns < n) part *= mostTurns
  const own = (count: number): readonly string[] => {
    if (count === 0) return []
    const partial = text.name('s')
    return [`let ${partial} = 0;`, ...addUp(text, terms, count, partial), `${sum} += ${partial};`]
  }
  return [...loop(text, Math.floor(n / part), () => own(part)), ...own(n % part)]
}

export const matmul: Planner<'matmul'> = {
  supports: ({ attrs }) => attrs.post === undefined,
  plan: (instr) => {
    const { inputs, outputs } = instr
    const [out] = outputs
    const rank = out.shape.length
    const [a, b] = inputs as readonly View[]
    const length = numelOf(out.shape)
    const k = a.shape[rank - 1]
    const plan = new PlanText()
    return plan.made(out, () => {
      const text = new KernelText()
      if (k === 0) return plan.add(text.step(length, [], '0'))
      const parts = length < enoughThreads ? Math.ceil(k / mostTurns) : 1
      const thread = partOf(text, parts, length)
      const { sizes, steps } = loopsOver(out.shape, [
        replaced(a.strides, rank - 1, 0),
        replaced(b.strides, rank - 2, 0),
      ])
      const { lines, coordinates } = coordinatesOf(text, thread.output, sizes)
      const factors = [a.strides[rank - 1], b.strides[rank - 2]].map((step, i) => {
        const { name, start } = text.array(inputCells(instr, i))
        const first = indexAt(start, [...coordinates, thread.part], [...steps[i], parts === 1 ? 0 : mostTurns * step])
        const index = text.name('p')
        return { declaration: `let ${index} = ${first};`, ...factor(name, index, step) }
      })
      const products: Terms = {
        at: (ahead) => factors.map((x) => x.at(ahead)).join(' * '),
        go: (ahead) => factors.flatMap((x) => x.go(ahead)),
      }
      const head = [...thread.lines, ...lines, ...factors.map(({ declaration }) => declaration), 'let sum = 0;']
      if (parts === 1) {
        return plan.add(text.step(length, [...head, ...addUp(text, products, k, 'sum')], wrapped('sum', out.dtype)))
      }
      const rest = k - (parts - 1) * mostTurns
      const body = [
        `if (${thread.part} < ${parts - 1}) {`,
        ...addUp(text, products, mostTurns, 'sum'),
        '} else {',
        ...addUp(text, products, rest, 'sum'),
        '}',
      ]
      const partial = plan.add(text.step(length * parts, [...head, ...body], 'sum'))
      const last = new KernelText()
      const { name } = last.array(partial)
      const total = addUp(last, factor(name, 'p', 1), parts, 'sum')
      const lines_ = [`let p = this.thread.x * ${parts};`, 'let sum = 0;', ...total]
      return plan.add(last.step(length, lines_, wrapped('sum', out.dtype)))
    })
  },
  bound: ({ inputs }, [a, b]) => ((inputs[0] as View).shape.at(-1) as number) * a * b,
}

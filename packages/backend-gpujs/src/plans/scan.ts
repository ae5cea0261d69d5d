// The plan of a scan: separate blocks, in which each element reads those before it, then a scan of the blocks' totals,
// then the combination of both. This pays off at any length: three kernels for a thousand elements, seven for a
// million.
import { contiguousStrides, type DType, numelOf, type ReduceFn, type Shape } from '@flambeau/core/backend'
import { reducedBound } from '../bounds.ts'
import { wrapped } from '../expression.ts'
import type { Planner, Step } from '../plan.ts'
import { type Elements, inputElements, PlanWriter } from '../plan-writer.ts'
import { KernelWriter } from '../writer.ts'
import { further, loopsApart, replaced, turns } from './loops.ts'
import { combine } from './reduce.ts'

/** The maximum number of elements that one element reads. */
const block = 32

/** The input and operation of a scan. */
interface Scan {
  readonly elements: Elements
  readonly shape: Shape
  readonly strides: readonly number[]
  /** The offset of the first element. */
  readonly first: number
  readonly axis: number
  readonly fn: ReduceFn
  readonly dtype: DType
}

const put = (writer: KernelWriter, { fn, dtype }: Scan, x: string, y: string): string =>
  wrapped(writer, writer.value(combine(fn, dtype, x, y)), dtype)

/** The scan's result, row-major. */
function scanned(plan: PlanWriter, scan: Scan): Step {
  const { shape, axis } = scan
  const inBlocks = scannedBlocks(scan)
  if (shape[axis] <= block) return inBlocks
  const elements = plan.add(inBlocks)
  // The total of a block is its last element; nothing follows the last block.
  const strides = contiguousStrides(shape)
  const blocks = replaced(shape, axis, Math.ceil(shape[axis] / block) - 1)
  const ends = { elements, shape: blocks, strides: replaced(strides, axis, strides[axis] * block) }
  const before = plan.add(scanned(plan, { ...scan, ...ends, first: (block - 1) * strides[axis] }))
  const writer = new KernelWriter(numelOf(shape))
  const { sizes, steps, own } = loopsApart(shape, [contiguousStrides(blocks)], [axis])
  const indices = writer.indices(writer.index, sizes)
  const [along] = own
  const [number] = writer.indices(indices[along], [blocks[axis] + 1, block])
  const x = writer.value(`${elements(writer).name}[${writer.index}]`, 'let')
  const { name } = before(writer)
  writer.when(`${number} > 0`, () => {
    const previous = replaced(indices, along, writer.value(`${number} - 1`))
    const y = writer.value(`${name}[${writer.address(undefined, previous, steps[0])}]`)
    writer.line(`${x} = ${put(writer, scan, y, x)};`)
  })
  return writer.step(x)
}

/** The separate blocks along the axis, row-major. */
function scannedBlocks(scan: Scan): Step {
  const { elements, shape, strides, first, axis } = scan
  const size = shape[axis]
  const writer = new KernelWriter(numelOf(shape))
  const { sizes, steps, own } = loopsApart(shape, [strides], [axis])
  const indices = writer.indices(writer.index, sizes)
  const [along] = own
  const step = steps[0][along]
  const place = size <= block ? indices[along] : writer.indices(indices[along], [Math.ceil(size / block), block])[1]
  const { name, start } = elements(writer)
  const from = writer.address(further(writer, start, first), [...indices, place], [...steps[0], -step])
  const x = writer.value(`${name}[${from}]`, 'let')
  turns(writer, Math.min(size, block) - 1, (turn) =>
    writer.when(`${turn} < ${place}`, () => {
      const y = writer.value(`${name}[${further(writer, writer.address(from, [turn], [step]), step)}]`)
      writer.line(`${x} = ${put(writer, scan, x, y)};`)
    }),
  )
  return writer.step(x)
}

export const scan: Planner<'scan'> = {
  plan: (instr) => {
    const { attrs, inputs, outputs } = instr
    const [{ sizes, strides }] = inputs
    const [out] = outputs
    const plan = new PlanWriter()
    // A 0-d tensor is a row of one element.
    const rows = sizes.length === 0 ? { shape: [1], strides: [1] } : { shape: sizes, strides }
    const whole = { ...rows, ...attrs, elements: inputElements(instr, 0), first: 0, dtype: out.dtype }
    return plan.plan(out, () => scanned(plan, whole))
  },
  bound: ({ attrs, inputs }, [bound]) => reducedBound(attrs.fn, bound, inputs[0].sizes[attrs.axis] ?? 1),
}

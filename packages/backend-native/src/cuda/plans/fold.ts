// The plan of a fold, the adjoint of a view: an element of the output adds up the elements that lie there, which it finds
// by inverting the layout, largest step first. Windows overlap, so there may be several.
import { contiguousStrides, isFloat, loopsOver, numelOf, type Prims } from '@flambeau/core/backend'
import type { Plan, Planner } from '../plan.ts'
import { divisionBy } from '../text/loops.ts'
import type { Value } from '../value.ts'
import type { KernelWriter, MakeWriter } from '../text/writer.ts'
import { planEach } from './elements.ts'

/** The steps of the input's axes in the row-major output, and the position of its first element. */
function landing(
  { out, offset, axes }: Prims['fold'],
  rank: number,
): { readonly steps: number[]; readonly first: number } {
  const strides = contiguousStrides(out)
  const steps = new Array<number>(rank).fill(0)
  axes.forEach((terms, axis) => {
    for (const { in: from, step } of terms) steps[from] += step * strides[axis]
  })
  return { steps, first: offset.reduce((at, n, axis) => at + n * strides[axis], 0) }
}

/** A loop over the elements: its size, its step in the output, and its step among the elements. */
interface Dim {
  readonly size: number
  readonly step: number
  readonly from: number
}

/** A dimension in the kernel. `turns`: how many of its indices may lead to a position. */
interface DeclaredDim {
  readonly size: Value
  readonly step: Value
  readonly from: Value
  readonly turns: Value
  /** All indices are tried; otherwise those before the quotient by the step. */
  readonly tries: 'all' | { readonly multiplier: Value; readonly shift: Value }
}

function declareDims(w: KernelWriter, dims: readonly Dim[]): DeclaredDim[] {
  const int = (value: number): Value => w.param({ is: 'int', value })
  return dims.map(({ size, step, from }, d) => {
    // Later dimensions reach this far, so an element comes at most as many before the last candidate.
    const reach = dims.slice(d + 1).reduce((sum, dim) => sum + (dim.size - 1) * dim.step, 0)
    const turns = step === 0 ? size : Math.floor(reach / step) + 1
    const declared = { size: int(size), step: int(step), from: int(from), turns: int(Math.min(turns, size)) }
    if (turns >= size) return { ...declared, tries: 'all' }
    const { multiplier, shift } = divisionBy(step)
    return { ...declared, tries: { multiplier: int(multiplier), shift: int(shift) } }
  })
}

/** Writes `body` for the place of every element that lies `position` after the first. */
function preimages(
  w: KernelWriter,
  dims: readonly DeclaredDim[],
  position: Value,
  start: Value,
  body: (at: Value) => void,
): void {
  const search = (left: Value, at: Value, d: number): void => {
    if (d === dims.length) {
      w.when(w.compare('eq', left, w.int(0)), () => body(at))
      return
    }
    const { size, step, from, turns, tries } = dims[d]
    const inner = (index: Value): void =>
      search(w.index('sub', left, w.index('mul', index, step)), w.indexMad(index, from, at), d + 1)
    if (tries === 'all') {
      w.loop(w.int(0), turns, w.int(1), (index) => {
        w.when(w.compare('ge', left, w.index('mul', index, step)), () => inner(index))
      })
      return
    }
    const high = w.index('mulHigh', left, tries.multiplier)
    const last = w.index('shiftRight', w.index('add', high, left), tries.shift)
    // From the first of them on, in the order of the elements.
    w.loop(w.int(0), turns, w.int(1), (turn) => {
      const index = w.index('sub', last, w.index('sub', w.index('sub', turns, w.int(1)), turn))
      const inside = w.both(w.compare('ge', index, w.int(0)), w.compare('lt', index, size))
      w.when(inside, () => inner(index))
    })
  }
  w.when(w.compare('ge', position, w.int(0)), () => search(position, start, 0))
}

export const planFold =
  (make: MakeWriter): Planner<'fold'> =>
  ({ attrs, inputs: [x], outputs: [out] }): Plan => {
    const count = numelOf(out.sizes)
    if (count === 0) return { launches: [], scratch: [] }
    const rank = x.sizes.length
    const isEmpty = numelOf(x.sizes) === 0
    const { sizes, steps } = loopsOver(x.sizes, [landing(attrs, rank).steps, x.strides])
    let [before, shifted] = [0, 0]
    const dims = (isEmpty ? [] : sizes)
      .map((size, d): Dim => {
        const [step, from] = [steps[0][d], steps[1][d]]
        if (step >= 0) return { size, step, from }
        // A negative step begins at the other end.
        before += (size - 1) * step
        shifted += (size - 1) * from
        return { size, step: -step, from: -from }
      })
      .sort((a, b) => b.step - a.step)
    const through = isFloat(out.dtype) ? 'float64' : out.dtype
    const launch = planEach(
      make,
      'fold',
      count,
      false,
      (w) => {
        const from = w.param({ is: 'input', input: 0 })
        const to = w.param({ is: 'output', output: 0 })
        const first = w.param({
          is: 'attribute',
          type: 'int',
          of: (instr) => landing(instr.attrs as Prims['fold'], rank).first + before,
        })
        const start = w.param({ is: 'int', value: shifted })
        const declared = declareDims(w, dims)
        return {
          read: (n) => n,
          write: (n) => {
            const sum = w.variable(w.constant(0, through))
            if (!isEmpty) {
              preimages(w, declared, w.index('sub', n, first), start, (at) => {
                const y = w.step('cast', through, x.dtype, [w.load(x.dtype, from, at)])
                w.set(sum, w.step('add', through, through, [sum, y]))
              })
            }
            w.store(out.dtype, to, n, w.step('cast', out.dtype, through, [sum]))
          },
        }
      },
      Math.max(1, Math.ceil(numelOf(x.sizes) / count)),
    )
    return { launches: [launch], scratch: [] }
  }

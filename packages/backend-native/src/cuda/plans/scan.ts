// The plan of a scan: a thread takes a line along the axis. Sums and products of floats run in double precision; each
// element is rounded when it is stored.
import { contiguousStrides, isFloat, loopsOver, numelOf } from '@flambeau/core/backend'
import type { Plan, Planner } from '../plan.ts'
import { declareLoops, declareSteps } from '../text/loops.ts'
import type { MakeWriter } from '../text/writer.ts'
import { planEach } from './elements.ts'
import { combining } from './reduction.ts'

export const planScan =
  (make: MakeWriter): Planner<'scan'> =>
  ({ attrs: { axis, fn }, inputs: [x], outputs: [out] }): Plan => {
    if (numelOf(x.sizes) === 0) return { launches: [], scratch: [] }
    const drop = (list: readonly number[]): number[] => list.filter((_, i) => i !== axis)
    const rows = [x.strides, contiguousStrides(x.sizes)]
    const { sizes, steps } = loopsOver(drop(x.sizes), rows.map(drop))
    const through = isFloat(out.dtype) ? 'float64' : out.dtype
    const launch = planEach(
      make,
      'scan',
      numelOf(sizes),
      false,
      (w) => {
        const split = declareLoops(w, sizes)
        const [from, to] = [w.param({ is: 'input', input: 0 }), w.param({ is: 'output', output: 0 })]
        const [at, atOut] = steps.map((row) => declareSteps(w, row))
        const [next, nextOut, length] = [rows[0][axis] ?? 0, rows[1][axis] ?? 0, x.sizes[axis] ?? 1].map((value) =>
          w.param({ is: 'int', value }),
        )
        return {
          read: (n) => split(n),
          write: (i) => {
            const [start, startOut] = [at(i), atOut(i)]
            const first = w.step('cast', through, x.dtype, [w.load(x.dtype, from, start)])
            const running = w.variable(first)
            w.store(out.dtype, to, startOut, w.step('cast', out.dtype, through, [running]))
            w.loop(w.int(1), length, w.int(1), (c) => {
              const y = w.step('cast', through, x.dtype, [w.load(x.dtype, from, w.indexMad(c, next, start))])
              w.set(running, w.step(combining[fn], through, through, [running, y]))
              const target = w.indexMad(c, nextOut, startOut)
              w.store(out.dtype, to, target, w.step('cast', out.dtype, through, [running]))
            })
          },
        }
      },
      x.sizes[axis] ?? 1,
    )
    return { launches: [launch], scratch: [] }
  }

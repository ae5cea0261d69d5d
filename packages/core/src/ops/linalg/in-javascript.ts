// The routines of linear algebra in JavaScript, over the matrices of a batch.
import { eliminations } from './factorizations.ts'
import { reflections } from './orthogonal.ts'
import type { Call, Routines } from './routines.ts'

const routines: Routines = { ...eliminations, ...reflections }

/** The parts of arrays that belong to one matrix. */
export const partsOf = (arrays: readonly Float64Array[], count: number, batch: number): readonly Float64Array[] =>
  count === 1 ? arrays : arrays.map((x) => x.subarray((batch * x.length) / count, ((batch + 1) * x.length) / count))

/** In JavaScript, one matrix after the other. */
export const inJavaScript: Call = (routine, count, sizes, arrays) => {
  for (let batch = 0; batch < count; batch++) routines[routine](sizes, partsOf(arrays, count, batch))
}

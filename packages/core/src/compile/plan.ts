// Where each value of a program lies. Memory from before the step stays where it is, results get memory of their own at
// every run, and all else shares an arena.
import type { Place, Plan, Program } from '../backend/program.ts'
import { dtypeSize } from '../base/dtype.ts'
import { numelOf } from '../base/shape.ts'

const align = 64

/** A plan in which no two values of the arena share memory. */
export function plan(program: Program): Plan {
  const places: (Place | undefined)[] = new Array(program.values.length).fill(undefined)
  for (const [value, given] of program.given) {
    if (given.from === 'buffer') places[value] = { in: 'buffer', buffer: given.buffer }
    else if (given.from === 'argument') places[value] = { in: 'argument', argument: given.argument }
    else if (given.from === 'draw') places[value] = { in: 'draw', draw: given.draw }
  }
  for (const { first, last } of program.kept) places[last] = places[first]
  const results: number[] = []
  for (const { value } of program.results) {
    if (places[value] === undefined) places[value] = { in: 'result', result: results.push(value) - 1 }
  }
  let bytes = 0
  for (const instr of program.instrs) {
    for (const value of instr.outputs) {
      if (places[value] !== undefined) continue
      const { shape, dtype } = program.values[value]
      places[value] = { in: 'arena', at: bytes }
      bytes += Math.ceil((numelOf(shape) * dtypeSize[dtype]) / align) * align
    }
  }
  return { places, results, bytes }
}

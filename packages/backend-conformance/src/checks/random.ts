// Random shapes of rank 0 to 4 with sizes 0 to 4 in random layouts, compared with the results of plain loops.
import * as fc from 'fast-check'
import { callOp, lay, type Make, memories, type Memory, prepareCall, readAll } from '../call.ts'
import { differenceOfAll, type Result } from '../compare.ts'
import type { Case as Drawn, Choose } from '../property.ts'
import { type Check, hasDoubles, narrowed, type Subject } from '../subject.ts'

const show = ({ args, kwargs }: Pick<Drawn, 'args' | 'kwargs'>): string =>
  JSON.stringify(kwargs ? [...args, kwargs] : args)

const differs = async (
  { op }: Subject,
  drawn: Drawn,
  memory: readonly Memory[],
  slack: number,
): Promise<string | undefined> => {
  const { expected, tolerance = 0 } = drawn
  const make: Make = (spec, i) =>
    lay(spec.values as readonly number[], spec.shape, spec.dtype, memory[i % memory.length])
  const call = prepareCall(drawn, make, false)
  if (!('throws' in expected)) {
    const near = Math.max(tolerance, slack)
    const actual = await readAll(callOp(op, call.args))
    return differenceOfAll(actual, expected as readonly Result[], () => [near, near])
  }
  try {
    await readAll(callOp(op, call.args))
  } catch (error) {
    return (error as Error).name === expected.throws
      ? undefined
      : `${(error as Error).name} instead of ${expected.throws}`
  }
  return `did not throw ${expected.throws}`
}

export const shapes: Check = (subject) => {
  const { property } = subject.entry
  if ('none' in property) return []
  const doubles = hasDoubles(subject)
  return [
    {
      label: `${subject.runs} draws`,
      async run() {
        let found: string | undefined
        const result = await fc.check(
          fc.asyncProperty(fc.gen(), async (gen) => {
            const choose: Choose = { int: (min, max) => gen(fc.integer, { min, max }) }
            const drawn = doubles ? property(choose) : narrowed(property(choose))
            const memory = Array.from({ length: 3 }, () => memories[choose.int(0, memories.length - 1)])
            const wrong = await differs(subject, drawn, memory, doubles ? 0 : 1e-5).catch(
              (error: Error) => `threw ${error.name}: ${error.message}`,
            )
            if (wrong !== undefined) found = `${wrong} for ${show(drawn)} in ${memory.join(', ')} memory`
            return wrong === undefined
          }),
          { numRuns: subject.runs, seed: 20, endOnFailure: true },
        )
        return result.failed ? (found ?? String(result.errorInstance)) : undefined
      },
    },
  ]
}

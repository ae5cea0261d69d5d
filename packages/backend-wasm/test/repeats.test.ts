// Loops in steps as repetitions of the stream: the numbers equal those of eager code, to the bit unless something is
// summed or contracted.
import { useDevice } from '@flambeau/core'
import { CheckedBackend } from '@flambeau/core/backend'
import { expect, it } from 'vitest'
import { compiled, eager, loopCases, turnsIn } from '../../core/test/loops.ts'
import { wasm } from '../src/index.ts'

for (const [name, loop] of Object.entries(loopCases)) {
  it(name, async () => {
    const checked = new CheckedBackend(await wasm())
    useDevice(checked)
    const expected = eager(loop, 5)
    const { seen, text } = compiled(loop, 5)
    expect(turnsIn(text)).toEqual(loop.turns)
    expect(checked.found).toEqual([])
    if (loop.sums === undefined) expect(seen).toEqual(expected)
    for (const [i, call] of seen.entries())
      for (const [k, x] of call.entries()) expect(x).toBeCloseTo(expected[i][k], 4)
  })
}

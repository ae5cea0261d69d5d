// Loops in steps as repetitions of the stream: the numbers equal those of eager code, to the bit unless something is
// summed or contracted.
import { compile, noGrad, randint, randn, useDevice, zeros } from '@flambeau/core'
import { CheckedBackend } from '@flambeau/core/backend'
import { expect } from 'vitest'
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import { compiled, eager, loopCases, turnsIn } from '../../core/test/loops.ts'
import { native } from '../src/index.ts'

const it = (name: string, body: () => void | Promise<void>) => testWith('native', nativeMissing, name, body)

for (const [name, loop] of Object.entries(loopCases)) {
  it(name, async () => {
    const checked = new CheckedBackend(await native())
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

it('an iteration that fails changes nothing and reports the index', async () => {
  useDevice(await native())
  const [index, table, kept] = [randint(0, 9, [40, 5]), randn(9), zeros(5)]
  const step = compile(() =>
    noGrad(() => {
      for (let t = 0; t < 40; t++) kept.mul_(0.5).add_(table.gather(0, index.select(0, t)))
      return [kept.clone()]
    }),
  )
  for (let i = 0; i < 4; i++) step()
  expect(turnsIn(step.explain())).toEqual([40])
  const before = [...kept.toArray()]
  index.select(0, 31).fill_(9)
  expect(() => step()).toThrow('index 9 is out of bounds for dimension 0 with size 9')
  expect([...kept.toArray()]).toEqual(before)
})

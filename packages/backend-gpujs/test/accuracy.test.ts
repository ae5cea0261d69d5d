// Measures the accuracy of math.ts in every mode. `FLAMBEAU_ACCURACY=1` prints the results, and how far every op is
// from PyTorch, for docs/internals/gpujs-numbers.md.
import { worstOf } from '@flambeau/backend-conformance'
import { js, useDevice } from 'flambeau'
import { afterAll, describe, expect, it } from 'vitest'
import { gpujs, type Mode } from '../src/index.ts'
import { rows, worstOn } from './accurate.ts'
import { found, glModes } from './each-mode.ts'

const table = new Map<string, string[]>()
const note = (name: string, cell: string): void => void table.set(name, [...(table.get(name) ?? []), cell])
const printing = process.env.FLAMBEAU_ACCURACY !== undefined

afterAll(() => {
  if (!printing) return
  const lines = [...table].map(([name, cells]) => `| ${name} | ${cells.join(' | ')} |`)
  console.log([`| | ${found.join(' | ')} |`, `|---|${found.map(() => '---').join('|')}|`, ...lines].join('\n'))
})

describe.each(found)('on %s', (mode) => {
  const count = (glModes as readonly string[]).includes(mode) ? 4096 : 20000
  it.each(rows)('$name within $most units', async (row) => {
    const worst = worstOn(await gpujs({ mode }), row, count)
    note(row.name, String(worst.units))
    expect(worst.units, `at ${worst.at}`).toBeLessThanOrEqual(row.most)
  })

  if (printing) it('and every op from PyTorch', () => noteOps(mode), 300_000)
})

async function noteOps(mode: Mode): Promise<void> {
  for (const { op, values, gradients } of await worstOf(await gpujs({ mode }))) {
    note(`\`${op}\``, [values, gradients].map((x) => (x === 0 ? '0' : x.toExponential(0))).join(', '))
  }
  useDevice(js())
}

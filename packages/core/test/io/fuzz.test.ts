// A sample of fuzzing, and more of it on demand: FUZZ=1000000 FUZZ_SEED=7 FUZZ_ONLY=npz before the command says how many
// inputs, which, and of what, and prints what was refused and the slowest input.
import { expect, it } from 'vitest'
import { fuzz } from './fuzz.ts'
import { targets } from './fuzz-targets.ts'

const asked = process.env.FUZZ
const count = Number(asked ?? 20_000)
const seed = Number(process.env.FUZZ_SEED ?? 1)
const only = process.env.FUZZ_ONLY

it.each(targets.filter(({ name }) => only === undefined || name === only))(
  'damaged files are read or refused: $name',
  { timeout: 0 },
  async (target) => {
    const share = only === undefined ? target.share : 1
    const { messages, ...report } = await fuzz(target, Math.round(share * count), seed)
    expect(report.refused).toBeGreaterThan(0.3 * report.inputs)
    expect(report.refused).toBeLessThan(report.inputs)
    if (asked === undefined) return
    console.log(target.name, report, `most memory of the process: ${process.resourceUsage().maxRSS >> 10} MB`)
    for (const [text, times] of [...messages].sort((a, b) => b[1] - a[1]).slice(0, 60)) console.log(times, text)
  },
)

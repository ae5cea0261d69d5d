// The progress bar under a fake clock: what it shows, and that it makes room for lines.
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Seen } from '../src/lesson.ts'
import { progress } from '../src/progress.ts'

const terminals = [process.stdout, process.stderr]
const known = terminals.map(({ isTTY }) => isTTY)
let now = 0
let shown = ''

beforeEach(() => {
  now = 0
  shown = ''
  for (const terminal of terminals) {
    terminal.isTTY = true
    vi.spyOn(terminal, 'write').mockImplementation((text) => {
      shown += text
      return true
    })
  }
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  vi.spyOn(Date, 'now').mockImplementation(() => now)
  vi.spyOn(console, 'log').mockImplementation((text) => void (shown += `${text}\n`))
})
afterEach(() => {
  vi.restoreAllMocks()
  terminals.forEach((terminal, i) => void (terminal.isTTY = known[i]))
})

/** The end of an epoch, or a batch in it. */
const seen = (done: number, epochs: number): Seen => ({
  epoch: Math.ceil(done),
  epochs,
  done,
  loss: 0,
  batch: undefined,
  model: undefined,
  points: [],
  checkpoint: undefined,
})

/** The last drawing while epochs take the given number of milliseconds each. */
const train = (from: number, to: number, ms: number, { onStep }: ReturnType<typeof progress>): string => {
  for (let epoch = from; epoch <= to; epoch++) {
    now += ms
    onStep(seen(epoch, 1000))
  }
  return shown.split('\x1b[1G').at(-1)?.replace('\x1b[0K', '') ?? ''
}

it('estimates the remaining time from the current speed, not from the slow start', () => {
  const bar = progress('lesson')
  expect(train(1, 3, 50, bar)).toMatch(/^lesson -{40} {4}\d\/1000 epochs {2}$/)
  expect(train(4, 40, 50, bar)).toMatch(/^lesson ={1,2}-{38,39} {3}\d\d\/1000 epochs {2}4[89] s left$/)
  expect(train(41, 500, 10, bar)).toMatch(/^lesson ={19,20}-{20,21} {2}\d{3}\/1000 epochs {2}[56] s left$/)
  bar.finish()
})

it('makes room for a line, and returns with the next epoch', () => {
  const bar = progress('lesson')
  train(1, 100, 10, bar)
  shown = ''
  bar.print('a line')
  expect(shown.endsWith('\x1b[2Ka line\n')).toBe(true)
  shown = ''
  expect(train(101, 101, 10, bar)).toMatch(/^lesson =/)
  shown = ''
  expect(train(1000, 1000, 10, bar)).toBe('\x1b[2K')
  bar.finish()
})

it('shows nothing if lines go to a file', () => {
  process.stdout.isTTY = false
  const bar = progress('lesson')
  train(1, 100, 10, bar)
  bar.print('a line')
  bar.finish()
  expect(shown).toBe('a line\n')
})

it('reports once how long a long training takes', () => {
  process.stdout.isTTY = false
  vi.spyOn(console, 'error').mockImplementation((text) => void (shown += `${text}\n`))
  const slow = progress('lesson')
  train(1, 12, 1900, slow)
  expect(shown).toBe('# lesson: 1,000 epochs take about 32 minutes here; --epochs N trains for N\n')
  train(13, 1000, 1900, slow)
  expect(shown.match(/minutes/g)).toHaveLength(1)
  shown = ''
  const { onStep } = progress('lesson')
  for (let batch = 1; batch <= 20; batch++) {
    now += 1000
    onStep(seen(batch / 100, 1))
  }
  expect(shown).toBe('# lesson: 1 epoch takes about 2 minutes here; --epochs N trains for N\n')
  shown = ''
  train(1, 1000, 50, progress('lesson'))
  expect(shown).toBe('')
})

it('moves within an epoch, and starts where a training is resumed', () => {
  const { onStep } = progress('lesson')
  for (let batch = 0; batch <= 30; batch++) {
    now += 50
    onStep(seen(7.5 + batch / 100, 10))
  }
  expect(shown.split('\x1b[1G').at(-1)).toMatch(/^lesson ={31}-{9} {2}7\/10 epochs {2}1[0-2] s left/)
})

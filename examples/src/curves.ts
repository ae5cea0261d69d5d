// The curves of a training as a picture: the loss and the accuracy of each epoch, a line for each name.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { UsageError } from './arguments.ts'
import type { Point } from './run.ts'

/** The picture as SVG text. */
export const curves = async (title: string, points: readonly Point[]): Promise<string> => {
  // Imported on demand, so that other commands don't wait for them.
  const [{ parse, View }, { compile }] = await Promise.all([import('vega'), import('vega-lite')])
  const panel = (field: 'loss' | 'accuracy') => ({
    width: 320,
    height: 260,
    mark: { type: 'line' as const, point: true },
    encoding: {
      x: {
        field: 'epoch',
        type: 'quantitative' as const,
        axis: { tickMinStep: 1, format: 'd', grid: false },
        scale: { nice: false },
      },
      y: { field, type: 'quantitative' as const, scale: { zero: false } },
      color: {
        field: 'name',
        type: 'nominal' as const,
        sort: null,
        title: null,
        legend: { orient: 'bottom' as const, columns: 2 },
      },
    },
  })
  const { spec } = compile({
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title,
    background: 'white',
    data: { values: [...points] },
    hconcat: [panel('loss'), panel('accuracy')],
  })
  return new View(parse(spec), { renderer: 'none' }).toSVG()
}

/** Draws the curves into a file, and makes its folder. Throws a UsageError if that cannot be. */
export const drawCurves = async (file: string, title: string, points: readonly Point[]): Promise<void> => {
  const text = await curves(title, points)
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  } catch (error) {
    throw new UsageError(`cannot write '${file}': ${(error as Error).message}`)
  }
}

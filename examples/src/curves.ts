// The curves of a training as a picture: the loss and the accuracy of each epoch, a line for each name.
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs'
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

const unwritable = (file: string, error: unknown): UsageError =>
  new UsageError(`cannot write '${file}': ${(error as Error).message}`)

/** Makes the folder of the file. Throws a UsageError if curves cannot be drawn into the file. */
export const checkCurves = (file: string): void => {
  const isNew = !existsSync(file)
  try {
    mkdirSync(dirname(file), { recursive: true })
    closeSync(openSync(file, 'a'))
  } catch (error) {
    throw unwritable(file, error)
  }
  if (isNew) rmSync(file)
}

/** Draws the curves into a file. Throws a UsageError if that cannot be. */
export const drawCurves = async (file: string, title: string, points: readonly Point[]): Promise<void> => {
  const text = await curves(title, points)
  try {
    writeFileSync(file, text)
  } catch (error) {
    throw unwritable(file, error)
  }
}

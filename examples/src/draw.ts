// Writes the pictures of a lesson: PNG of pixels, and SVG of a confusion matrix.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { utils } from '@flambeau/vision'
import { Tensor } from 'flambeau'
import { UsageError } from './arguments.ts'
import type { Confusion, Picture } from './pictures.ts'

/** A confusion matrix as SVG text: the darker a field, the larger the share of its row. On white, so that it reads the
 * same on dark pages. */
export const confusionChart = async (title: string, { classes, matrix }: Confusion): Promise<string> => {
  // Imported on demand, so that other commands don't wait for them.
  const [{ parse, View }, { compile }] = await Promise.all([import('vega'), import('vega-lite')])
  const values = matrix.flatMap((row, i) => {
    const total = row.reduce((sum, count) => sum + count, 0)
    return row.map((count, j) => ({ label: classes[i], taken: classes[j], count, share: count / Math.max(total, 1) }))
  })
  const { spec } = compile({
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title,
    background: 'white',
    padding: 12,
    width: { step: 40 },
    height: { step: 32 },
    data: { values },
    encoding: {
      x: { field: 'taken', type: 'nominal', sort: null, title: 'taken for', axis: { orient: 'top', labelAngle: -40 } },
      y: { field: 'label', type: 'nominal', sort: null, title: 'is' },
    },
    layer: [
      {
        mark: 'rect',
        encoding: {
          color: { field: 'share', type: 'quantitative', scale: { domain: [0, 1], scheme: 'blues' }, legend: null },
        },
      },
      {
        mark: { type: 'text', fontSize: 11 },
        transform: [{ filter: 'datum.count > 0' }],
        encoding: {
          text: { field: 'count', type: 'quantitative' },
          color: { condition: { test: 'datum.share > 0.5', value: 'white' }, value: '#1f2933' },
        },
      },
    ],
  })
  return new View(parse(spec), { renderer: 'none' }).toSVG()
}

/**
 * Writes pictures into a folder, which it makes, by their names; returns the names of the files. Throws a UsageError if
 * that cannot be.
 */
export const writePictures = async (
  folder: string,
  title: string,
  pictures: ReadonlyMap<string, Picture>,
): Promise<string[]> => {
  const files: string[] = []
  for (const [name, picture] of pictures) {
    const file = join(folder, `${name}.${picture instanceof Tensor ? 'png' : 'svg'}`)
    const text = picture instanceof Tensor ? '' : await confusionChart(title, picture)
    try {
      mkdirSync(folder, { recursive: true })
      if (picture instanceof Tensor) utils.saveImage(picture, file)
      else writeFileSync(file, text)
    } catch (error) {
      throw new UsageError(`cannot write '${file}': ${(error as Error).message}`)
    }
    files.push(file)
  }
  return files
}

// The modules that the entry points load: data sets, loaders and scalers load no data frame library.
import { fileURLToPath } from 'node:url'
import 'flambeau'
import { build } from 'esbuild'
import { expect, it } from 'vitest'
import * as frame from '../src/frame/index.ts'
import * as main from '../src/index.ts'

const packagesOf = async (entry: string): Promise<string[]> => {
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL(`../src/${entry}`, import.meta.url))],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    conditions: ['@flambeau/source'],
    external: ['@flambeau/core'],
  })
  const names = Object.keys(metafile.inputs).flatMap((file) => /.*node_modules\/([^/]+)/.exec(file)?.[1] ?? [])
  return [...new Set(names)].sort()
}

it('loads arquero only for frames', async () => {
  expect(await packagesOf('index.ts')).toEqual([])
  expect(await packagesOf('training/index.ts')).toEqual(['fast-png', 'fflate', 'iobuffer'])
  expect(await packagesOf('frame/index.ts')).toEqual(expect.arrayContaining(['arquero', 'papaparse']))
})

it('exports everything from the frame entry, too, and the frames of the sets', () => {
  const { loadBoston, loadBreastCancer, loadDigits, loadIris, ...rest } = main
  expect(frame).toMatchObject(rest)
  for (const [load, loadFramed] of [
    [loadBoston, frame.loadBoston],
    [loadBreastCancer, frame.loadBreastCancer],
    [loadDigits, frame.loadDigits],
    [loadIris, frame.loadIris],
  ] as const) {
    const bare = load()
    const framed = loadFramed()
    expect(Object.keys(framed)).toEqual([...Object.keys(bare), 'frame'])
    expect(framed.frame).toBe(framed.frame)
    expect(framed.data.equal(bare.data) && framed.target.equal(bare.target)).toBe(true)
    expect(frame.toTensor(framed.frame, framed.featureNames, { dtype: 'float64' }).equal(bare.data)).toBe(true)
    expect(frame.toTensor(framed.frame, framed.targetColumn, { dtype: bare.target.dtype }).equal(bare.target)).toBe(
      true,
    )
  }
})

// The namespaces of the package are its entry points, and browsers get files of their own.
import { fileURLToPath } from 'node:url'
import 'flambeau'
import { build } from 'esbuild'
import { expect, it } from 'vitest'
import * as datasets from '../src/datasets/index.ts'
import * as inspect from '../src/inspect/index.ts'
import * as main from '../src/index.ts'
import * as io from '../src/io/index.ts'
import * as models from '../src/models/index.ts'
import * as transforms from '../src/transforms/index.ts'
import * as utils from '../src/utils/index.ts'
import manifest from '../package.json' with { type: 'json' }

it('exports a namespace for each of its entry points', () => {
  const namespaces = { datasets, inspect, io, models, transforms, utils }
  expect({ ...main }).toEqual(namespaces)
  expect(Object.keys(manifest.exports)).toEqual(
    expect.arrayContaining(Object.keys(namespaces).map((name) => `./${name}`)),
  )
})

it('is bundled for browsers without anything of Node', async () => {
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL('../src/index.ts', import.meta.url))],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['@flambeau/source'],
    external: ['@flambeau/core'],
  })
  const files = Object.keys(metafile.inputs)
  expect(files.filter((file) => file.endsWith('-web.ts'))).toHaveLength(2)
  expect(files.filter((file) => file.endsWith('-node.ts') || file.startsWith('node:'))).toEqual([])
})

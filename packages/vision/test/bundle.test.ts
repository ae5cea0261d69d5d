// Printing must not depend on the names that a bundler assigns: this bundles and minifies the packages that have classes,
// and compares what they print with what they print here.
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as data from '@flambeau/data'
import * as flambeau from 'flambeau'
import { build } from 'esbuild'
import { expect, it } from 'vitest'
import * as vision from '../src/index.ts'

/** What a program prints with the given packages. */
const printed = ({ F, nn }: typeof flambeau, { datasets, io, models, transforms }: typeof vision): string[] => {
  const small = { numClasses: 2, width: 0.0625 }
  const files = {
    'MNIST/raw/t10k-images-idx3-ubyte': Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 7),
    'MNIST/raw/t10k-labels-idx1-ubyte': Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 3),
  }
  const transform = new transforms.Compose([new transforms.RandomHorizontalFlip(), new transforms.ToTensor()])
  const sentence = (wrong: () => unknown): string => {
    try {
      return String(wrong())
    } catch (error) {
      return String(error)
    }
  }
  return [
    String(models.lenet5()),
    String(models.googlenet({ ...small, initWeights: false })),
    String(models.resnet18(small)),
    String(new datasets.MNIST(files, { train: false, transform })),
    sentence(() => models.lenet5().loadStateDict({})),
    sentence(() => models.lenet5().getSubmodule('features.nowhere')),
    sentence(() => new nn.Sequential(new io.Image(1, 1, 'L') as never)),
    sentence(() => F.relu(transform as never)),
  ]
}

/** The classes that a namespace exports, and those of the namespaces in it. */
const classesOf = (namespace: object): [name: string, type: { readonly name: string }][] =>
  Object.entries(namespace).flatMap(([name, value]) => {
    if (/^[a-z]/.test(name) && typeof value === 'object') return classesOf(value)
    return /^[A-Z]/.test(name) && typeof value === 'function' && /^class\b/.test(String(value)) ? [[name, value]] : []
  })

it('classes keep their names in minified code', async () => {
  const folder = mkdtempSync(join(fileURLToPath(new URL('.', import.meta.url)), 'bundle-'))
  try {
    const outfile = join(folder, 'all.mjs')
    await build({
      stdin: {
        contents: `export * as flambeau from 'flambeau'
          export * as data from '@flambeau/data'
          export * as vision from '@flambeau/vision'`,
        resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      },
      outfile,
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      conditions: ['@flambeau/source'],
      external: ['@flambeau/backend-*'],
      logLevel: 'error',
    })
    const minified = await import(pathToFileURL(outfile).href)
    expect(printed(minified.flambeau, minified.vision)).toEqual(printed(flambeau, vision))
    const classes = [...classesOf(minified.vision), ...classesOf(minified.data)]
    expect(classes.map(([, { name }]) => name)).toEqual(classes.map(([name]) => name))
    expect(classes).toHaveLength([...classesOf(vision), ...classesOf(data)].length)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

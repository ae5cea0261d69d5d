import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import 'flambeau'
import { datasets } from '@flambeau/vision'
import { expect, it } from 'vitest'
import { fashionMnist, filesOf, mnist } from '../src/index.ts'

const notice = readFileSync(new URL('../NOTICE.md', import.meta.url), 'utf8')
const folder = new URL('../src/sets/', import.meta.url)

// Read as texts: importing all modules would take a test runner seconds.
it.each(readdirSync(folder))('%s is the original, byte for byte', (name) => {
  const text = /`([^`]*)`/.exec(readFileSync(new URL(name, folder), 'utf8'))?.[1] ?? ''
  const hash = createHash('sha256').update(Buffer.from(text, 'base64')).digest('hex')
  expect(notice).toMatch(new RegExp(`\\| \`${name}\` \\|.*\\| \`${hash}\` \\|`))
})

it('has both parts of both sets', () => expect(readdirSync(folder)).toHaveLength(8))

it('loads digits', async () => {
  const test = await mnist({ train: false })
  expect([test.length, test.data.shape, test.train]).toEqual([2000, [2000, 28, 28], false])
  const counts = Array(10).fill(0)
  for (const label of test.targets.toArray()) counts[label]++
  expect(Math.min(...counts)).toBeGreaterThan(150)
  expect(String(test)).toContain('Dataset MNIST\n    Number of datapoints: 2000')
})

it('loads clothes, with the options of the data set', async () => {
  const test = await fashionMnist({ train: false, targetTransform: (label: number) => -label })
  expect([test.length, test.at(0)[1], test.classes[9]]).toEqual([5000, -9, 'Ankle boot'])
})

it('gives files as the root of a data set', async () => {
  const root = await filesOf('MNIST')
  expect(Object.keys(root)).toHaveLength(4)
  expect(new datasets.MNIST(root).length).toBe(8000)
  expect(Object.keys(await filesOf('FashionMNIST', { train: false }))).toEqual([
    'FashionMNIST/raw/t10k-images-idx3-ubyte.gz',
    'FashionMNIST/raw/t10k-labels-idx1-ubyte.gz',
  ])
})

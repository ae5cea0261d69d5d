import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import 'flambeau'
import { describe, expect, it } from 'vitest'
import boston from '../src/datasets/boston.csv.ts'
import breastCancer from '../src/datasets/breast-cancer.csv.ts'
import digits from '../src/datasets/digits.csv.ts'
import iris from '../src/datasets/iris.csv.ts'
import { loadBoston, loadBreastCancer, loadDigits, loadIris } from '../src/frame/index.ts'

const sets = [
  ['boston.csv.ts', boston, loadBoston, [506, 13], 'float64', 'TARGET'],
  ['breast-cancer.csv.ts', breastCancer, loadBreastCancer, [569, 30], 'int32', 'target'],
  ['iris.csv.ts', iris, loadIris, [150, 4], 'int32', 'target'],
  ['digits.csv.ts', digits, loadDigits, [1797, 64], 'int32', 'target'],
] as const

// The hashes of the files that the texts were copied from (for digits, of the unpacked file).
const originals: Record<string, string> = {
  'boston.csv.ts': '08ea58a447dd833819fbc5c045bdbdecaf54b93d8ff81b3961b94963f2d5aad5',
  'breast-cancer.csv.ts': '7dd8e4f78b55cb5fa3cba00b0e61fa6046cbadcdaaa60ca5e48827b536723906',
  'iris.csv.ts': 'c52da941c4117668428d973554bb3380ba78c23400c2848e9b65107d63ccba47',
  'digits.csv.ts': '9f7fca3251c178a06039990b75e3023f8b888151d2e2d4579c3ba0d2744a1d00',
}

describe.each(sets)('%s', (file, csv, load, shape, targetDtype, targetColumn) => {
  it('is the original, byte for byte, with origin and terms beside it', () => {
    expect(createHash('sha256').update(csv).digest('hex')).toBe(originals[file])
    const notice = readFileSync(new URL('../src/datasets/NOTICE.md', import.meta.url), 'utf8')
    expect(notice).toContain(`\`${file}\``)
    expect(notice).toContain(originals[file])
  })

  it('loads with scikit-learn’s names', () => {
    const set = load()
    expect(set.data.shape).toEqual(shape)
    expect(set.data.dtype).toBe('float64')
    expect(set.target.shape).toEqual([shape[0]])
    expect(set.target.dtype).toBe(targetDtype)
    expect(set.featureNames).toHaveLength(shape[1])
    expect(set.frame.columnNames()).toEqual([...set.featureNames, targetColumn])
    expect(set.targetColumn).toBe(targetColumn)
    expect(set.description).toContain(String(shape[0]))
    const lastRow = csv.trim().split('\n').at(-1)?.split(',').map(Number)
    expect([...set.data.select(0, -1).toArray(), set.target.select(0, -1).item()]).toEqual(lastRow)
  })
})

describe('classes', () => {
  it.each([
    [loadBreastCancer, [212, 357]],
    [loadIris, [50, 50, 50]],
    [loadDigits, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]],
  ] as const)('%o', (load, counts) => {
    const set = load()
    expect(set.targetNames).toHaveLength(counts.length)
    const labels = [...set.target.toArray()]
    expect(counts.map((_, label) => labels.filter((l) => l === label).length)).toEqual(counts)
  })
})

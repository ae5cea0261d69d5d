import { readFileSync } from 'node:fs'
import { tensor, TypeError, ValueError } from '@flambeau/core'
import 'flambeau'
import { describe, expect, it } from 'vitest'
import * as metrics from '../src/index.ts'

interface Case {
  name: keyof typeof functions
  truth: number[] | string[]
  other: number[] | string[] | number[][]
  value: number | number[] | number[][]
  options: Record<string, unknown>
}
const functions = {
  accuracy_score: metrics.accuracyScore,
  confusion_matrix: metrics.confusionMatrix,
  precision_score: metrics.precisionScore,
  recall_score: metrics.recallScore,
  f1_score: metrics.f1Score,
  roc_auc_score: metrics.rocAucScore,
  top_k_accuracy_score: metrics.topKAccuracyScore,
}
const golden = JSON.parse(readFileSync(new URL('golden/metrics.json', import.meta.url), 'utf8')) as {
  cases: Case[]
  errors: Record<string, string>
}
const call = (name: Case['name'], ...args: unknown[]) => (functions[name] as (...args: unknown[]) => unknown)(...args)
const flat = (value: unknown): number[] => [value].flat(2) as number[]

describe('metrics are scikit-learn’s', () => {
  it.each(Object.keys(functions) as Case['name'][])('%s', (name) => {
    const cases = golden.cases.filter((c) => c.name === name)
    expect(cases.length).toBeGreaterThan(6)
    for (const { truth, other, value, options } of cases) {
      const own = call(name, truth, other, options)
      const what = JSON.stringify({ options, truth: truth.length })
      expect(flat(own).length, what).toBe(flat(value).length)
      flat(own).forEach((x, i) => {
        expect(Math.abs(x - flat(value)[i]), what).toBeLessThan(1e-12)
      })
      if (typeof truth[0] === 'string' || typeof other[0] === 'string') continue
      // As tensors, whose scores are rounded to float64 at most.
      const labels = tensor(Int32Array.from(truth as number[]))
      const scores = tensor(other as number[], { dtype: 'float64' })
      expect(call(name, labels, scores, options)).toEqual(own)
    }
  })
})

describe('wrong arguments', () => {
  it('are errors with scikit-learn’s sentences', () => {
    const eye = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]
    const calls: Record<string, () => unknown> = {
      count: () => metrics.accuracyScore([1, 2], [1]),
      multiclass: () => metrics.f1Score([0, 1, 2], [0, 1, 2]),
      posLabel: () => metrics.recallScore([0, 2], [0, 2]),
      posText: () => metrics.recallScore(['a', 'b'], ['b', 'b']),
      nan: () => metrics.f1Score(Float64Array.of(Number.NaN, 1), [1, 1]),
      oneClass: () => metrics.rocAucScore([1, 1], [0.1, 0.2]),
      multiClass: () => metrics.rocAucScore([0, 1, 2], eye),
      probabilities: () =>
        metrics.rocAucScore(
          [0, 1, 2],
          eye.map((row) => row.map((v) => 2 * v)),
          { multiClass: 'ovr' },
        ),
      labels: () => metrics.confusionMatrix([0, 1], [0, 1], { labels: [5] }),
    }
    expect(Object.keys(calls)).toEqual(Object.keys(golden.errors))
    for (const [name, wrong] of Object.entries(calls)) expect(wrong, name).toThrow(golden.errors[name])
  })

  it('are refused, so that no result is NaN', () => {
    for (const wrong of [
      () => metrics.accuracyScore([], []),
      () => metrics.rocAucScore([0, 1], [Number.NaN, 1]),
      () =>
        metrics.topKAccuracyScore(
          [0, 5, 1],
          [
            [1, 0],
            [0, 1],
            [0, 1],
          ],
        ),
      () =>
        metrics.topKAccuracyScore(
          [0, 1],
          [
            [1, 0],
            [0, 1],
          ],
          { k: 0 },
        ),
      () => metrics.topKAccuracyScore([0, 1, 2], [1, 0, 1]),
      () => metrics.precisionScore([0, 1], [0, 1], { average: 'mean' as never }),
      () => metrics.precisionScore([0, 1], [0, 1], { zeroDivision: 2 as never }),
      () => metrics.confusionMatrix([0, 'a'], [0, 'a']),
      () => metrics.accuracyScore([0, 1], ['a', 'b']),
      () => metrics.accuracyScore(tensor([Number.NaN, 1]), [1, 1]),
      () => metrics.rocAucScore(tensor([Number.NaN, 1]), [1, 1]),
      () =>
        metrics.rocAucScore(
          [0, 0],
          [
            [0.5, 0.2, 0.3],
            [0.2, 0.5, 0.3],
          ],
          { multiClass: 'ovo', labels: [0, 1, 2] },
        ),
      () => metrics.accuracyScore(tensor([[1], [2]]), [1, 2]),
    ])
      expect(wrong, String(wrong)).toThrow(ValueError)
    expect(() => metrics.accuracyScore([Number.NaN], [1])).toThrow(TypeError)
    expect(() => metrics.accuracyScore([1], [1], { normalise: true } as never)).toThrow(TypeError)
  })

  it('of top-k: classes need not all occur if they count the columns', () => {
    expect(
      metrics.topKAccuracyScore(
        [0, 1],
        [
          [0.2, 0.5, 0.3],
          [0.4, 0.5, 0.1],
        ],
        { k: 1 },
      ),
    ).toBe(0.5)
  })
})

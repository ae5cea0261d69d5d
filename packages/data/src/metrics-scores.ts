// scikit-learn's metrics of scores, a number for each class or for each sample: how well they rank the true labels.
import { signatures, ValueError } from '@flambeau/core'
import {
  checkCounts,
  classesIn,
  known,
  type Label,
  type Labels,
  labelsKind,
  labelsOf,
  rowsOf,
  type Scores,
  scoresKind,
  sum,
} from './metrics-inputs.ts'

const { bool, int, optional, required, signature, str } = signatures

const truthAndScores = [required('yTrue', labelsKind), required('yScore', scoresKind)] as const

/** The place of each label among the columns of scores. */
function columnsOf(truth: readonly Label[], columns: number, given: Labels | null): number[] {
  const unique = classesIn(truth)
  let classes = given === null ? unique : labelsOf('labels', given)
  const isRange = unique.every(
    (label) => Number.isInteger(label) && (label as number) >= 0 && (label as number) < columns,
  )
  // Labels that count the columns need not all occur.
  if (given === null && classes.length !== columns && isRange) classes = Array.from({ length: columns }, (_, i) => i)
  if (classes.length !== columns) {
    throw new ValueError(
      `Number of classes in 'y_true' (${classes.length}) not equal to the number of columns in 'y_score' (${columns}).`,
      'Pass the classes of the columns: { labels: [...] }.',
    )
  }
  const index = new Map(classes.map((label, i) => [label, i]))
  return truth.map((label) => {
    const column = index.get(label)
    if (column === undefined) throw new ValueError("'y_true' contains labels not in parameter 'labels'.")
    return column
  })
}

/** The options of `topKAccuracyScore`. */
export interface TopKOptions {
  /** How many of the highest scores count; 2 by default. */
  readonly k?: number
  /** Whether to return the share, the default, or the number of samples. */
  readonly normalize?: boolean
  /** The classes of the columns; by default 0, 1, 2, ..., or those that occur if they are as many. */
  readonly labels?: Labels | null
}
const readTopK = signature(
  'top_k_accuracy_score',
  ...truthAndScores,
  optional('k', int, 2),
  optional('normalize', bool, true),
  known,
)

/** Scores of two classes from those of the greater one: probabilities, or else numbers whose sign decides. */
function ofTwo(rows: readonly (readonly number[])[]): number[][] {
  const threshold = rows.every(([p]) => p >= 0 && p <= 1) ? 0.5 : 0
  return rows.map(([p]) => (p > threshold ? [0, 1] : [1, 0]))
}

/**
 * The share of samples whose class has one of the `k` highest scores. `yScore` is [samples, classes], or [samples] for
 * two classes.
 *
 * Throws a ValueError for another number of classes than columns, and for a `k` that is not positive.
 *
 * @example
 * topKAccuracyScore([0, 1, 2, 2], [[0.5, 0.2, 0.2], [0.3, 0.4, 0.2], [0.2, 0.4, 0.3], [0.7, 0.2, 0.1]], { k: 2 }) // 0.75
 */
export function topKAccuracyScore(yTrue: Labels, yScore: Scores, options?: TopKOptions): number {
  const [t, s, k, normalize, given] = readTopK([yTrue, yScore, options])
  if (k < 1) throw new ValueError(`The 'k' parameter of top_k_accuracy_score must be at least 1. Got ${k} instead.`)
  const truth = labelsOf('y_true', t)
  const rows = rowsOf(s)
  checkCounts(truth, rows)
  const scores = rows[0].length === 1 ? ofTwo(rows) : rows
  const columns = columnsOf(truth, scores[0].length, given)
  // Of equal scores the last comes first, as in scikit-learn.
  const hits = scores.filter((row, i) => {
    const own = row[columns[i]]
    return row.filter((v, j) => v > own || (v === own && j > columns[i])).length < k
  }).length
  return normalize ? hits / rows.length : hits
}

/** The area under the ROC curve: how often a positive sample has a higher score than a negative one. */
function areaUnder(isPositive: readonly boolean[], scores: readonly number[]): number {
  const order = Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a])
  let [positives, negatives, area] = [0, 0, 0]
  for (let i = 0; i < order.length; ) {
    const [before, score] = [positives, scores[order[i]]]
    let width = 0
    // Samples of one score are one step of the curve.
    for (; i < order.length && scores[order[i]] === score; i++) {
      if (isPositive[order[i]]) positives++
      else width++
    }
    negatives += width
    area += width * (before + positives)
  }
  if (positives === 0 || negatives === 0)
    throw new ValueError('Only one class present in y_true. ROC AUC score is not defined in that case.')
  return area / (2 * positives * negatives)
}

/** The options of `rocAucScore`. */
export interface RocAucOptions {
  /** How the areas of several classes become one: 'macro' by default. */
  readonly average?: 'macro' | 'weighted'
  /** For more than two classes: each against the rest, or each against each. */
  readonly multiClass?: 'raise' | 'ovr' | 'ovo'
  /** The classes of the columns. */
  readonly labels?: Labels | null
}
const readRocAuc = signature(
  'roc_auc_score',
  ...truthAndScores,
  optional('average', str, 'macro'),
  optional('multiClass', str, 'raise'),
  known,
)

/**
 * The area under the ROC curve. For two classes, `yScore` is [samples]: the score of the greater class. For more it is
 * [samples, classes] with rows that sum to 1, and `multiClass` is 'ovr' or 'ovo'.
 *
 * Throws a ValueError if only one class occurs, and for scores that do not fit.
 *
 * @example
 * rocAucScore([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) // 0.75
 */
export function rocAucScore(yTrue: Labels, yScore: Scores, options?: RocAucOptions): number {
  const [t, s, average, multiClass, given] = readRocAuc([yTrue, yScore, options])
  if (average !== 'macro' && average !== 'weighted')
    throw new ValueError("average must be one of ('macro', 'weighted')")
  const truth = labelsOf('y_true', t)
  const rows = rowsOf(s)
  checkCounts(truth, rows)
  const width = rows[0].length
  const classes = classesIn(truth)
  if (classes.length <= 2 && width === 1) {
    return areaUnder(
      truth.map((label) => classes.length === 2 && label === classes[1]),
      rows.map(([score]) => score),
    )
  }
  if (multiClass !== 'ovr' && multiClass !== 'ovo') throw new ValueError("multi_class must be in ('ovo', 'ovr')")
  if (width === 1) throw new ValueError(`y_score needs a column for each of the ${classes.length} classes`)
  if (rows.some((row) => Math.abs(sum(row) - 1) > 1e-5 + 1e-8)) {
    throw new ValueError(
      'Target scores need to be probabilities for multiclass roc_auc, i.e. they should sum up to 1.0 over classes',
      'Apply softmax to logits.',
    )
  }
  const columns = columnsOf(truth, width, given)
  const share = (c: number) => columns.filter((column) => column === c).length / columns.length
  // A class that does not occur has no pairs; against the rest, it has no area.
  const all = Array.from({ length: width }, (_, c) => c).filter((c) => multiClass === 'ovr' || share(c) > 0)
  if (all.length === 1)
    throw new ValueError('Only one class present in y_true. ROC AUC score is not defined in that case.')
  const against = (c: number, samples: readonly number[]): number =>
    areaUnder(
      samples.map((i) => columns[i] === c),
      samples.map((i) => rows[i][c]),
    )
  const parts =
    multiClass === 'ovr'
      ? all.map((c) => ({ area: against(c, Array.from(rows.keys())), weight: share(c) }))
      : all.flatMap((a) =>
          all.slice(a + 1).map((b) => {
            const samples = Array.from(rows.keys()).filter((i) => columns[i] === a || columns[i] === b)
            return { area: (against(a, samples) + against(b, samples)) / 2, weight: share(a) + share(b) }
          }),
        )
  const weightOf = (weight: number) => (average === 'weighted' ? weight : 1)
  return (
    sum(parts.map(({ area, weight }) => area * weightOf(weight))) / sum(parts.map(({ weight }) => weightOf(weight)))
  )
}

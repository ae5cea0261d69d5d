// scikit-learn's metrics of predicted classes: how well they fit the true labels. They take lists or tensors, and return
// plain numbers and lists.
import { signatures, ValueError } from '@flambeau/core'
import { classesIn, known, type Label, type Labels, labelsKind, labelsOf, pairOf, sum } from './metrics-inputs.ts'

const { bool, either, nullable, number, optional, required, signature, str } = signatures

const truthAndPrediction = [required('yTrue', labelsKind), required('yPred', labelsKind)] as const
const readAccuracy = signature('accuracy_score', ...truthAndPrediction, optional('normalize', bool, true))

/**
 * The share of predictions that are right, or with `{ normalize: false }` their number.
 *
 * Throws a ValueError for labels and predictions of different number, and without any.
 *
 * @example
 * accuracyScore([0, 1, 2, 3], [0, 2, 2, 3]) // 0.75
 */
export function accuracyScore(yTrue: Labels, yPred: Labels, options?: { readonly normalize?: boolean }): number {
  const [t, p, normalize] = readAccuracy([yTrue, yPred, options])
  const [truth, predicted] = pairOf(t, p)
  const right = truth.filter((label, i) => label === predicted[i]).length
  return normalize ? right / truth.length : right
}

/** The options of `confusionMatrix`. */
export interface ConfusionOptions {
  /** The classes, in the order of the rows; by default all that occur, sorted. */
  readonly labels?: Labels | null
  /** Divides by the sums of the rows, of the columns, or by the number of samples. */
  readonly normalize?: 'true' | 'pred' | 'all' | null
}
const readConfusion = signature(
  'confusion_matrix',
  ...truthAndPrediction,
  known,
  optional('normalize', nullable(str), null),
)

/**
 * How often each class was taken for which: row i, column j holds the number of samples of class i that were predicted
 * to be of class j.
 *
 * Throws a ValueError for labels and predictions of different number, and for `labels` none of which occurs.
 *
 * @example
 * confusionMatrix([2, 0, 2, 2, 0, 1], [0, 0, 2, 2, 0, 2]) // [[2, 0, 0], [0, 0, 1], [1, 0, 2]]
 */
export function confusionMatrix(yTrue: Labels, yPred: Labels, options?: ConfusionOptions): number[][] {
  const [t, p, given, normalize] = readConfusion([yTrue, yPred, options])
  if (normalize !== null && !['true', 'pred', 'all'].includes(normalize))
    throw new ValueError("normalize must be one of {'true', 'pred', 'all', None}")
  const [truth, predicted] = pairOf(t, p)
  const classes = given === null ? classesIn(truth, predicted) : labelsOf('labels', given)
  if (!classes.some((label) => truth.includes(label)))
    throw new ValueError('At least one label specified must be in y_true')
  const index = new Map(classes.map((label, i) => [label, i]))
  const matrix = classes.map(() => classes.map(() => 0))
  truth.forEach((label, k) => {
    const [i, j] = [index.get(label), index.get(predicted[k])]
    if (i !== undefined && j !== undefined) matrix[i][j]++
  })
  if (normalize === null) return matrix
  const all = sum(matrix.flat())
  const columns = classes.map((_, j) => sum(matrix.map((row) => row[j])))
  return matrix.map((row) => {
    const total = sum(row)
    return row.map((count, j) => {
      const of = normalize === 'true' ? total : normalize === 'pred' ? columns[j] : all
      return of === 0 ? 0 : count / of
    })
  })
}

/** How the scores of classes become one: of the positive class alone, or a mean of all. */
export type Average = 'binary' | 'micro' | 'macro' | 'weighted'

/** The options of `precisionScore`, `recallScore` and `f1Score`. */
export interface ScoreOptions {
  /** 'binary' by default: the score of `posLabel`. null gives the scores of all classes. */
  readonly average?: Average | null
  /** The positive class of 'binary'; 1 by default. */
  readonly posLabel?: Label
  /** The classes, in order; by default all that occur, sorted. */
  readonly labels?: Labels | null
  /** The score where nothing was there to be found, or nothing predicted: 0 by default, or 1. */
  readonly zeroDivision?: 0 | 1
}
const scoreParameters = [
  ...truthAndPrediction,
  known,
  optional('posLabel', either(number, str), 1),
  optional('average', nullable(str), 'binary'),
  optional('zeroDivision', number, 0),
] as const

interface Counts {
  /** Predicted, and right. */
  readonly right: number
  readonly predicted: number
  readonly there: number
}

const quoted = (label: Label): string => (typeof label === 'string' ? `'${label}'` : String(label))

const averages = ['micro', 'macro', 'weighted', 'binary']

/** Declares a score of the counts of a class. */
const score = (python: string, of: (counts: Counts, ratio: (part: number, whole: number) => number) => number) => {
  const read = signature(python, ...scoreParameters)
  function measure(yTrue: Labels, yPred: Labels, options: ScoreOptions & { readonly average: null }): number[]
  function measure(yTrue: Labels, yPred: Labels, options?: ScoreOptions & { readonly average?: Average }): number
  function measure(yTrue: Labels, yPred: Labels, options?: ScoreOptions): number | number[] {
    const [t, p, given, posLabel, average, zero] = read([yTrue, yPred, options])
    if (average !== null && !averages.includes(average))
      throw new ValueError(`average has to be one of (None, '${averages.slice(0, 3).join("', '")}', 'binary')`)
    if (zero !== 0 && zero !== 1) throw new ValueError(`zero_division must be 0 or 1, but got ${zero}`)
    const [truth, predicted] = pairOf(t, p)
    const present = classesIn(truth, predicted)
    let classes = given === null ? present : labelsOf('labels', given)
    if (average === 'binary') {
      if (present.length > 2) {
        throw new ValueError(
          "Target is multiclass but average='binary'. Please choose another average setting, one of [None, 'micro', 'macro', 'weighted'].",
        )
      }
      if (!present.includes(posLabel) && present.length >= 2)
        throw new ValueError(
          `pos_label=${posLabel} is not a valid label. It should be one of [${present.map(quoted).join(', ')}]`,
        )
      classes = [posLabel]
    }
    const counts = countsOf(truth, predicted, classes)
    const value = (c: Counts) => of(c, (part, whole) => (whole === 0 ? zero : part / whole))
    if (average === 'micro') {
      const total = (key: keyof Counts) => sum(counts.map((c) => c[key]))
      return value({ right: total('right'), predicted: total('predicted'), there: total('there') })
    }
    const values = counts.map(value)
    if (average === null) return values
    if (average !== 'weighted') return sum(values) / values.length
    const total = sum(counts.map((c) => c.there))
    // Without a sample of these classes, what was predicted decides.
    if (total === 0) return sum(counts.map((c) => c.predicted)) === 0 || python === 'recall_score' ? zero : 0
    return sum(values.map((v, i) => v * counts[i].there)) / total
  }
  return measure
}

const countsOf = (truth: readonly Label[], predicted: readonly Label[], classes: readonly Label[]): Counts[] => {
  const counts = new Map(classes.map((label) => [label, { right: 0, predicted: 0, there: 0 }]))
  truth.forEach((label, i) => {
    const there = counts.get(label)
    const claimed = counts.get(predicted[i])
    if (there !== undefined) there.there++
    if (claimed !== undefined) claimed.predicted++
    if (there !== undefined && there === claimed) there.right++
  })
  return classes.map((label) => counts.get(label) as Counts)
}

/** A score of predictions: a number, or with `{ average: null }` a list with one for each class. */
export interface Score {
  (yTrue: Labels, yPred: Labels, options: ScoreOptions & { readonly average: null }): number[]
  (yTrue: Labels, yPred: Labels, options?: ScoreOptions & { readonly average?: Average }): number
}

/**
 * The share of the samples predicted to be of a class that are.
 *
 * Throws a ValueError for more than two classes without an `average`, and for a `posLabel` that does not occur.
 *
 * @example
 * precisionScore([0, 1, 1, 0], [0, 1, 1, 1]) // 0.6666666666666666
 * precisionScore([0, 1, 2, 2], [0, 2, 2, 2], { average: null }) // [1, 0, 0.6666666666666666]
 */
export const precisionScore: Score = score('precision_score', ({ right, predicted }, ratio) => ratio(right, predicted))

/**
 * The share of the samples of a class that were found.
 *
 * Throws a ValueError for more than two classes without an `average`, and for a `posLabel` that does not occur.
 *
 * @example
 * recallScore([0, 1, 1, 0], [0, 1, 0, 1]) // 0.5
 */
export const recallScore: Score = score('recall_score', ({ right, there }, ratio) => ratio(right, there))

/**
 * The harmonic mean of precision and recall.
 *
 * Throws a ValueError for more than two classes without an `average`, and for a `posLabel` that does not occur.
 *
 * @example
 * f1Score([0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1], { average: 'macro' }) // 0.26666666666666666
 */
export const f1Score: Score = score('f1_score', ({ right, predicted, there }, ratio) => {
  const [precision, recall] = [ratio(right, predicted), ratio(right, there)]
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall)
})

// scikit-learn's metrics of classifiers: how well predictions, or scores, fit the true labels. They take lists or
// tensors, and return plain numbers and lists.
import { signatures, Tensor, ValueError } from '@flambeau/core'

const { bool, either, int, list, nullable, number, optional, required, signature, str, tensor } = signatures

/** A class: a number or a text. */
export type Label = number | string
/** Labels, one for each sample: a list, or a tensor [samples]. */
export type Labels = readonly Label[] | ArrayLike<number> | Tensor
/** Scores: a list or tensor [samples], or a row of one score for each class, [samples, classes]. */
export type Scores = readonly number[] | readonly (readonly number[])[] | ArrayLike<number> | Tensor

// ---- inputs ----

const isLabel = (x: unknown): x is Label => typeof x === 'string' || (typeof x === 'number' && !Number.isNaN(x))
const isArray = (x: unknown): x is ArrayLike<number> => ArrayBuffer.isView(x) && !(x instanceof DataView)
const labelsKind: signatures.Kind<Labels> = {
  expected: 'array of labels',
  accepts: (x) => tensor.accepts(x) || isArray(x) || (Array.isArray(x) && Array.from(x as unknown[]).every(isLabel)),
  hint: 'Labels are numbers or texts, one for each sample: a list, or a tensor of one dimension.',
}
const rowsKind = list(list(number))
const scoresKind: signatures.Kind<Scores> = {
  expected: 'array of scores',
  accepts: (x) => tensor.accepts(x) || isArray(x) || list(number).accepts(x) || rowsKind.accepts(x),
  hint: 'Scores are numbers: one for each sample, or a row for each with one for each class.',
}
const known = optional('labels', nullable(labelsKind), null)

const labelsOf = (name: string, x: Labels): Label[] => {
  if (x instanceof Tensor && x.dim() !== 1)
    throw new ValueError(`${name} should be a 1d array, got an array of shape (${x.shape.join(', ')}) instead.`)
  const labels = Array.from((x instanceof Tensor ? x.detach().toArray() : x) as ArrayLike<Label>)
  if (labels.some(Number.isNaN)) throw new ValueError(`Input ${name} contains NaN.`)
  return labels
}

/** Scores as rows; those of one dimension have rows of one. */
const rowsOf = (x: Scores): number[][] => {
  let rows: number[][]
  if (x instanceof Tensor) {
    if (x.dim() !== 1 && x.dim() !== 2)
      throw new ValueError(`y_score should be a 1d or 2d array, got ${x.dim()} dimensions.`)
    const [n, classes = 1] = x.shape
    const flat = Array.from(x.detach().toArray())
    rows = Array.from({ length: n }, (_, i) => flat.slice(i * classes, (i + 1) * classes))
  } else
    rows = Array.from(x as ArrayLike<number | readonly number[]>, (row) => (typeof row === 'number' ? [row] : [...row]))
  if (rows.some((row) => row.length !== rows[0].length)) throw new ValueError('y_score: all rows need the same length')
  if (rows.flat().some(Number.isNaN)) throw new ValueError('Input contains NaN.')
  return rows
}

const checkCounts = (a: readonly unknown[], b: readonly unknown[]): void => {
  if (a.length !== b.length)
    throw new ValueError(`Found input variables with inconsistent numbers of samples: [${a.length}, ${b.length}]`)
  if (a.length === 0) throw new ValueError('Found array with 0 sample(s) while a minimum of 1 is required.')
}

/** The classes in order. */
const classesIn = (...lists: readonly (readonly Label[])[]): Label[] => {
  const unique = [...new Set(lists.flat())]
  if (new Set(unique.map((label) => typeof label)).size > 1)
    throw new ValueError('Mix of label input types (string and number)')
  return unique.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

const pairOf = (yTrue: Labels, yPred: Labels): [truth: Label[], predicted: Label[]] => {
  const [truth, predicted] = [labelsOf('y_true', yTrue), labelsOf('y_pred', yPred)]
  checkCounts(truth, predicted)
  classesIn(truth, predicted)
  return [truth, predicted]
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

// ---- predictions ----

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

// ---- scores ----

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

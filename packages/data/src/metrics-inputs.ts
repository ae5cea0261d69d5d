// What metrics take: labels and scores as lists, typed arrays or tensors, checked and read as plain lists.
import { signatures, Tensor, ValueError } from '@flambeau/core'

const { list, nullable, number, optional, tensor } = signatures

/** A class: a number or a text. */
export type Label = number | string
/** Labels, one for each sample: a list, or a tensor [samples]. */
export type Labels = readonly Label[] | ArrayLike<number> | Tensor
/** Scores: a list or tensor [samples], or a row of one score for each class, [samples, classes]. */
export type Scores = readonly number[] | readonly (readonly number[])[] | ArrayLike<number> | Tensor

const isLabel = (x: unknown): x is Label => typeof x === 'string' || (typeof x === 'number' && !Number.isNaN(x))
const isArray = (x: unknown): x is ArrayLike<number> => ArrayBuffer.isView(x) && !(x instanceof DataView)
export const labelsKind: signatures.Kind<Labels> = {
  expected: 'array of labels',
  accepts: (x) => tensor.accepts(x) || isArray(x) || (Array.isArray(x) && Array.from(x as unknown[]).every(isLabel)),
  hint: 'Labels are numbers or texts, one for each sample: a list, or a tensor of one dimension.',
}
const rowsKind = list(list(number))
export const scoresKind: signatures.Kind<Scores> = {
  expected: 'array of scores',
  accepts: (x) => tensor.accepts(x) || isArray(x) || list(number).accepts(x) || rowsKind.accepts(x),
  hint: 'Scores are numbers: one for each sample, or a row for each with one for each class.',
}
export const known = optional('labels', nullable(labelsKind), null)

export const labelsOf = (name: string, x: Labels): Label[] => {
  if (x instanceof Tensor && x.dim() !== 1)
    throw new ValueError(`${name} should be a 1d array, got an array of shape (${x.shape.join(', ')}) instead.`)
  const labels = Array.from((x instanceof Tensor ? x.detach().toArray() : x) as ArrayLike<Label>)
  if (labels.some(Number.isNaN)) throw new ValueError(`Input ${name} contains NaN.`)
  return labels
}

/** Scores as rows; those of one dimension have rows of one. */
export const rowsOf = (x: Scores): number[][] => {
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

export const checkCounts = (a: readonly unknown[], b: readonly unknown[]): void => {
  if (a.length !== b.length)
    throw new ValueError(`Found input variables with inconsistent numbers of samples: [${a.length}, ${b.length}]`)
  if (a.length === 0) throw new ValueError('Found array with 0 sample(s) while a minimum of 1 is required.')
}

/** The classes in order. */
export const classesIn = (...lists: readonly (readonly Label[])[]): Label[] => {
  const unique = [...new Set(lists.flat())]
  if (new Set(unique.map((label) => typeof label)).size > 1)
    throw new ValueError('Mix of label input types (string and number)')
  return unique.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

export const pairOf = (yTrue: Labels, yPred: Labels): [truth: Label[], predicted: Label[]] => {
  const [truth, predicted] = [labelsOf('y_true', yTrue), labelsOf('y_pred', yPred)]
  checkCounts(truth, predicted)
  classesIn(truth, predicted)
  return [truth, predicted]
}

export const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

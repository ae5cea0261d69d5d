// The shipped sets with their data frames.
import type { ColumnTable } from 'arquero'
import { parseCsv } from '../csv/parse.ts'
import { boston } from '../datasets/boston.ts'
import { breastCancer } from '../datasets/breast-cancer.ts'
import { type Bunch, bunch, type Shipped } from '../datasets/bunch.ts'
import { digits } from '../datasets/digits.ts'
import { iris } from '../datasets/iris.ts'

/** A data set with its data frame. */
export interface FramedBunch extends Bunch {
  /** Features and target together, as columns of a data frame. */
  readonly frame: ColumnTable
}

const framed = (shipped: Shipped): FramedBunch => {
  let frame: ColumnTable | undefined
  return Object.defineProperties(
    {},
    {
      ...Object.getOwnPropertyDescriptors(bunch(shipped)),
      frame: {
        enumerable: true,
        get: () => (frame ??= parseCsv(shipped.csv, { file: shipped.file, numeric: true })),
      },
    },
  ) as FramedBunch
}

/**
 * The Boston housing set with its data frame.
 *
 * @example
 * const { frame, featureNames } = loadBoston()
 * const x = toTensor(new StandardScaler().fitTransform(frame.select(featureNames)))
 */
export const loadBoston = (): FramedBunch => framed(boston)

/**
 * The Wisconsin breast cancer set with its data frame.
 *
 * @example
 * toTensor(loadBreastCancer().frame, ['target']).size() // torch.Size([569, 1])
 */
export const loadBreastCancer = (): FramedBunch => framed(breastCancer)

/**
 * The handwritten digits with their data frame.
 *
 * @example
 * loadDigits().frame.numCols() // 65
 */
export const loadDigits = (): FramedBunch => framed(digits)

/**
 * Fisher's iris set with its data frame.
 *
 * @example
 * printFrame(loadIris().frame)
 */
export const loadIris = (): FramedBunch => framed(iris)

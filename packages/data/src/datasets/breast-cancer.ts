// The Wisconsin breast cancer set. breast-cancer.csv.ts has the values; bunch.ts has the code that all sets share.
import csv from './breast-cancer.csv.ts'
import { type Bunch, bunch, type Shipped } from './bunch.ts'

export const breastCancer: Shipped = {
  csv,
  file: 'breast_cancer.csv',
  targetNames: ['malignant', 'benign'],
  targetDtype: 'int32',
  description: `Breast cancer Wisconsin (diagnostic), 569 samples, 30 features; target: 0 malignant (212), 1 benign (357).

The features are computed from a digitized image of a fine needle aspirate of a breast mass. Ten properties of the cell
nuclei (radius, texture, perimeter, area, smoothness, compactness, concavity, concave points, symmetry, fractal dimension),
each as its mean, its standard error and its worst value.

W. N. Street, W. H. Wolberg and O. L. Mangasarian, Nuclear feature extraction for breast tumor diagnosis, 1993. A copy of
the UCI set.`,
}

/**
 * The Wisconsin diagnostic breast cancer set: 569 samples, 30 features of cell nuclei; label 0 is malignant (212), 1 is
 * benign (357).
 *
 * @example
 * const { data, target } = loadBreastCancer()
 * data.size() // torch.Size([569, 30])
 */
export const loadBreastCancer = (): Bunch => bunch(breastCancer)

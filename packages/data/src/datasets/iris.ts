// The iris set. iris.csv.ts has the values; bunch.ts has the code that all sets share.
import { type Bunch, bunch, type Shipped } from './bunch.ts'
import csv from './iris.csv.ts'

export const iris: Shipped = {
  csv,
  file: 'iris.csv',
  targetNames: ['setosa', 'versicolor', 'virginica'],
  targetDtype: 'int32',
  description: `Iris, 150 samples, 4 features: length and width of sepals and petals in cm; target: 0 setosa, 1 versicolor,
2 virginica, 50 each.

R. A. Fisher, The use of multiple measurements in taxonomic problems, Annual Eugenics 7, Part II (1936) 179-188.`,
}

/**
 * Fisher's iris set: 150 flowers, 4 features in cm; labels 0, 1, 2 are setosa, versicolor, virginica, 50 each.
 *
 * @example
 * loadIris().data.size() // torch.Size([150, 4])
 */
export const loadIris = (): Bunch => bunch(iris)

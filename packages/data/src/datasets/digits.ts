// The handwritten digits. digits.csv.ts has the values; bunch.ts has the code that all sets share.
import { type Bunch, bunch, type Shipped } from './bunch.ts'
import csv from './digits.csv.ts'

export const digits: Shipped = {
  csv,
  file: 'digits.csv',
  targetNames: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  targetDtype: 'int32',
  description: `Handwritten digits, 1797 samples, 64 features: the pixels of 8 x 8 images, 0 to 16; target: the digit.

E. Alpaydin and C. Kaynak, Cascading classifiers, Kybernetika, 1998. The test set of the UCI set.`,
}

/**
 * Handwritten digits: 1797 images of 8 x 8 pixels, each 0 to 16; labels 0 to 9.
 *
 * @example
 * const { data } = loadDigits()
 * const images = data.reshape(-1, 1, 8, 8)
 */
export const loadDigits = (): Bunch => bunch(digits)

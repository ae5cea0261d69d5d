// The Boston housing set. boston.csv.ts has the values; bunch.ts has the code that all sets share.
import csv from './boston.csv.ts'
import { type Bunch, bunch, type Shipped } from './bunch.ts'

export const boston: Shipped = {
  csv,
  file: 'boston.csv',
  targetNames: ['TARGET'],
  targetDtype: 'float64',
  description: `Boston housing, 506 samples, 13 features; target: the median value of owner-occupied homes in $1000s.

CRIM     crimes per head and town
ZN       share of residential land zoned for lots over 25,000 square feet
INDUS    share of acres of non-retail business
CHAS     1 if the tract bounds the Charles River, else 0
NOX      nitric oxides, parts per 10 million
RM       rooms per dwelling
AGE      share of owner-occupied units built before 1940
DIS      weighted distances to five employment centres
RAD      index of accessibility to radial highways
TAX      full-value property-tax rate per $10,000
PTRATIO  pupils per teacher
B        1000 (Bk - 0.63)^2, where Bk is the share of Black residents
LSTAT    per cent of the population of lower status

D. Harrison and D. L. Rubinfeld, Hedonic prices and the demand for clean air, J. Environ. Economics & Management 5
(1978) 81-102. The column B rests on a racist assumption; scikit-learn removed the set in version 1.2.`,
}

/**
 * The Boston housing set (Harrison and Rubinfeld 1978): 506 towns, 13 features, and the median value of a home in
 * $1000s.
 *
 * Its column B encodes the share of Black residents, on the assumption that segregation raises prices; scikit-learn
 * removed the set for this reason. It is here because tutorials use it. Don't build anything on it.
 *
 * @example
 * const { data, target } = loadBoston()
 * const x = new StandardScaler().fitTransform(data).float()
 */
export const loadBoston = (): Bunch => bunch(boston)

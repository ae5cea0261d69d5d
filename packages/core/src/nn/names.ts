// Names: properties are in camelCase, the keys of state dicts in PyTorch's snake_case. `runningMean` is saved as
// 'running_mean', so that a state saved by PyTorch fits.
import { reprFloat } from '../tensor/print.ts'

import { snakeCase } from '../base/python.ts'
export { camelCase, snakeCase } from '../base/python.ts'

/** A value in a printed module or optimizer, in Python's format. */
export function pythonRepr(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : reprFloat(value)
  if (Array.isArray(value))
    return value.length === 1 ? `(${pythonRepr(value[0])},)` : `(${value.map(pythonRepr).join(', ')})`
  return String(value)
}

/** Properties in a printed module: `kernel_size=2, stride=1`. */
export const fieldsOf = <M extends object>(module: M, ...names: readonly (keyof M & string)[]): string =>
  names.map((name) => `${snakeCase(name)}=${pythonRepr(module[name])}`).join(', ')

/** A number whose default is a float to Python, which prints that as 1.0, but 2 as it is given. */
export const floatRepr = (value: number, otherwise: number): string =>
  value === otherwise && Number.isInteger(value) ? `${value}.0` : pythonRepr(value)

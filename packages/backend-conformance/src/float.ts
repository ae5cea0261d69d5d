import type { DType } from './sample.ts'

export const isFloat = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64'

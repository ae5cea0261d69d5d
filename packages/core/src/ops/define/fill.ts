// Helpers from elementwise ops for other ops: conversion to a dtype, and filling with one value.
import type { DType } from '../../base/dtype.ts'
import { apply, operand } from '../../tensor/apply.ts'
import type { Device } from '../../tensor/device.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { elementwise } from './elementwise.ts'

const castOp = elementwise('toCopy', (x) => x)
/** The elements in another dtype; the tensor itself if it already has it. */
export function toDType(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : apply(castOp, [x], { sizes: x.sizes, dtype })
}

const fillOp = elementwise('fill', (value) => value)
/** A tensor of a shape and dtype filled with a number. */
export const filled = (shape: readonly number[], dtype: DType, value: number, device: Device): Tensor =>
  apply(fillOp, [operand(dtype === 'bool' ? value !== 0 : value)], { sizes: shape, dtype }, device)

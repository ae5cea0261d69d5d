// Numbers shared with C++ (native/src/STREAM.md, native/src/stream.h, native/src/kernels.h): opcodes, reductions, and
// how runs end. expression.ts has the numbers of steps, encode-composite.ts those of kernels of compositions.
import type { ReduceFn } from '@flambeau/core/backend'

/** `streamFormat` of native/src/stream.h. */
export const format = 10

export const opcodes = {
  map: 0,
  check: 1,
  contract: 2,
  argReduce: 3,
  scan: 4,
  fold: 5,
  gather: 6,
  scatter: 7,
  sort: 8,
  iota: 9,
  composite: 10,
  call: 11,
  indices: 12,
  repeat: 13,
  pad: 14,
  bordered: 15,
  emitted: 16,
} as const

/** The number of a reduction; -1 means none. */
export const reductions: Readonly<Record<ReduceFn, number>> = { sum: 0, prod: 1, max: 2, min: 3 }

/** The routines of linear algebra (native/src/matrices.h), and how many of its arrays each overwrites. */
export const routines: Readonly<Record<string, number>> = {
  lu: 3,
  cholesky: 2,
  triangle: 1,
  solve: 1,
  subtract: 1,
  qr: 2,
  reflected: 1,
  tridiagonal: 4,
  bidiagonal: 5,
  rotate: 1,
  invert: 3,
}

/** How a run ends. */
export const ended = { done: 0, check: 2, index: 3, memory: 4 } as const

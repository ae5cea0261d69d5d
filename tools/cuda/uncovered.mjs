// Instructions that no test runs, and guards that never go both ways, with reasons. An entry names kernels or functions
// and lines by patterns, and what is missing there; coverage.mjs reads it.

const any = /./

/** @type {readonly { kernel: RegExp, code: RegExp, what?: string, most: number, reason: string }[]} */
export const uncovered = [
  {
    kernel: /^(product_|offsets$)/,
    code: any,
    most: 3600,
    reason:
      'nvcc writes code of its own for each layout of each operand, and copies the edges of tiles into all of them; the ' +
      'tests have all layouts, but not all with every edge',
  },
  {
    kernel: /^sort_/,
    code: any,
    most: 450,
    reason:
      'nvcc divides 64-bit numbers in two ways, unrolls loops, and tests for elements that a whole tile always has',
  },
  {
    kernel: /^program_/,
    code: any,
    most: 120,
    reason: 'moves of more than two axes, and between every pair of widths, are beyond the few programs of the tests',
  },
  {
    kernel: /^([a-z]+\d*_(float32|float64|int32)|local\d+)$/i,
    code: any,
    most: 800,
    reason:
      'nvcc expands functions of the C library where others call them, with branches for arguments that these exclude ' +
      '(half of it in lgamma and polygamma)',
  },
  {
    kernel: /^block$/,
    code: any,
    most: 20,
    reason: 'what fails in a program of one block, and loops that go round again, have tests in separate kernels',
  },
  {
    kernel: any,
    code: any,
    most: 180,
    reason:
      'the loop over four elements at once runs for every kind, but not with every step; it is the same code as the loop behind it',
  },
]

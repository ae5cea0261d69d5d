// Instructions that no test runs, and guards that never go both ways, with reasons. An entry names kernels or functions
// and lines by patterns, and what is missing there, and says how many places that may be; coverage.mjs reads it.

/** @type {readonly { kernel: RegExp, code: RegExp, what?: string, most: number, reason: string }[]} */
export const uncovered = [
  {
    kernel: /^f?mod_float32$/,
    code: /./,
    most: 16,
    reason: 'it mends a quotient that an approximate division got wrong by two, and the interpreter divides exactly',
  },
  {
    kernel: /^([a-z]+\d*_float(32|64)|local\d+)$/i,
    code: /./,
    most: 36,
    reason:
      'nvcc writes functions that others call into them, with branches for arguments that these exclude: logarithms of ' +
      'numbers that are above 1, digamma below 1 of what is above 1, lgamma of fractions beyond 2^53',
  },
  {
    kernel: /./,
    code: /^@%p1 bra \$end;/,
    what: 'its guard never held',
    most: 12,
    reason:
      'every kernel that is written begins with it, and leaves after a failure; sizes.test.ts fails before all kinds, but ' +
      'not before every number of lanes and axes that other tests run',
  },
  {
    kernel: /^(map|reduce)$/,
    code: /./,
    what: 'never ran',
    most: 20,
    reason:
      'reductions of drawn expressions have each step of each dtype by chance, by a thread, a warp or a block, in one of ' +
      'two loops with one body',
  },
  {
    kernel: /^(fold|crossEntropy)$/,
    code: /^@!%p\d+ bra/,
    what: 'its guard never held',
    most: 8,
    reason:
      'windows of five and six axes, and rows by the dozen, come where all indices are inside; others have the same test',
  },
  {
    kernel: /^bad$/,
    code: /./,
    most: 1,
    reason: 'a text with a fault, which a test loads to be refused',
  },
]

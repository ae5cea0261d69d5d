// Instructions that no test runs, and guards that never go both ways, with reasons. An entry names kernels or functions
// and lines by patterns, and what is missing there; coverage.mjs reads it.

/** @type {readonly { kernel: RegExp, code: RegExp, what?: string, reason: string }[]} */
export const uncovered = []

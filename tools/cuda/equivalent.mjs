// Changes that tools/cuda/mutate.mjs makes and that change no result, with reasons.

/** @type {readonly { kernel: RegExp, code: RegExp, reason: string }[]} */
export const equivalent = [
  {
    kernel: /^sort_/,
    code: /^setp\.eq\.s64/,
    reason: 'nvcc divides by 32 bits where the high words are 0, and by 64 bits to the same quotient otherwise',
  },
]

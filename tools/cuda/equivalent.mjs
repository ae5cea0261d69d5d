// Changes that tools/cuda/mutate.mjs makes and that change no result, by patterns of the place (sites.mjs) and of the line,
// with reasons.

/** @type {readonly { place: RegExp, code: RegExp, reason: string }[]} */
export const equivalent = [
  {
    place: /^argReduce: (?!.*loop \d)/,
    code: /^setp\.(gt|lt)\./,
    reason: 'of equal elements the first one wins, whichever is called better',
  },
  {
    place: /^(softmax|logSoftmax|crossEntropy)(Rows)?: /,
    code: /^add\.rn\.f32/,
    reason: 'what is added is 0, or NaN where an element is infinite; sums of elements are double',
  },
  {
    place: /^scatter: .*if 1, loop 0: /,
    code: /^setp\.ge\.s32/,
    reason: 'a bisection that has ended changes nothing in another turn',
  },
  {
    place: /^product_/,
    code: /^shr\.u32\s.*, (2[7-9]|3[01]);$/,
    reason: 'nvcc divides a signed number by a power of two, and rounds negative ones towards zero; none is negative',
  },
]

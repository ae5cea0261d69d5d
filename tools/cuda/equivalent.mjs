// Changes that tools/cuda/mutate.mjs makes and that change no result, with reasons.

/** @type {readonly { kernel: RegExp, code: RegExp, reason: string }[]} */
export const equivalent = []

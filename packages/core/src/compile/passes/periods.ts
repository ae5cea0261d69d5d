// Periodic stretches in a sequence of numbers: those that are one word several times in a row. Words of length 2w are
// named by the pairs of words of length w that they consist of, so all lengths that are powers of two take n log n
// together, and nothing is compared twice.

/** The numbers from `from` to before `to` have this period. */
export interface Stretch {
  readonly from: number
  readonly to: number
  readonly period: number
}

/**
 * All maximal stretches of at least `least` (three or more) periods. Inside a stretch, a word no shorter than the
 * period last occurred exactly one period earlier; so the words of the next power of two find each stretch.
 */
export function stretches(tokens: ArrayLike<number>, least: number): Stretch[] {
  const found: Stretch[] = []
  let names: ArrayLike<number> = tokens
  for (let w = 1; w * least <= 2 * tokens.length; w *= 2) {
    const count = names.length
    /** Where the word of each name last occurred. */
    const met = new Map<number, number>()
    let begin = 0
    let period = 0
    let repeats = false
    const close = (end: number): void => {
      // The words from `begin` on also occurred one period earlier, and the last of them begins right before `end`.
      const [from, to] = [begin - period, end - 1 + w]
      if (period > 0 && to - from >= least * period) found.push({ from, to, period })
    }
    for (let i = 0; i < count; i++) {
      const before = met.get(names[i])
      met.set(names[i], i)
      const distance = before === undefined ? 0 : i - before
      if (distance > 0) repeats = true
      const now = distance <= w && 2 * distance > w ? distance : 0
      if (now === period) continue
      close(i)
      begin = i
      period = now
    }
    close(count)
    if (!repeats) break
    names = paired(names, w)
  }
  return found
}

/** A number for each pair of numbers `w` apart; equal pairs have equal numbers. */
function paired(names: ArrayLike<number>, w: number): number[] {
  const known = new Map<number, number>()
  const pairs: number[] = []
  for (let i = 0; i + w < names.length; i++) {
    const pair = names[i] * 2 ** 26 + names[i + w]
    let name = known.get(pair)
    if (name === undefined) {
      name = known.size
      known.set(pair, name)
    }
    pairs.push(name)
  }
  return pairs
}

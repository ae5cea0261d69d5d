// What tools that put faults into code share: which of many faults they try, and how they say what came of them.

/**
 * A sample of `count` entries, spread evenly over the list, so that every part of it has its share; the seed chooses one in
 * each stretch.
 */
export function sampled(list, count, seed) {
  if (count >= list.length) return list
  const random = dice(seed)
  const stretch = list.length / count
  return Array.from({ length: count }, (_, i) => list[Math.floor((i + random()) * stretch)])
}

/** Numbers below 1 from a seed. */
export function dice(seed) {
  let state = seed + 1
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** A fault as a line, such as one that no test noticed. */
export const faultLine = (place, was, is) => `${place}: ${was.trim()}  =>  ${is.trim() || 'nothing'}`

export const percent = (part, whole) => (whole === 0 ? 'none' : `${((100 * part) / whole).toFixed(1)} %`)

// The scratch memory of products, for the copies of their factors and for partial sums. All products share it, because
// only one runs at a time; so a step with many layers needs as much as its largest layer.

/** Rows of the first factor, columns of the second, partial sums, or a whole factor as it lies. */
export type PanelUse = 'rows' | 'columns' | 'sums' | 'first' | 'second'

/** A panel of more doubles than this is not shared, because a shared one is kept forever. */
const mostShared = 1 << 18

const shared = new Map<PanelUse, ArrayBuffer>()

/** Doubles that the next call for the same use overwrites. */
export function panel(use: PanelUse, length: number): Float64Array<ArrayBuffer> {
  if (length > mostShared) return new Float64Array(new ArrayBuffer(8 * length))
  let buffer = shared.get(use)
  if (buffer === undefined || buffer.byteLength < 8 * length) {
    // Whoever holds the smaller buffer keeps it: sizes double, so all of them together are at most twice the largest.
    buffer = new ArrayBuffer(8 * 2 ** Math.ceil(Math.log2(Math.max(length, 1024))))
    shared.set(use, buffer)
  }
  return new Float64Array(buffer, 0, length)
}

// The scratch memory of products: what they copy their factors to, and sums that are not finished. One for all, because no
// product runs while another one does; so what a step of many layers needs is what its largest layer needs.

/** Rows of the first factor, columns of the second one, sums so far. */
export type PanelUse = 'rows' | 'columns' | 'sums'

/** A panel of more doubles than this belongs to who asked for it: it would be kept for all time. */
const mostShared = 1 << 18

const shared = new Map<PanelUse, ArrayBuffer>()

/** Doubles that whoever asks for the same use next overwrites. */
export function panel(use: PanelUse, length: number): Float64Array<ArrayBuffer> {
  if (length > mostShared) return new Float64Array(new ArrayBuffer(8 * length))
  let buffer = shared.get(use)
  if (buffer === undefined || buffer.byteLength < 8 * length) {
    // Who has the smaller one keeps it: sizes double, so that all of them together are twice the largest.
    buffer = new ArrayBuffer(8 * 2 ** Math.ceil(Math.log2(Math.max(length, 1024))))
    shared.set(use, buffer)
  }
  return new Float64Array(buffer, 0, length)
}

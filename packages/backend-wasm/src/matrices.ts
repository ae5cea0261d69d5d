// Routines of linear algebra in the module. Their arrays are JavaScript's: they are copied into a block of linear memory,
// behind what C++ is told about them, and what a routine overwrites is copied back.
import type { MatrixRun } from '@flambeau/core/backend'
import { routines } from '@flambeau/stream'
import type { Heap } from './heap.ts'

const names = Object.keys(routines)
/** JavaScript is faster for fewer elements. */
const fewest = 256

/** The words of a call, in the order of `Matrices` in C++: the most sizes and arrays are five each. */
const at = { sizes: 4, arrays: 9, lengths: 14 }
/** Where arrays begin, so that vectors are aligned. */
const headBytes = 80

/** The module's routines, over as many elements as are worth a copy. */
export const matricesOf =
  (heap: Heap): MatrixRun =>
  (name, count, sizes, arrays) => {
    const routine = names.indexOf(name)
    if (routine < 0 || arrays[0].length < fewest) return false
    const elements = arrays.reduce((sum, { length }) => sum + length, 0)
    const block = heap.allocate(headBytes + 8 * elements)
    // JavaScript needs no copies.
    if (block === 0) return false
    const { buffer } = heap.bytes
    const call = new Int32Array(buffer, block, headBytes / 4).fill(0)
    call.set([routine, count, sizes.length, arrays.length, ...sizes])
    let from = block + headBytes
    const copies = arrays.map((array, i) => {
      const { length } = array
      const copy = new Float64Array(buffer, from, length)
      copy.set(array)
      call[at.arrays + i] = from
      call[at.lengths + i] = length / count
      from += 8 * length
      return copy
    })
    const isDone = heap.exports.matrices(block) === 1
    if (isDone) for (let i = 0; i < routines[name]; i++) arrays[i].set(copies[i])
    heap.release(block)
    return isDone
  }

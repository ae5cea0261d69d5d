// Linear algebra in the module. The arrays of a computation lie in linear memory, where JavaScript and the module's routines
// both find them. Those that have found no room there are copied for a call, and back if the routine overwrites them.
import type { HostMatrices } from '@flambeau/core/backend'
import { moved, routines } from '@flambeau/stream'
import { type Heap, placeOf } from './heap.ts'

const names = Object.keys(routines)
/** JavaScript is faster for fewer elements. */
const fewest = 256

/** The words of a call, in the order of `Matrices` in C++: the most sizes and arrays are five each. */
const at = { sizes: 4, arrays: 9, lengths: 14, end: 19 }

/** The module's routines, over as many elements as are worth a call. */
export function matricesOf(heap: Heap): HostMatrices {
  const { exports } = heap
  const call = heap.words(at.end)
  const place = placeOf(call)
  let room = heap.numbers(0)
  let isLent = false

  /** Copies the first arrays that do not lie in `buffer` to a block, or back. */
  function copy(
    arrays: readonly Float64Array[],
    length: number,
    buffer: ArrayBufferLike,
    block: number,
    back: boolean,
  ): void {
    for (let i = 0, to = block; i < length; i++) {
      const x = arrays[i]
      if (x.buffer === buffer) continue
      const there = new Float64Array(heap.bytes.buffer, to, x.length)
      if (back) x.set(there)
      else there.set(x)
      to += x.byteLength
    }
  }

  return {
    room(length) {
      isLent = true
      try {
        if (room.array.length < length) room = heap.numbers(length)
      } catch {
        // Arrays of JavaScript need no memory of the module.
      }
      return room.array
    },

    run(name, count, sizes, arrays) {
      const routine = names.indexOf(name)
      if (routine < 0 || arrays[0].length < fewest) return false
      const { buffer } = heap.bytes
      let bytes = 0
      for (const x of arrays) if (x.buffer !== buffer) bytes += x.byteLength
      const block = bytes === 0 ? 0 : heap.allocate(bytes)
      // JavaScript needs no copies.
      if (bytes > 0 && block === 0) return false
      try {
        // Where memory has grown, the arrays of the computation have lost their elements.
        if (isLent && heap.bytes.buffer !== buffer) throw moved
        if (bytes > 0) copy(arrays, arrays.length, buffer, block, false)
        const words = call.array.fill(0)
        words[0] = routine
        words[1] = count
        words[2] = sizes.length
        words[3] = arrays.length
        for (let i = 0; i < sizes.length; i++) words[at.sizes + i] = sizes[i]
        for (let i = 0, to = block; i < arrays.length; i++) {
          const x = arrays[i]
          const isThere = x.buffer === buffer
          words[at.arrays + i] = isThere ? x.byteOffset : to
          words[at.lengths + i] = x.length / count
          if (!isThere) to += x.byteLength
        }
        const isDone = exports.matrices(place) === 1
        if (isLent && heap.bytes.buffer !== buffer) throw moved
        if (bytes > 0 && isDone) copy(arrays, routines[name], buffer, block, true)
        return isDone
      } finally {
        if (block !== 0) heap.release(block)
      }
    },

    set(to, from, start) {
      const { buffer } = heap.bytes
      const isRounded = from instanceof Float64Array && to instanceof Float32Array && from.length >= fewest
      if (isRounded && from.buffer === buffer && to.buffer === buffer)
        exports.narrow(from.byteOffset, from.length, to.byteOffset + 4 * start)
      else to.set(from, start)
    },
  }
}

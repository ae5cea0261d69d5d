// The addon as the host of the stream. Memory is V8's own and never moves.
import { Slab } from '@flambeau/core/backend'
import { type Arena, type Host, kernels, routines, type Shared } from '@flambeau/stream'
import type { Addon } from './addon.ts'
import { alignedZeros, elementsFrom } from './array-buffers.ts'

/** Arrays of shared memory, which no transfer can take away, because C++ keeps pointers to their elements. */
const words = (length: number): Shared<Int32Array> => ({ array: new Int32Array(new SharedArrayBuffer(4 * length)) })
const numbers = (length: number): Shared<Float64Array> => ({
  array: new Float64Array(new SharedArrayBuffer(8 * length)),
})

/** The numbers of routines. */
const numberOf = Object.fromEntries(Object.keys(routines).map((name, i) => [name, i]))
/** JavaScript is faster for fewer elements, of matrices and to round. */
const fewest = 64
const fewestRounded = 512

export type NativeHost = Host & Pick<Addon, 'configure' | 'report' | 'trim'>

export function hostOf(addon: Addon): NativeHost {
  return {
    ...addon,
    fused: new Set(kernels),
    matrices: {
      run: (routine, count, sizes, arrays) =>
        arrays[0].length >= fewest && addon.matrices(numberOf[routine], count, arrays.length, ...arrays, ...sizes),
      set(to, from, at) {
        const isRounded = from instanceof Float64Array && to instanceof Float32Array && from.length >= fewestRounded
        if (isRounded) addon.narrow(from, to, at)
        else to.set(from, at)
      },
    },
    normals: () => addon.normals,
    moves: 0,
    gather() {},
    place(slab) {
      if (slab.address === 0) slab.address = addon.address(slab.data)
      return slab.address
    },
    lend: addon.address,
    words,
    numbers,
    arena: (bytes) => arenaOf(addon, bytes),
    open: (words, rows, numbers, status) => addon.open(words.array, rows.array, numbers.array, status.array),
    bind: (program, rows, numbers, stride) => addon.bind(program, rows.array, numbers.array, stride),
  }
}

function arenaOf(addon: Addon, bytes: number): Arena {
  const whole = alignedZeros(addon, bytes)
  return {
    from: (at, dtype) => new Slab(elementsFrom(whole, at, dtype)),
    rest: () => addon.discard(whole),
  }
}

// The addon rounds results of linear algebra to float32 as JavaScript does, wherever they are written.
import { expect } from 'vitest'
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import { native } from '../src/index.ts'
import type { NativeBackend } from '../src/backend.ts'

testWith('native', nativeMissing, 'numbers are rounded to float32 as JavaScript rounds them', async () => {
  const { matrices } = ((await native()) as NativeBackend).host
  const special = [Number.NaN, Infinity, -Infinity, 1e300, -1e300, 1e-300, -0, 1 + 2 ** -24, 1 + 3 * 2 ** -24, 1e-45]
  for (const n of [special.length, 511, 512, 521, 4096]) {
    const given = Float64Array.from({ length: n }, (_, i) => special[i] ?? Math.tan(i))
    const to = new Float32Array(n + 8).fill(7)
    matrices?.set?.(to, given, 3)
    expect(to).toEqual(Float32Array.from([7, 7, 7, ...given, 7, 7, 7, 7, 7]))
    const words = new Int32Array(n)
    matrices?.set?.(words, given, 0)
    expect(words).toEqual(Int32Array.from(given))
  }
})

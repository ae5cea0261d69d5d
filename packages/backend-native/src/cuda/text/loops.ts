// Loops of a kernel: one number becomes the index of each loop, and these the position of an operand. Sizes and steps
// are parameters, so that a kernel serves all shapes with as many loops; divisions are multiplications.
import type { Value } from '../value.ts'
import type { KernelWriter } from './writer.ts'

/** For 0 <= n < 2^31: n / size is (mulHigh(n, multiplier) + n) >>> shift. */
export function divisionBy(size: number): { readonly multiplier: number; readonly shift: number } {
  // A loop without turns divides nothing.
  const divisor = Math.max(1, size)
  const shift = Math.ceil(Math.log2(divisor))
  const multiplier = Number(2n ** BigInt(32 + shift) / BigInt(divisor) - 2n ** 32n + 1n)
  return { multiplier, shift }
}

/** A loop as a kernel sees it; the outermost needs no size. */
interface Loop {
  readonly size: Value
  readonly multiplier: Value
  readonly shift: Value
}

/** Declares the parameters of some loops; returns what splits a number below their product into an index for each. */
export function declareLoops(w: KernelWriter, sizes: readonly number[]): (n: Value) => readonly Value[] {
  const loops = sizes.slice(1).map((size): Loop => {
    const { multiplier, shift } = divisionBy(size)
    const int = (value: number): Value => w.param({ is: 'int', value })
    return { size: int(size), multiplier: int(multiplier), shift: int(shift) }
  })
  return (n) => {
    const indices: Value[] = []
    let rest = n
    for (let i = loops.length - 1; i >= 0; i--) {
      const { size, multiplier, shift } = loops[i]
      const high = w.index('mulHigh', rest, multiplier)
      const quotient = w.index('shiftRight', w.index('add', high, rest), shift)
      indices.unshift(w.index('sub', rest, w.index('mul', quotient, size)))
      rest = quotient
    }
    return sizes.length === 0 ? [] : [rest, ...indices]
  }
}

/** The step of an operand in a loop: a multiplication only if it is neither 0 nor 1, which is part of the kernel's text. */
type Step = 0 | 1 | Value

/** Declares the steps of an operand; returns its position at given indices, beyond `first`. */
export function declareSteps(
  w: KernelWriter,
  steps: readonly number[],
): (indices: readonly Value[], first?: Value) => Value {
  const declared = steps.map((step): Step => (step === 0 || step === 1 ? step : w.param({ is: 'int', value: step })))
  return (indices, first) => {
    let at = first
    declared.forEach((step, i) => {
      if (step === 0) return
      if (step === 1) at = at === undefined ? indices[i] : w.index('add', at, indices[i])
      else at = at === undefined ? w.index('mul', indices[i], step) : w.indexMad(indices[i], step, at)
    })
    return at ?? w.int(0)
  }
}

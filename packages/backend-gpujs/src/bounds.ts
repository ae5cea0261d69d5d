// Bounds of integers. float32 represents every integer up to 2^24, so an instruction on integers may run on gpu.js if
// no step can exceed that; otherwise another backend runs it.
import { type Expr, isFloat, type ReduceFn, topological } from '@flambeau/core/backend'

export const LARGEST_INT = 2 ** 24

/** Sums and products up to 2^24 are exact; larger ones are unknown. */
export const exact = (bound: number): number => (bound <= LARGEST_INT ? bound : Number.POSITIVE_INFINITY)

const hasInt32 = new WeakMap<Expr, boolean>()
function touchesInt32(root: Expr): boolean {
  let known = hasInt32.get(root)
  if (known === undefined) {
    known = topological([root]).some((x) => x.dtype === 'int32')
    hasInt32.set(root, known)
  }
  return known
}

/**
 * The largest absolute value of an expression for inputs up to the given bounds: 0 for a float expression, Infinity if
 * an int32 step may be inexact. A truncated float is exact in float32 whatever its size.
 */
export function exprBound(root: Expr, bounds: readonly number[]): number {
  if (!touchesInt32(root)) return small(root)
  const found = new Map<Expr, number>()
  let worst = 0
  for (const x of topological([root])) {
    const bound = x.dtype === 'int32' ? int32Bound(x, (arg) => found.get(arg) as number, bounds) : small(x)
    if (bound === Number.POSITIVE_INFINITY) worst = bound
    found.set(x, bound)
  }
  return Math.max(worst, found.get(root) as number)
}

const small = ({ dtype }: Expr): number => (isFloat(dtype) ? 0 : dtype === 'uint8' ? 255 : 1)

function int32Bound(x: Expr, of: (arg: Expr) => number, inputs: readonly number[]): number {
  if (x.step === 'input') return inputs[x.value]
  if (x.step === 'const') return exact(Math.abs(x.value | 0))
  if (x.step === 'cast') return isFloat(x.args[0].dtype) ? 2 ** 31 : of(x.args[0])
  if (x.step === 'select') return Math.max(of(x.args[1]), of(x.args[2]))
  const [a, b, c] = x.args.map(of)
  switch (x.step) {
    case 'add':
    case 'sub':
      return exact(a + b)
    case 'mul':
      return exact(a * b)
    case 'fma':
      return exact(a * b + c)
    case 'min':
    case 'max':
      return Math.max(a, b)
    case 'neg':
    case 'abs':
      return a
    case 'sign':
      return 1
    case 'mod':
    case 'fmod':
      return exact(Math.max(a, b))
    case 'floorDiv':
    case 'div':
      return exact(Math.max(a, b))
    case 'pow':
      return exact(a <= 1 ? 1 : a ** b)
    default:
      return Number.POSITIVE_INFINITY
  }
}

/** The bound of a reduction of `count` elements up to `bound`. */
export function reducedBound(fn: ReduceFn, bound: number, count: number): number {
  if (fn === 'sum') return exact(bound * count)
  if (fn === 'prod') return bound <= 1 ? 1 : exact(bound ** count)
  return bound
}

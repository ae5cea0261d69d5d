// Methods without a function of the same form: names that would shadow a user's (float, bool), and `where`, whose
// function takes its arguments in another order.
import { type Takes, method, required, tensor } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { operandKind, type TensorLike } from './define/overloads.ts'
import { where as choose } from './pointwise/where.ts'

export { bool, byte, cpu, cuda, double, float, int, long, typeAs } from './create/convert.ts'
export {
  /** The n-th derivative of digamma: `x.polygamma(n)`. */
  polygammaOf as polygamma,
} from './pointwise/special.ts'
export { newEmpty, newFull, newOnes, newTensor, newZeros, numpy } from './create/anew.ts'
export {
  elementSize,
  getDevice,
  isComplex,
  isConj,
  isDistributed,
  isNeg,
  isNonzero,
  isPinned,
  isSameSize,
  isSetTo,
  isShared,
  isSigned,
  ndimension,
  nelement,
  type,
} from './facts.ts'
export * from './linalg/older.ts'
export { cumprod_, cumsum_ } from './reduce/scans.ts'
export { reshapeAs, sumToSize, viewAs } from './views/by-other.ts'
export { asStrided_, squeeze_, swapaxes_, swapdims_, t_, transpose_, unsqueeze_ } from './views/in-place.ts'
export { apply_, map_ } from './write/each.ts'
export { detach_, fillDiagonal_, requiresGrad_ } from './write/write.ts'

/** The elements of this tensor where the condition is true, those of `other` elsewhere. */
export const where = (x: Tensor, ...args: Takes<[condition: Tensor, other: TensorLike], 'condition other'>): Tensor => {
  const [condition, other] = whereArguments(x, args)
  return choose(condition, x, other)
}
const whereArguments = method('where', required('condition', tensor), required('other', operandKind))

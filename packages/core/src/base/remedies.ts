// What errors about dtypes say in more than one place: PyTorch's sentence, or what to do.
import { RuntimeError } from './errors.ts'

export const toInt = 'Convert it first: x.int().'
export const toFloat = 'Convert it first: x.float().'

/** PyTorch's sentence for the negation of a bool. */
export const negatedBool =
  'Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.'

/** That for the difference of two. */
export const subtractBools =
  'Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead.'

/** PyTorch's error for data of integers in a tensor that requires a gradient. */
export const notFloat = (remedy: string): RuntimeError =>
  new RuntimeError('data set to a tensor that requires gradients must be floating point or complex dtype', remedy)

// The error classes users catch: PyTorch's names, PyTorch's sentence first, then what to do about it.
import { className } from './class-name.ts'

abstract class TensorError extends Error {
  constructor(sentence: string, hint?: string) {
    super(hint === undefined ? sentence : `${sentence}\n${hint}`)
    this.name = className(this.constructor)
  }
}

/** PyTorch's RuntimeError: shapes, dtypes or graph state do not allow the call. */
export class RuntimeError extends TensorError {}
/** PyTorch's IndexError: a dimension, an index or a class label is out of range. */
export class IndexError extends TensorError {}
/** PyTorch's ValueError: an argument has the right type and an impossible value. */
export class ValueError extends TensorError {}
/** PyTorch's NotImplementedError: a method that a subclass must define. */
export class NotImplementedError extends TensorError {}
/** PyTorch's KeyError: a name that cannot be used, or one that is missing. */
export class KeyError extends TensorError {}
/** PyTorch's AttributeError: a module has no part of that name. */
export class AttributeError extends TensorError {}
/** PyTorch's AssertionError: only where PyTorch itself asserts. */
export class AssertionError extends TensorError {}

/** PyTorch's TypeError: an argument of the wrong type; also an instance of JavaScript's own TypeError. */
export class TypeError extends globalThis.TypeError {
  constructor(sentence: string, hint?: string) {
    super(hint === undefined ? sentence : `${sentence}\n${hint}`)
    this.name = 'TypeError'
  }
}

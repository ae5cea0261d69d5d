// The error classes that users catch: PyTorch's names; a message is PyTorch's sentence first, then a hint what to do.
import { className } from './class-name.ts'
import { keepFrames } from './frames.ts'

const message = (sentence: string, hint?: string): string => (hint === undefined ? sentence : `${sentence}\n${hint}`)

abstract class TensorError extends Error {
  constructor(sentence: string, hint?: string) {
    const frames = keepFrames()
    super(message(sentence, hint))
    keepFrames(frames)
    this.name = className(this.constructor)
  }
}

/** PyTorch's RuntimeError: shapes, dtypes or graph state do not allow the call. */
export class RuntimeError extends TensorError {}
/** The error of a gradient that disagrees with finite differences. */
export class GradcheckError extends RuntimeError {}
/** A matrix that an algorithm cannot handle: singular, or not positive-definite. */
export class LinAlgError extends RuntimeError {}
/** PyTorch's IndexError: a dimension, an index or a class label is out of range. */
export class IndexError extends TensorError {}
/** PyTorch's ValueError: an argument has the right type but an invalid value. */
export class ValueError extends TensorError {}
/** PyTorch's NotImplementedError: a method that a subclass must define. */
export class NotImplementedError extends TensorError {}
/** PyTorch's KeyError: a name is invalid or missing. */
export class KeyError extends TensorError {}
/** PyTorch's AttributeError: a module has no attribute of that name. */
export class AttributeError extends TensorError {}
/** PyTorch's AssertionError: only where PyTorch itself asserts. */
export class AssertionError extends TensorError {}

/** PyTorch's TypeError: an argument of the wrong type; also an instance of JavaScript's own TypeError. */
export class TypeError extends globalThis.TypeError {
  constructor(sentence: string, hint?: string) {
    const frames = keepFrames()
    super(message(sentence, hint))
    keepFrames(frames)
    this.name = 'TypeError'
  }
}

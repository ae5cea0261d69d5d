// Activations: an elementwise function, or a softmax along a dimension, as a layer.
import { className } from '../base/class-name.ts'
import { leakyRelu, relu, sigmoid } from '../ops/pointwise/activation.ts'
import { tanh } from '../ops/pointwise/elementary.ts'
import { inPlace } from '../ops/methods.ts'
import { logSoftmaxOf, softmaxOf } from '../ops/reduce/softmax.ts'
import { type Arguments, bool, constructing, int, nullable, optional, real } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Module } from './module.ts'
import { fieldsOf } from './names.ts'
import type { InplaceOption } from './rectified.ts'

/** `1 / (1 + exp(-x))` */
export class Sigmoid extends Module {
  constructor(...none: []) {
    ofSigmoid(none)
    super()
  }

  override forward(x: Tensor): Tensor {
    return sigmoid(x)
  }
}

/** `tanh(x)` */
export class Tanh extends Module {
  constructor(...none: []) {
    ofTanh(none)
    super()
  }

  override forward(x: Tensor): Tensor {
    return tanh(x)
  }
}

const ofSigmoid = constructing('Sigmoid')
const ofTanh = constructing('Tanh')

/** `max(x, 0)` */
export class ReLU extends Module {
  inplace: boolean

  constructor(...args: Arguments<[inplace: boolean], InplaceOption>) {
    const [inplace] = ofReLU(args)
    super()
    this.inplace = inplace
  }

  override forward(x: Tensor): Tensor {
    return this.inplace ? inPlace(relu, x) : relu(x)
  }

  override extraRepr(): string {
    return this.inplace ? 'inplace=True' : ''
  }
}

const inplaceParameter = optional('inplace', bool, false)
const ofReLU = constructing('ReLU', inplaceParameter)

export interface LeakyReLUOptions extends InplaceOption {
  readonly negativeSlope?: number
}

/**
 * `x` where it is positive, `negativeSlope * x` (0.01) elsewhere.
 *
 * @example
 * new nn.LeakyReLU(0.1) // or new nn.LeakyReLU({ negativeSlope: 0.1 })
 */
export class LeakyReLU extends Module {
  negativeSlope: number
  inplace: boolean

  constructor(...args: Arguments<[negativeSlope: number, inplace: boolean], LeakyReLUOptions>) {
    super()
    ;[this.negativeSlope, this.inplace] = ofLeakyReLU(args)
  }

  override forward(x: Tensor): Tensor {
    return this.inplace ? inPlace(leakyRelu, x, this.negativeSlope) : leakyRelu(x, this.negativeSlope)
  }

  override extraRepr(): string {
    return fieldsOf(this, 'negativeSlope') + (this.inplace ? ', inplace=True' : '')
  }
}

const ofLeakyReLU = constructing('LeakyReLU', optional('negativeSlope', real, 0.01), inplaceParameter)

type DimArgument = [dim?: number | null | { readonly dim?: number | null }]

/** A layer along a dimension, which PyTorch guesses if none is given. */
export abstract class AlongDim extends Module {
  dim: number | null

  constructor(...args: DimArgument) {
    const [dim] = constructing(className(new.target), dimParameter)(args)
    super()
    this.dim = dim
  }

  abstract override forward(x: Tensor): Tensor

  override extraRepr(): string {
    return fieldsOf(this, 'dim')
  }
}

const dimParameter = optional('dim', nullable(int), null)

/** Positive slices along `dim` that sum to 1. */
export class Softmax extends AlongDim {
  override forward(x: Tensor): Tensor {
    return softmaxOf(x, this.dim)
  }
}

/** The logarithm of a softmax along `dim`. */
export class LogSoftmax extends AlongDim {
  override forward(x: Tensor): Tensor {
    return logSoftmaxOf(x, this.dim)
  }
}

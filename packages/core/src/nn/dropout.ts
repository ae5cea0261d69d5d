// Dropout: noise in training, nothing in evaluation.
import { ValueError } from '../base/errors.ts'
import { alphaDropout, dropout, dropout1d, dropout2d, dropout3d, featureAlphaDropout } from '../ops/random/dropout.ts'
import { type Arguments, bool, constructing, number, optional } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { InplaceOption } from './rectified.ts'
import { Module } from './module.ts'
import { fieldsOf } from './names.ts'

export interface DropoutLayerOptions extends InplaceOption {
  readonly p?: number
}

const ofDropout = constructing('_DropoutNd', optional('p', number, 0.5), optional('inplace', bool, false))

/** What the kinds of dropout share; the subclasses say what is dropped. */
abstract class DropoutLayer extends Module {
  p: number
  inplace: boolean

  constructor(...args: Arguments<[p: number, inplace: boolean], DropoutLayerOptions>) {
    const [p, inplace] = ofDropout(args)
    super()
    if (!(p >= 0 && p <= 1)) throw new ValueError(`dropout probability has to be between 0 and 1, but got ${p}`)
    this.p = p
    this.inplace = inplace
  }

  abstract override forward(x: Tensor): Tensor

  override extraRepr(): string {
    return fieldsOf(this, 'p', 'inplace')
  }
}

/** In training, sets elements to 0 with probability `p` (0.5) and scales the others by 1 / (1 - p). */
export class Dropout extends DropoutLayer {
  override forward(x: Tensor): Tensor {
    return dropout(x, this.p, this.training, this.inplace)
  }
}
/** In training, sets channels of signals [N, C, L] or [C, L] to 0 and scales the others by 1 / (1 - p). */
export class Dropout1d extends DropoutLayer {
  override forward(x: Tensor): Tensor {
    return dropout1d(x, this.p, this.training, this.inplace)
  }
}
/** In training, sets channels of images [N, C, H, W] to 0 and scales the others by 1 / (1 - p). */
export class Dropout2d extends DropoutLayer {
  override forward(x: Tensor): Tensor {
    return dropout2d(x, this.p, this.training, this.inplace)
  }
}
/** In training, sets channels of volumes [N, C, D, H, W] or [C, D, H, W] to 0 and scales the others by 1 / (1 - p). */
export class Dropout3d extends DropoutLayer {
  override forward(x: Tensor): Tensor {
    return dropout3d(x, this.p, this.training, this.inplace)
  }
}
/** Dropout for networks of SELU, which keeps the mean and the variance. */
export class AlphaDropout extends DropoutLayer {
  override forward(x: Tensor): Tensor {
    return alphaDropout(x, this.p, this.training, this.inplace)
  }
}
/** The same for whole channels of [N, C, ...]. */
export class FeatureAlphaDropout extends DropoutLayer {
  override forward(x: Tensor): Tensor {
    return featureAlphaDropout(x, this.p, this.training, this.inplace)
  }
}

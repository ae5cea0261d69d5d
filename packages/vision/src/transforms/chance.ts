// The bases of transforms that happen some of the time.
import { nn } from '@flambeau/core'
import { draw01, type Picture } from './images.ts'

/** A transform that happens with probability `p`. */
export abstract class Chance extends nn.Module {
  readonly p: number

  constructor(p: number) {
    super()
    this.p = p
  }

  override extraRepr(): string {
    return `p=${this.p}`
  }
}

/** One that takes images and tensors alike. */
export abstract class RandomChange extends Chance {
  /** The picture when it happens. */
  protected abstract changed<P extends Picture>(img: P): P

  override forward<P extends Picture>(img: P): P {
    return draw01() < this.p ? this.changed(img) : img
  }
}

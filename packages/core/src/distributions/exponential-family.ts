// Exponential families: distributions whose log-density is linear in natural parameters, up to a normalizer. Entropy and
// divergences follow from the normalizer's gradient.
import { grad } from '../autograd/grad.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Distribution } from './distribution.ts'

/** Set by the class, whose members are protected. */
let divergence: (p: ExponentialFamily, q: ExponentialFamily) => Tensor

/**
 * The base class of exponential families. A subclass that defines `naturalParams`, `logNormalizer` and
 * `meanCarrierMeasure` has an entropy, and with the first two a divergence from others of its class.
 *
 * @example
 * new distributions.Gamma(2, 4) instanceof distributions.ExponentialFamily // true
 */
export abstract class ExponentialFamily extends Distribution {
  /** The natural parameters, functions of the parameters. */
  protected get naturalParams(): readonly Tensor[] {
    return this.lacks('_natural_params')
  }

  /** The logarithm of the normalizer, a function of the natural parameters. */
  protected logNormalizer(..._naturalParams: readonly Tensor[]): Tensor {
    return this.lacks('_log_normalizer')
  }

  /** The mean of the logarithm of the density's factor that does not depend on the parameters. */
  protected get meanCarrierMeasure(): Tensor | number {
    return this.lacks('entropy')
  }

  /** The normalizer at the natural parameters, and for each of them its gradient. */
  private expanding(): readonly [normalizer: Tensor, terms: readonly (readonly [param: Tensor, slope: Tensor])[]] {
    const params = this.naturalParams.map((x) => x.detach().requiresGrad_())
    const normalizer = this.logNormalizer(...params)
    const slopes = grad([normalizer.sum()], params, { createGraph: true })
    return [normalizer, params.map((param, i) => [param, slopes[i] as Tensor])]
  }

  /** The sum of all that belongs to one element of the batch. */
  private total(x: Tensor): Tensor {
    return x.reshape([...this.batchShape, -1]).sum(-1)
  }

  override entropy(): Tensor {
    const carrier = this.meanCarrierMeasure
    const [normalizer, terms] = this.expanding()
    return terms.reduce((sum, [param, slope]) => sum.sub(this.total(param.mul(slope))), normalizer.sub(carrier))
  }

  static {
    divergence = (p, q) => {
      const others = q.naturalParams
      const [normalizer, terms] = p.expanding()
      return terms.reduce(
        (sum, [param, slope], i) => sum.sub(p.total(others[i].sub(param).mul(slope))),
        q.logNormalizer(...others).sub(normalizer),
      )
    }
  }
}

/** The Bregman divergence of the normalizer between two distributions of one class: their Kullback-Leibler divergence. */
export const bregman = (p: ExponentialFamily, q: ExponentialFamily): Tensor => divergence(p, q)

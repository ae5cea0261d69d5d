// The von Mises distribution of angles.
import type { Shape } from '../base/shape.ts'
import { where } from '../ops/indexing/positions.ts'
import { effects } from '../tensor/effects.ts'
import { type Takes, constructing, required } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type Constraint, positive, real } from './constraints.ts'
import { Distribution, type Validate, validateParameter } from './distribution.ts'
import { unfilled } from './location.ts'
import { broadcastAll, tensorOrNumber, type TensorOrNumber } from './values.ts'

// Abramowitz and Stegun's polynomials for the modified Bessel functions of order 0 and 1, as PyTorch has them.
const small = [
  [1, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813],
  [0.5, 0.87890594, 0.51498869, 0.15084934, 0.02658733, 0.00301532, 0.00032411],
]
const large = [
  [0.39894228, 0.01328592, 0.00225319, -0.00157565, 0.00916281, -0.02057706, 0.02635537, -0.01647633, 0.00392377],
  [0.39894228, -0.03988024, -0.00362018, 0.00163801, -0.01031555, 0.02282967, -0.02895312, 0.01787654, -0.00420059],
]
const polynomial = (y: Tensor, coefficients: readonly number[]): Tensor => {
  const [last, ...rest] = [...coefficients].reverse()
  const first = y.mul(last).add(rest[0])
  return rest.slice(1).reduce((sum, c) => y.mul(sum).add(c), first)
}
/** The logarithm of the modified Bessel function. */
function logBessel(x: Tensor, order: 0 | 1): Tensor {
  const near = polynomial(x.div(3.75).pow(2), small[order])
  const far = x.sub(x.log().mul(0.5)).add(polynomial(x.reciprocal().mul(3.75), large[order]).log())
  return where(x.lt(3.75), (order === 1 ? x.abs().mul(near) : near).log(), far)
}

const vonMisesArguments = constructing(
  'VonMises',
  required('loc', tensorOrNumber),
  required('concentration', tensorOrNumber),
  validateParameter,
)
type VonMisesArguments = Takes<
  [loc: TensorOrNumber, concentration: TensorOrNumber],
  'loc concentration',
  [validateArgs?: Validate]
>
/**
 * The von Mises distribution of angles in radians around `loc`; samples lie between -pi and pi.
 *
 * @example
 * new distributions.VonMises(0, 4).variance // tensor(0.1365)
 */
export class VonMises extends Distribution {
  protected override get title(): string {
    return 'VonMises'
  }
  declare readonly loc: Tensor
  declare readonly concentration: Tensor

  constructor(...args: VonMisesArguments) {
    const [center, strength, validateArgs] = vonMisesArguments(args)
    const [loc, concentration] = broadcastAll(center, strength)
    super({ fields: { loc, concentration }, batchShape: loc.sizes, validateArgs })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { loc: real, concentration: positive }
  }

  override get support(): Constraint {
    return real
  }

  /** The circular mean. */
  override get mean(): Tensor {
    return this.loc
  }

  override get mode(): Tensor {
    return this.loc
  }

  /** The circular variance. */
  override get variance(): Tensor {
    return logBessel(this.concentration, 1).sub(logBessel(this.concentration, 0)).exp().neg().add(1)
  }

  protected override logDensity(value: Tensor): Tensor {
    return this.concentration
      .mul(value.sub(this.loc).cos())
      .sub(Math.log(2 * Math.PI))
      .sub(logBessel(this.concentration, 0))
  }

  // Best and Fisher's rejection: all elements are drawn again until each has been accepted once.
  protected override drawn(sampleShape: Shape): Tensor {
    effects.sink?.refuse('VonMises.sample()', 'Call it before the step, and pass the result.')
    const { loc, concentration } = this
    const shape = this.extended(sampleShape)
    const tau = concentration.pow(2).mul(4).add(1).sqrt().add(1)
    const rho = tau.sub(tau.mul(2).sqrt()).div(concentration.mul(2))
    const exact = rho.pow(2).add(1).div(rho.mul(2))
    // Where the difference above rounds to 0, its first terms; what is not finite then has no samples.
    const r = where(exact.isfinite(), exact, concentration.reciprocal().add(concentration))
    let x = r.sub(r).expand(shape)
    let done = x.ne(x)
    while (done.all().item() === 0) {
      const [u1, u2, u3] = unfilled(loc, [3, ...shape])
        .uniform_()
        .unbind()
      const z = u1.mul(Math.PI).cos()
      const f = r.mul(z).add(1).div(r.add(z))
      const c = concentration.mul(r.sub(f))
      const quick = c.mul(c.neg().add(2)).sub(u2).gt(0)
      const accepted = quick.logicalOr(c.div(u2).log().add(1).sub(c).ge(0))
      x = where(accepted, u3.sub(0.5).sign().mul(f.acos()), x)
      done = done.logicalOr(accepted)
    }
    return x
      .add(Math.PI)
      .add(loc)
      .remainder(2 * Math.PI)
      .sub(Math.PI)
  }
}

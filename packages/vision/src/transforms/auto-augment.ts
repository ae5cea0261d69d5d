// Augmentation by transforms drawn from a table with their magnitudes: AutoAugment, RandAugment, TrivialAugment and AugMix.
// They draw from the default generator what torchvision draws.
import { full, linspace, nn, rand, randint, sampleDirichlet, signatures, type Tensor, ValueError } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { adjustBrightness, adjustContrast, adjustSaturation, invert } from './color.ts'
import { affine, fillKind, rotate } from './geometry.ts'
import { dimensionsOf, drawBelow, drawBetween, onValues, type Picture, python, pythonRound } from './images.ts'
import { type Interpolation, interpolationKind } from './resize.ts'
import { adjustSharpness, autocontrast, equalize, posterize, solarize } from './tones.ts'

const { bool, constructing, finite, int, optional, str } = signatures

type Fill = number | readonly number[] | null
interface Sampling {
  readonly interpolation: Interpolation
  readonly fill: Fill
}
/** How transforms that move pixels sample them. */
export interface AugmentOptions {
  readonly interpolation?: 'nearest' | 'bilinear'
  /** What becomes of places outside the picture: a value, or one for each channel; 0 by default. */
  readonly fill?: Fill
}
const samplingParameters = (interpolation: Interpolation) =>
  [optional('interpolation', interpolationKind, interpolation), optional('fill', fillKind, null)] as const

const degrees = (radians: number): number => (radians * 180) / Math.PI
type Change = <P extends Picture>(img: P, magnitude: number, sampling: { interpolation: 'nearest'; fill: Fill }) => P

/** What each name of a table does to a picture. */
const changes = {
  Identity: (img) => img,
  ShearX: (img, m, sampling) => affine(img, 0, [0, 0], 1, [degrees(Math.atan(m)), 0], { ...sampling, center: [0, 0] }),
  ShearY: (img, m, sampling) => affine(img, 0, [0, 0], 1, [0, degrees(Math.atan(m))], { ...sampling, center: [0, 0] }),
  TranslateX: (img, m, sampling) => affine(img, 0, [Math.trunc(m), 0], 1, [0, 0], sampling),
  TranslateY: (img, m, sampling) => affine(img, 0, [0, Math.trunc(m)], 1, [0, 0], sampling),
  Rotate: (img, m, sampling) => rotate(img, m, sampling),
  Brightness: (img, m) => adjustBrightness(img, 1 + m),
  Color: (img, m) => adjustSaturation(img, 1 + m),
  Contrast: (img, m) => adjustContrast(img, 1 + m),
  Sharpness: (img, m) => adjustSharpness(img, 1 + m),
  Posterize: (img, m) => posterize(img, Math.trunc(m)),
  Solarize: (img, m) => solarize(img, m),
  AutoContrast: (img) => autocontrast(img),
  Equalize: (img) => equalize(img),
  Invert: (img) => invert(img),
} satisfies Record<string, Change>
type Name = keyof typeof changes

const changed = <P extends Picture>(img: P, name: Name, magnitude: number, { interpolation, fill }: Sampling): P =>
  (changes[name] as Change)(img, magnitude, { interpolation: interpolation as 'nearest', fill })

/** The magnitudes of a transform, and whether half of them are negative; null if it has none. */
type Magnitudes = { readonly values: readonly number[]; readonly isSigned: boolean } | null
type Space = readonly (readonly [name: Name, magnitudes: Magnitudes])[]

/** The greatest magnitudes of a table. */
interface Reach {
  readonly shear: number
  readonly translate: readonly [x: number, y: number]
  readonly rotate: number
  readonly colour: number
  readonly bits: readonly [most: number, fewer: number]
}
const spanned = (low: number, high: number, bins: number): readonly number[] =>
  Array.from(linspace(low, high, bins).toArray())
const signed = (most: number, bins: number): Magnitudes => ({ values: spanned(0, most, bins), isSigned: true })

const movesOf = ({ shear, translate, rotate }: Reach, bins: number): Space => [
  ['ShearX', signed(shear, bins)],
  ['ShearY', signed(shear, bins)],
  ['TranslateX', signed(translate[0], bins)],
  ['TranslateY', signed(translate[1], bins)],
  ['Rotate', signed(rotate, bins)],
]
const coloursOf = ({ colour }: Reach, bins: number): Space =>
  (['Brightness', 'Color', 'Contrast', 'Sharpness'] as const).map((name) => [name, signed(colour, bins)] as const)
const tonesOf = ({ bits: [most, fewer] }: Reach, bins: number): Space => {
  const step = (bins - 1) / fewer
  const kept = Array.from({ length: bins }, (_, i) => most - pythonRound(Math.fround(i / step)))
  return [
    ['Posterize', { values: kept, isSigned: false }],
    ['Solarize', { values: spanned(255, 0, bins), isSigned: false }],
    ['AutoContrast', null],
    ['Equalize', null],
  ]
}
const reachOf = (img: Picture): Reach => {
  const [, height, width] = dimensionsOf(img)
  return { shear: 0.3, translate: [(150 / 331) * width, (150 / 331) * height], rotate: 30, colour: 0.9, bits: [8, 4] }
}
const allOf = (reach: Reach, bins: number): Space => [
  ['Identity', null],
  ...movesOf(reach, bins),
  ...coloursOf(reach, bins),
  ...tonesOf(reach, bins),
]

/** One transform of a table, drawn, with its magnitude at `index()`, and its sign drawn. */
function drawn<P extends Picture>(img: P, space: Space, sampling: Sampling, index: (bins: number) => number): P {
  const [name, magnitudes] = space[drawBelow(space.length)]
  const magnitude = magnitudes === null ? 0 : magnitudes.values[index(magnitudes.values.length)]
  return changed(img, name, magnitudes?.isSigned && drawBelow(2) === 1 ? -magnitude : magnitude, sampling)
}

/** The base of the augmentations. */
abstract class Augment extends nn.Module implements Sampling {
  readonly interpolation: Interpolation
  readonly fill: Fill

  constructor(interpolation: Interpolation, fill: Fill) {
    super()
    this.interpolation = interpolation
    this.fill = fill
  }

  override extraRepr(): string {
    return `interpolation=InterpolationMode.${this.interpolation.toUpperCase()}, fill=${python(this.fill)}`
  }
}

type Step = readonly [name: Name, probability: number, magnitude: number | null]
/** A policy as text: pairs of a name, a probability in tenths, and a magnitude's index, from the paper's appendix. */
const policy = (text: string): readonly (readonly Step[])[] =>
  text
    .trim()
    .split(/\s*\n\s*/)
    .map((line) =>
      line.split(', ').map((step) => {
        const [name, tenths, index] = step.split(' ')
        return [name as Name, Number(tenths) / 10, index === undefined ? null : Number(index)] as const
      }),
    )

const policies = {
  imagenet: policy(`
    Posterize 4 8, Rotate 6 9
    Solarize 6 5, AutoContrast 6
    Equalize 8, Equalize 6
    Posterize 6 7, Posterize 6 6
    Equalize 4, Solarize 2 4
    Equalize 4, Rotate 8 8
    Solarize 6 3, Equalize 6
    Posterize 8 5, Equalize 10
    Rotate 2 3, Solarize 6 8
    Equalize 6, Posterize 4 6
    Rotate 8 8, Color 4 0
    Rotate 4 9, Equalize 6
    Equalize 0, Equalize 8
    Invert 6, Equalize 10
    Color 6 4, Contrast 10 8
    Rotate 8 8, Color 10 2
    Color 8 8, Solarize 8 7
    Sharpness 4 7, Invert 6
    ShearX 6 5, Equalize 10
    Color 4 0, Equalize 6
    Equalize 4, Solarize 2 4
    Solarize 6 5, AutoContrast 6
    Invert 6, Equalize 10
    Color 6 4, Contrast 10 8
    Equalize 8, Equalize 6`),
  cifar10: policy(`
    Invert 1, Contrast 2 6
    Rotate 7 2, TranslateX 3 9
    Sharpness 8 1, Sharpness 9 3
    ShearY 5 8, TranslateY 7 9
    AutoContrast 5, Equalize 9
    ShearY 2 7, Posterize 3 7
    Color 4 3, Brightness 6 7
    Sharpness 3 9, Brightness 7 9
    Equalize 6, Equalize 5
    Contrast 6 7, Sharpness 6 5
    Color 7 7, TranslateX 5 8
    Equalize 3, AutoContrast 4
    TranslateY 4 3, Sharpness 2 6
    Brightness 9 6, Color 2 8
    Solarize 5 2, Invert 0
    Equalize 2, AutoContrast 6
    Equalize 2, Equalize 6
    Color 9 9, Equalize 6
    AutoContrast 8, Solarize 2 8
    Brightness 1 3, Color 7 0
    Solarize 4 5, AutoContrast 9
    TranslateY 9 9, TranslateY 7 9
    AutoContrast 9, Solarize 8 3
    Equalize 8, Invert 1
    TranslateY 7 9, AutoContrast 9`),
  svhn: policy(`
    ShearX 9 4, Invert 2
    ShearY 9 8, Invert 7
    Equalize 6, Solarize 6 6
    Invert 9, Equalize 6
    Equalize 6, Rotate 9 3
    ShearX 9 4, AutoContrast 8
    ShearY 9 8, Invert 4
    ShearY 9 5, Solarize 2 6
    Invert 9, AutoContrast 8
    Equalize 6, Rotate 9 3
    ShearX 9 4, Solarize 3 3
    ShearY 8 8, Invert 7
    Equalize 9, TranslateY 6 6
    Invert 9, Equalize 6
    Contrast 3 3, Rotate 8 4
    Invert 8, TranslateY 0 2
    ShearY 7 6, Solarize 4 8
    Invert 6, Rotate 8 4
    ShearY 3 7, TranslateX 9 3
    ShearX 1 6, Invert 6
    Solarize 7 2, TranslateY 6 7
    ShearY 8 4, Invert 8
    ShearX 7 9, TranslateY 8 3
    ShearY 8 5, AutoContrast 7
    ShearX 7 2, Invert 1`),
} as const

/** The policies of `AutoAugment`, by the data that they were found on. */
export const AutoAugmentPolicy = { IMAGENET: 'imagenet', CIFAR10: 'cifar10', SVHN: 'svhn' } as const
export type AutoAugmentPolicy = (typeof AutoAugmentPolicy)[keyof typeof AutoAugmentPolicy]

const readAuto = constructing(
  'AutoAugment',
  optional('policy', str, AutoAugmentPolicy.IMAGENET),
  ...samplingParameters('nearest'),
)
/**
 * Applies one of 25 pairs of transforms, each with its probability and magnitude, that were found for a data set
 * (AutoAugment, Cubuk et al., 2019). Takes and returns an `Image` or a uint8 tensor [..., 1 or 3, height, width].
 *
 * Throws a ValueError for another policy.
 *
 * @example
 * manualSeed(0)
 * new AutoAugment(AutoAugmentPolicy.CIFAR10).forward(ones(3, 8, 8, { dtype: 'uint8' })).shape // [3, 8, 8]
 */
export class AutoAugment extends Augment {
  readonly policy: AutoAugmentPolicy

  constructor(options?: AugmentOptions & { readonly policy?: AutoAugmentPolicy })
  constructor(policy: AutoAugmentPolicy, options?: AugmentOptions)
  constructor(...args: readonly unknown[]) {
    const [policy, interpolation, fill] = readAuto(args)
    super(interpolation, fill)
    if (!Object.hasOwn(policies, policy)) {
      throw new ValueError(
        `The provided policy ${policy} is not recognized.`,
        `AutoAugmentPolicy has ${Object.keys(AutoAugmentPolicy).join(', ')}.`,
      )
    }
    this.policy = policy as AutoAugmentPolicy
  }

  override forward<P extends Picture>(img: P): P {
    const steps = policies[this.policy]
    const chosen = steps[drawBelow(steps.length)]
    const chances = rand(2).toArray()
    const signs = randint(2, [2]).toArray()
    const reach = reachOf(img)
    const space = new Map<Name, Magnitudes>([
      ...movesOf(reach, 10),
      ...coloursOf(reach, 10),
      ...tonesOf(reach, 10),
      ['Invert', null],
    ])
    let picture = img
    for (const [i, [name, probability, index]] of chosen.entries()) {
      if (chances[i] > Math.fround(probability)) continue
      const magnitudes = index === null ? null : space.get(name)
      const magnitude = magnitudes?.values[index ?? 0] ?? 0
      picture = changed(picture, name, magnitudes?.isSigned && signs[i] === 0 ? -magnitude : magnitude, this)
    }
    return picture
  }

  override extraRepr(): string {
    const name = Object.entries(AutoAugmentPolicy).find(([, policy]) => policy === this.policy)?.[0]
    return `policy=AutoAugmentPolicy.${name}, fill=${python(this.fill)}`
  }
}

/** torchvision's options of `RandAugment`. */
export interface RandAugmentOptions extends AugmentOptions {
  /** How many transforms are applied; 2 by default. */
  readonly numOps?: number
  /** The index of their magnitude; 9 by default. */
  readonly magnitude?: number
  /** The number of magnitudes; 31 by default. */
  readonly numMagnitudeBins?: number
}
const readRand = constructing(
  'RandAugment',
  optional('numOps', int, 2),
  optional('magnitude', int, 9),
  optional('numMagnitudeBins', int, 31),
  ...samplingParameters('nearest'),
)
/**
 * Applies transforms drawn from a table of 14, all with the same magnitude (RandAugment, Cubuk et al., 2020). Takes and
 * returns an `Image` or a uint8 tensor [..., 1 or 3, height, width].
 *
 * Throws a ValueError for a magnitude that is not one of its bins, and for counts above 1000.
 *
 * @example
 * new RandAugment({ numOps: 1, magnitude: 5 }).forward(ones(3, 8, 8, { dtype: 'uint8' })).shape // [3, 8, 8]
 */
export class RandAugment extends Augment {
  readonly numOps: number
  readonly magnitude: number
  readonly numMagnitudeBins: number

  constructor(options?: RandAugmentOptions)
  constructor(numOps: number, options?: RandAugmentOptions)
  constructor(numOps: number, magnitude: number, options?: RandAugmentOptions)
  constructor(...args: readonly unknown[]) {
    const [numOps, magnitude, bins, interpolation, fill] = readRand(args)
    super(interpolation, fill)
    checkCount('num_ops', numOps, 0)
    checkCount('num_magnitude_bins', bins, 2)
    if (magnitude < 0 || magnitude >= bins)
      throw new ValueError(`magnitude should be between 0 and ${bins - 1}, but got ${magnitude}`)
    this.numOps = numOps
    this.magnitude = magnitude
    this.numMagnitudeBins = bins
  }

  override forward<P extends Picture>(img: P): P {
    const space = allOf(reachOf(img), this.numMagnitudeBins)
    let picture = img
    for (let k = 0; k < this.numOps; k++) picture = drawn(picture, space, this, () => this.magnitude)
    return picture
  }

  override extraRepr(): string {
    const { numOps, magnitude, numMagnitudeBins } = this
    return `num_ops=${numOps}, magnitude=${magnitude}, num_magnitude_bins=${numMagnitudeBins}, ${super.extraRepr()}`
  }
}

/** Throws for a count that no augmentation has, before anything is made or drawn for it. */
function checkCount(name: string, count: number, least: number): void {
  if (count < least || count > 1000)
    throw new ValueError(`${name} should be between ${least} and 1000, but got ${count}`)
}

const readTrivial = constructing(
  'TrivialAugmentWide',
  optional('numMagnitudeBins', int, 31),
  ...samplingParameters('nearest'),
)
const wide: Reach = { shear: 0.99, translate: [32, 32], rotate: 135, colour: 0.99, bits: [8, 6] }
/**
 * Applies one transform drawn from a table of 14, with a magnitude drawn from a wide range (TrivialAugment, Müller and
 * Hutter, 2021). Takes and returns an `Image` or a uint8 tensor [..., 1 or 3, height, width].
 *
 * @example
 * new TrivialAugmentWide().forward(ones(3, 8, 8, { dtype: 'uint8' })).shape // [3, 8, 8]
 */
export class TrivialAugmentWide extends Augment {
  readonly numMagnitudeBins: number

  constructor(options?: AugmentOptions & { readonly numMagnitudeBins?: number })
  constructor(numMagnitudeBins: number, options?: AugmentOptions)
  constructor(...args: readonly unknown[]) {
    const [bins, interpolation, fill] = readTrivial(args)
    super(interpolation, fill)
    checkCount('num_magnitude_bins', bins, 2)
    this.numMagnitudeBins = bins
  }

  override forward<P extends Picture>(img: P): P {
    return drawn(img, allOf(wide, this.numMagnitudeBins), this, drawBelow)
  }

  override extraRepr(): string {
    return `num_magnitude_bins=${this.numMagnitudeBins}, ${super.extraRepr()}`
  }
}

/** torchvision's options of `AugMix`. */
export interface AugMixOptions extends AugmentOptions {
  /** The greatest magnitude, 1 to 10; 3 by default. */
  readonly severity?: number
  /** How many chains of transforms are mixed; 3 by default. */
  readonly mixtureWidth?: number
  /** The length of a chain; by default, and for 0 or less, 1 to 3 at random. */
  readonly chainDepth?: number
  /** The concentration of the weights that mix them; 1 by default. */
  readonly alpha?: number
  /** Whether brightness, colour, contrast and sharpness take part; true by default. */
  readonly allOps?: boolean
}
const readMix = constructing(
  'AugMix',
  optional('severity', int, 3),
  optional('mixtureWidth', int, 3),
  optional('chainDepth', int, -1),
  optional('alpha', finite, 1),
  optional('allOps', bool, true),
  ...samplingParameters('bilinear'),
)
const levels = 10
/**
 * A picture mixed with itself after several chains of transforms, with random weights (AugMix, Hendrycks et al., 2020). Takes
 * and returns an `Image` or a uint8 tensor [..., 1 or 3, height, width].
 *
 * Throws a ValueError for a severity that is not 1 to 10, and for counts above 1000.
 *
 * @example
 * new AugMix({ severity: 1 }).forward(ones(3, 8, 8, { dtype: 'uint8' })).shape // [3, 8, 8]
 */
export class AugMix extends Augment {
  readonly severity: number
  readonly mixtureWidth: number
  readonly chainDepth: number
  readonly alpha: number
  readonly allOps: boolean

  constructor(options?: AugMixOptions)
  constructor(severity: number, options?: AugMixOptions)
  constructor(...args: readonly unknown[]) {
    const [severity, width, depth, alpha, allOps, interpolation, fill] = readMix(args)
    super(interpolation, fill)
    if (severity < 1 || severity > levels)
      throw new ValueError(`The severity must be between [1, ${levels}]. Got ${severity} instead.`)
    checkCount('mixture_width', width, 1)
    checkCount('chain_depth', Math.max(depth, 0), 0)
    if (!(alpha > 0)) throw new ValueError(`alpha should be positive, but got ${alpha}`)
    this.severity = severity
    this.mixtureWidth = width
    this.chainDepth = depth
    this.alpha = alpha
    this.allOps = allOps
  }

  override forward<P extends Picture>(img: P): P {
    const [, height, width] = dimensionsOf(img)
    const reach: Reach = { ...reachOf(img), translate: [width / 3, height / 3], bits: [4, 4] }
    const space = [
      ...movesOf(reach, levels),
      ...tonesOf(reach, levels),
      ...(this.allOps ? coloursOf(reach, levels) : []),
    ]
    return onValues(img, (x) => {
      const batch = x.reshape([-1, ...dimensionsOf(x)])
      const weights = this.#weights(batch.shape[0])
      const weighted = (y: Tensor, k: number) => y.mul(weights[k].to(y.device))
      let mix = weighted(batch, 0)
      for (let chain = 1; chain <= this.mixtureWidth; chain++) {
        let changed = batch
        const depth = this.chainDepth > 0 ? this.chainDepth : drawBetween(1, 4)
        for (let k = 0; k < depth; k++) changed = drawn(changed, space, this, () => drawBelow(this.severity))
        mix = mix.add(weighted(changed, chain))
      }
      return mix.reshape(x.shape).to(x.dtype)
    })
  }

  /** The weights [n, 1, 1, 1] of the pictures themselves and of each chain. */
  #weights(n: number): Tensor[] {
    const draw = (count: number): Tensor => sampleDirichlet(full([n, count], this.alpha)).value
    const own = draw(2)
    const chains = draw(this.mixtureWidth).mul(own.narrow(1, 1, 1))
    const column = (x: Tensor, k: number) => x.narrow(1, k, 1).reshape([n, 1, 1, 1])
    return [column(own, 0), ...Array.from({ length: this.mixtureWidth }, (_, k) => column(chains, k))]
  }

  override extraRepr(): string {
    const { severity, mixtureWidth, chainDepth, alpha, allOps } = this
    const shown = Number.isInteger(alpha) ? `${alpha}.0` : String(alpha)
    return `severity=${severity}, mixture_width=${mixtureWidth}, chain_depth=${chainDepth}, alpha=${shown}, all_ops=${python(allOps)}, ${super.extraRepr()}`
  }
}

nameClasses({ AutoAugment, RandAugment, TrivialAugmentWide, AugMix })

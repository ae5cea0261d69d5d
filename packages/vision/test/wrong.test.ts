// Calls every function and class of inspect, io, transforms and utils, and the data sets, with each argument replaced in turn by
// wrong values. A call works, or throws a flambeau error: never one of the engine, and never a result with NaN.
import 'flambeau'
import * as core from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import { datasets, inspect, io, transforms as T, utils } from '../src/index.ts'

const { ones, tensor, zeros } = core
const F = T.functional

const cyclic: unknown[] = []
cyclic.push(cyclic)
const values: readonly unknown[] = [
  null,
  '',
  'x',
  0,
  -1,
  1.5,
  2 ** 40,
  Number.NaN,
  Infinity,
  1n,
  true,
  Symbol('x'),
  {},
  Object.create(null),
  { colour: 1 },
  [],
  ['a'],
  [[]],
  [null],
  [1],
  [1, 2, 3],
  [Number.NaN, 1],
  cyclic,
  () => {},
  new Date(0),
  new Map(),
  /x/,
  new Error('x'),
  new Uint8Array(3),
  tensor([0.5, 1.5]),
  tensor(1),
  zeros(0, 2),
  new io.Image(1, 1, 'LA'),
  new Proxy({}, {}),
]

const x = (): core.Tensor => ones(3, 6, 6).mul(0.5)
const image = new io.Image(6, 6, 'RGB')
const bytes = (): core.Tensor => x().mul(255).to('uint8')
const corners = [
  [0, 0],
  [4, 0],
  [4, 4],
  [0, 4],
]
const png = io.encodePng(image)

type Call = readonly [call: (...args: never[]) => unknown, ...args: readonly unknown[]]
const functions: Record<string, Call> = {
  adjustBrightness: [F.adjustBrightness, x(), 0.5],
  adjustContrast: [F.adjustContrast, x(), 0.5],
  adjustGamma: [F.adjustGamma, x(), 2, 1],
  adjustHue: [F.adjustHue, x(), 0.1],
  adjustSaturation: [F.adjustSaturation, x(), 0.5],
  adjustSharpness: [F.adjustSharpness, x(), 2],
  affine: [F.affine, x(), 10, [1, 1], 1, [2, 3], { fill: 0 }],
  autocontrast: [F.autocontrast, x()],
  centerCrop: [F.centerCrop, x(), [2, 2]],
  convertImageDtype: [F.convertImageDtype, x(), 'uint8'],
  crop: [F.crop, x(), 1, 1, 2, 2],
  erase: [F.erase, x(), 1, 1, 2, 2, zeros(1), false],
  elasticTransform: [F.elasticTransform, x(), zeros(1, 6, 6, 2), { fill: 0 }],
  equalize: [F.equalize, x().to('uint8')],
  fiveCrop: [F.fiveCrop, x(), [2, 2]],
  gaussianBlur: [F.gaussianBlur, x(), [3, 3], [1, 1]],
  getDimensions: [F.getDimensions, x()],
  getImageNumChannels: [F.getImageNumChannels, x()],
  getImageSize: [F.getImageSize, x()],
  hflip: [F.hflip, x()],
  invert: [F.invert, x()],
  normalize: [F.normalize, x(), [0.5], [0.5], false],
  pad: [F.pad, x(), [1, 2], 0, 'constant'],
  perspective: [F.perspective, x(), corners, corners, { fill: 0 }],
  pilToTensor: [F.pilToTensor, image],
  posterize: [F.posterize, x().to('uint8'), 3],
  resize: [F.resize, x(), [3, 4], { antialias: true }],
  resizedCrop: [F.resizedCrop, x(), 1, 1, 3, 3, [4, 4], { antialias: true }],
  rgbToGrayscale: [F.rgbToGrayscale, x(), 1],
  rotate: [F.rotate, x(), 30, { expand: true }],
  solarize: [F.solarize, x(), 0.5],
  tenCrop: [F.tenCrop, x(), [2, 2], true],
  toGrayscale: [F.toGrayscale, image, 1],
  toPilImage: [F.toPilImage, x(), 'RGB'],
  toTensor: [F.toTensor, image],
  vflip: [F.vflip, x()],
}

const make =
  (type: unknown, input: unknown = x()) =>
  (...args: unknown[]) =>
    new (type as new (...args: unknown[]) => { forward(x: unknown): unknown })(...args).forward(input)
const classes: Record<string, Call> = {
  AugMix: [make(T.AugMix, bytes()), 3, { mixtureWidth: 2, chainDepth: 1, alpha: 0.5, allOps: false }],
  AutoAugment: [make(T.AutoAugment, bytes()), 'svhn', { fill: 0 }],
  CenterCrop: [make(T.CenterCrop), 3],
  ColorJitter: [make(T.ColorJitter), 0.1, 0.1, 0.1, 0.1],
  Compose: [make(T.Compose), [new T.CenterCrop(2)]],
  ConvertImageDtype: [make(T.ConvertImageDtype), 'uint8'],
  ElasticTransform: [make(T.ElasticTransform), 3, 0.3, { fill: 0 }],
  FiveCrop: [make(T.FiveCrop), 3],
  GaussianBlur: [make(T.GaussianBlur), 3, [0.1, 2]],
  Grayscale: [make(T.Grayscale), 1],
  Lambda: [make(T.Lambda), () => 1],
  LinearTransformation: [make(T.LinearTransformation), core.eye(108), zeros(108)],
  Normalize: [make(T.Normalize), [0.5], [0.5], false],
  Pad: [make(T.Pad), 1, 0, 'edge'],
  PILToTensor: [make(T.PILToTensor, image)],
  RandAugment: [make(T.RandAugment, bytes()), 1, 2, { numMagnitudeBins: 5 }],
  RandomAdjustSharpness: [make(T.RandomAdjustSharpness), 2, 1],
  RandomAffine: [make(T.RandomAffine), 10, { translate: [0.1, 0.1], scale: [0.5, 1], shear: 3, fill: 0 }],
  RandomApply: [make(T.RandomApply), [new T.CenterCrop(2)], 1],
  RandomAutocontrast: [make(T.RandomAutocontrast), 1],
  RandomChoice: [make(T.RandomChoice), [new T.CenterCrop(2)], [1]],
  RandomCrop: [make(T.RandomCrop), 3, 1, { padIfNeeded: true }],
  RandomEqualize: [make(T.RandomEqualize, bytes()), 1],
  RandomErasing: [make(T.RandomErasing), 1, { value: 0 }],
  RandomGrayscale: [make(T.RandomGrayscale), 1],
  RandomHorizontalFlip: [make(T.RandomHorizontalFlip), 1],
  RandomInvert: [make(T.RandomInvert), 1],
  RandomOrder: [make(T.RandomOrder), [new T.CenterCrop(2)]],
  RandomPerspective: [make(T.RandomPerspective), 0.5, 1, { fill: 0 }],
  RandomPosterize: [make(T.RandomPosterize, x().to('uint8')), 3, 1],
  RandomResizedCrop: [make(T.RandomResizedCrop), 3, { scale: [0.1, 1] }],
  RandomRotation: [make(T.RandomRotation), 10, { expand: true }],
  RandomSolarize: [make(T.RandomSolarize), 0.5, 1],
  RandomVerticalFlip: [make(T.RandomVerticalFlip), 1],
  Resize: [make(T.Resize), 3, { maxSize: 9 }],
  TenCrop: [make(T.TenCrop), 3, true],
  ToPILImage: [make(T.ToPILImage), 'RGB'],
  ToTensor: [make(T.ToTensor, image)],
  TrivialAugmentWide: [make(T.TrivialAugmentWide, bytes()), 5, { fill: 0 }],
}

const set =
  (type: unknown) =>
  (...args: unknown[]) =>
    new (type as new (...args: unknown[]) => datasets.FakeData)(...args).at(0)
const layers = new core.nn.Sequential(new core.nn.Conv2d(1, 2, 3)).eval()
const scorer = new core.nn.Sequential(new core.nn.Flatten(), new core.nn.Linear(16, 3))
/** Two steps, and not as many as a wrong value says. */
const fewSteps = (model: core.nn.Module, content: core.Tensor, style: core.Tensor, ...[options, ...more]: object[]) =>
  inspect.styleTransfer(
    model,
    content,
    style,
    options?.constructor === Object ? { ...options, steps: 2 } : options,
    ...(more as []),
  )
const others: Record<string, Call> = {
  decodeIdx: [io.decodeIdx, Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 7), 'f'],
  decodeImage: [io.decodeImage, png, { mode: 'L', file: 'f' }],
  encodeJpeg: [io.encodeJpeg, image, 50],
  encodePng: [io.encodePng, image],
  imageFrom: [io.imageFrom, png, { mode: 'L' }],
  Image: [
    (...args: unknown[]) => new (io.Image as new (...args: unknown[]) => io.Image)(...args),
    1,
    1,
    'L',
    new Uint8Array(1),
  ],
  makeGrid: [utils.makeGrid, ones(2, 3, 2, 2), { nrow: 1, padding: 1, normalize: true, valueRange: [0, 1] }],
  deconvnet: [inspect.deconvnet, layers, ones(2, 1, 4, 4), { channel: 0 }],
  featureMaps: [inspect.featureMaps, layers, ones(2, 1, 4, 4), ['0']],
  firstFilters: [inspect.firstFilters, layers],
  gramMatrix: [inspect.gramMatrix, ones(1, 2, 3, 3)],
  inputGradient: [inspect.inputGradient, scorer, ones(2, 1, 4, 4), 0],
  saliency: [inspect.saliency, scorer, ones(2, 1, 4, 4), [0, 1]],
  strongest: [inspect.strongest, ones(2, 1, 4, 4), 0, { count: 2 }],
  strongestPatches: [inspect.strongestPatches, layers, ones(2, 1, 4, 4), 0, { count: 2 }],
  styleTransfer: [
    fewSteps,
    layers,
    ones(1, 1, 4, 4).mul(0.5),
    ones(1, 1, 4, 4),
    { styleLayers: ['0'], contentLayers: null, lr: 0.1, contentWeight: 1, styleWeight: 1 },
  ],
  CIFAR10: [set(datasets.CIFAR10), { 'cifar-10-batches-bin/test_batch.bin': new Uint8Array(3073) }, false, null, null],
  FakeData: [set(datasets.FakeData), 2, [1, 2, 2], 3, null, null, 1],
  ImageFolder: [set(datasets.ImageFolder), { 'a/1.png': png }, null, null],
}

const ours = (Object.values(core) as unknown[]).filter(
  (value): value is new () => Error => typeof value === 'function' && value.prototype instanceof Error,
)

/** What is wrong with what a call does, or undefined. */
const fault = (call: (...args: never[]) => unknown, args: readonly unknown[]): string | undefined => {
  try {
    const result = call(...(args as never[]))
    // A deviation or a factor may be infinite, but nothing was NaN.
    return result instanceof core.Tensor && result.toArray().some(Number.isNaN) ? 'has NaN' : undefined
  } catch (error) {
    return ours.some((type) => error instanceof type) ? undefined : `threw ${String(error)}`
  }
}

/** The arguments with each, and each option, replaced by each value. */
function* wrong(args: readonly unknown[]): Generator<readonly unknown[]> {
  for (const [place, arg] of args.entries()) {
    const isOptions = typeof arg === 'object' && arg !== null && Object.getPrototypeOf(arg) === Object.prototype
    for (const value of values) {
      yield args.map((old, i) => (i === place ? value : old))
      if (isOptions)
        for (const key of Object.keys(arg)) yield args.map((old, i) => (i === place ? { ...arg, [key]: value } : old))
    }
  }
  yield [...args, 1, 2, 3]
  yield args.slice(0, -1)
}

describe('wrong values', () => {
  it('are tried on every export', () => {
    expect(Object.keys(functions).sort()).toEqual(Object.keys(F).sort())
    expect(Object.keys(others)).toEqual(expect.arrayContaining(Object.keys(inspect)))
    expect([...Object.keys(classes), 'AutoAugmentPolicy', 'InterpolationMode', 'functional'].sort()).toEqual(
      Object.keys(T).sort(),
    )
  })

  it.each(Object.entries({ ...functions, ...classes, ...others }))('%s', (_, [call, ...args]) => {
    expect(fault(call, args)).toBeUndefined()
    const faults: string[] = []
    for (const all of wrong(args)) {
      const found = fault(call, all)
      if (found !== undefined)
        faults.push(
          `${all.map((a) => (typeof a === 'symbol' ? 'symbol' : typeof a === 'object' ? (a?.constructor?.name ?? 'object') : String(a))).join(', ')}: ${found}`,
        )
    }
    expect(faults).toEqual([])
  })
})

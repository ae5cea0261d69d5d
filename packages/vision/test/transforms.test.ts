// Transforms, compared with torchvision's on tensors, and the same on images.
import { readFileSync } from 'node:fs'
import {
  type DType,
  eye,
  manualSeed,
  nn,
  ones,
  rand,
  stack,
  Tensor,
  tensor,
  TypeError,
  ValueError,
  zeros,
} from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import 'flambeau'
import { type io, transforms as T } from '../src/index.ts'

const F = T.functional

interface Case {
  name: string
  input: keyof typeof inputs
  args: unknown[]
  options: Record<string, unknown>
  dtype: DType
  sizes: number[]
  data: number[]
  seed: number
  after: number
}
const golden = JSON.parse(readFileSync(new URL('golden/transforms.json', import.meta.url), 'utf8')) as {
  functions: Case[]
  modules: Case[]
  drawn: (Omit<Case, 'input'> & { input: keyof typeof inputs | null; drawn: (number | null)[] })[]
  errors: Record<string, string>
  reprs: Record<string, string>
}

/** Bytes by the formula of the golden script. */
const picture = (...shape: number[]): Tensor => {
  const length = shape.reduce((a, b) => a * b, 1)
  return tensor(Uint8Array.from({ length }, (_, i) => (i * 37 + Math.floor(i / 5) * 11) % 256)).reshape(shape)
}
const inputs = {
  bytes: picture(3, 6, 8),
  floats: picture(3, 6, 8).to('float32').div(255),
  grey: picture(1, 5, 4),
  batch: picture(2, 3, 4, 5).to('float32').div(255),
  plane: picture(5, 7),
  large: picture(3, 24, 20),
  doubles: picture(3, 6, 8).to('float32').div(255).to('float64'),
  tones: picture(1, 20, 16).to('float32').mul(0.3).add(60).to('uint8'),
  bytePair: picture(2, 3, 8, 9),
  even: picture(1, 12, 10),
  wide: picture(1, 20, 14),
}

const title = ({ name, input, args, options, seed }: Case) =>
  `${name} ${input} ${JSON.stringify(args)} ${JSON.stringify(options)} ${seed === undefined ? '' : `seed ${seed}`}`

/**
 * These round weighted sums, of which many lie in the middle between two bytes, or cut them off at a byte: how far results
 * may lie apart. AugMix may spread the tones of what it has rounded.
 */
const apart: Readonly<Record<string, number>> = {
  resize: 1,
  resizedCrop: 1,
  RandomResizedCrop: 1,
  perspective: 1,
  RandomPerspective: 1,
  AugMix: 5,
}

/** Bytes are equal; floats differ in their last bits at most. */
const same = (x: Tensor, { name, dtype, sizes, data }: Case): void => {
  expect([x.dtype, x.shape]).toEqual([dtype, sizes])
  const values = Array.from(x.toArray())
  const far = values.map((v, i) => Math.abs(v - data[i]))
  if (dtype === 'uint8' && name in apart) {
    expect(Math.max(...far)).toBeLessThanOrEqual(apart[name])
    expect(far.filter((d) => d > 0).length).toBeLessThan(far.length / 8)
  } else if (dtype === 'uint8') expect(values).toEqual(data)
  else expect(Math.max(...far)).toBeLessThan(dtype === 'float64' ? 1e-14 : 3e-6)
}

/** Several results as one tensor, and images as theirs. */
const tensorOf = (found: unknown): Tensor =>
  Array.isArray(found) ? stack(found.map(tensorOf)) : found instanceof Tensor ? found : F.pilToTensor(found as io.Image)

const call = ({ name, args, options }: Case, x: Tensor | io.Image): unknown =>
  (F[name as keyof typeof F] as (...args: unknown[]) => unknown)(
    x,
    ...args,
    ...(Object.keys(options).length > 0 ? [options] : []),
  )
type Module = new (...args: unknown[]) => { forward(x: unknown): unknown }
const make = ({ name, args, options }: Case) =>
  new (T[name as keyof typeof T] as unknown as Module)(...args, ...(Object.keys(options).length > 0 ? [options] : []))

describe('functions of tensors are torchvision’s', () => {
  it.each(golden.functions.map((c) => [title(c), c] as const))('%s', (_, c) => {
    const before = inputs[c.input].clone()
    same(tensorOf(call(c, inputs[c.input])), c)
    expect(inputs[c.input].equal(before)).toBe(true)
  })
})

describe('transforms with chance follow the generator as torchvision’s', () => {
  it.each(golden.modules.map((c) => [title(c), c] as const))('%s', (_, c) => {
    manualSeed(c.seed)
    const transform = make(c)
    transform.forward(inputs[c.input].clone())
    same(transform.forward(inputs[c.input].clone()) as Tensor, c)
    expect(rand(1).item()).toBe(c.after)
  })
})

describe('what transforms with chance draw is torchvision’s', () => {
  type Drawn = { getParams(...args: unknown[]): unknown }
  const numbersOf = (x: unknown): unknown[] => (x instanceof Tensor ? x.tolist() : [x].flat(3)) as unknown[]
  const flat = (x: unknown): unknown[] => [x].flat(3).flatMap(numbersOf)
  it.each(golden.drawn.map((c) => [`${c.name} ${JSON.stringify([c.args, c.options])} seed ${c.seed}`, c] as const))(
    '%s',
    (_, { name, input, args, options, seed, drawn, after }) => {
      manualSeed(seed)
      const given = [...(input === null ? [] : [inputs[input]]), ...args]
      if (Object.keys(options).length > 0) given.push(options)
      expect(flat((T[name as keyof typeof T] as unknown as Drawn).getParams(...given))).toEqual(drawn)
      expect(rand(1).item()).toBe(after)
    },
  )

  it('a picture and its mask are cut alike', () => {
    const part = T.RandomCrop.getParams(inputs.bytes, { outputSize: [3, 4] })
    const [picture, mask] = [inputs.bytes, inputs.bytes.gt(100)].map((x) => F.crop(x, ...part))
    expect(mask.equal(picture.gt(100))).toBe(true)
    expect(() => T.RandomCrop.getParams(inputs.grey, [8, 8])).toThrow(
      'Required crop size (8, 8) is larger than input image size (5, 4)',
    )
  })
})

describe('images', () => {
  const image = new T.ToPILImage().forward(inputs.bytes)

  it('become what their tensors become', () => {
    // Images are made grey as PIL does it, and are antialiased; the last one takes tensors only.
    const others = ['rgbToGrayscale', 'resize', 'resizedCrop', 'convertImageDtype']
    const pictures = golden.functions.filter(
      (c) => c.input === 'bytes' && c.dtype === 'uint8' && !others.includes(c.name),
    )
    expect(pictures.length).toBeGreaterThan(30)
    for (const c of pictures) same(tensorOf(call(c, image)), c)
    for (const c of golden.modules.filter((c) => c.input === 'bytes' && c.name === 'RandomCrop')) {
      manualSeed(c.seed)
      const transform = make(c)
      transform.forward(image)
      same(F.pilToTensor(transform.forward(image) as io.Image), c)
    }
  })

  it('are antialiased when they are resized', () => {
    for (const interpolation of ['bilinear', 'bicubic'] as const) {
      const small = F.pilToTensor(F.resize(image, [3, 4], { interpolation }))
      expect(small.equal(F.resize(inputs.bytes, [3, 4], { interpolation, antialias: true }))).toBe(true)
      expect(small.equal(F.resize(inputs.bytes, [3, 4], { interpolation }))).toBe(false)
    }
    expect(F.resize(image, [3, 4], { interpolation: 'nearest' }).size).toEqual([4, 3])
    expect(F.resize(image, [6, 8])).toBe(image)
  })

  it('become grey as PIL’s do', () => {
    expect(F.rgbToGrayscale(image).data).toEqual(image.convert('L').data)
    expect(F.toGrayscale(image, 3).data).toEqual(F.rgbToGrayscale(image, 3).data)
    expect(() => F.toGrayscale(inputs.bytes as never)).toThrow(
      'Input should be PIL Image\nrgbToGrayscale takes tensors.',
    )
    expect(F.rgbToGrayscale(image, 3).data).toEqual(image.convert('L').convert('RGB').data)
  })

  it('keep their transparency where only colours change', () => {
    const clear = F.toPilImage(picture(4, 5, 6))
    const alpha = picture(4, 5, 6).select(0, 3)
    for (const change of [
      (x: io.Image) => F.adjustBrightness(x, 1.5),
      (x: io.Image) => F.adjustContrast(x, 0.5),
      (x: io.Image) => F.adjustSaturation(x, 0.5),
      (x: io.Image) => F.adjustHue(x, 0.25),
      (x: io.Image) => F.adjustGamma(x, 0.5),
      (x: io.Image) => F.adjustSharpness(x, 2),
    ]) {
      const changed = change(clear)
      expect([changed.mode, F.pilToTensor(changed).select(0, 3).equal(alpha)]).toEqual(['RGBA', true])
      expect(changed.convert('RGB').data).toEqual(change(clear.convert('RGB')).data)
      expect(changed.data).not.toEqual(clear.data)
      expect(change(clear.convert('LA')).mode).toBe('LA')
    }
    expect(() => F.invert(clear)).toThrow('but found 4\nWithout transparency it has 3')
  })

  it('become tensors, and back', () => {
    expect(F.toTensor(image).equal(inputs.floats)).toBe(true)
    expect(F.pilToTensor(image).equal(inputs.bytes)).toBe(true)
    expect(new T.PILToTensor().forward(image).equal(inputs.bytes)).toBe(true)
    expect(F.toPilImage(tensor([[0, 0.5, 1]])).data).toEqual(Uint8Array.of(0, 127, 255))
    for (const channels of [1, 2, 3, 4])
      expect(F.pilToTensor(F.toPilImage(picture(channels, 2, 3))).equal(picture(channels, 2, 3))).toBe(true)
  })
})

describe('transforms of transforms', () => {
  it('apply functions, transforms and modules in turn', () => {
    const double = (x: Tensor) => x.mul(2)
    const all = new T.Compose([new T.Lambda(double), double, new nn.ReLU(), new T.CenterCrop(1)])
    expect(all.forward(tensor([[-1, 3]])).toNested()).toEqual([[0]])
    expect(new nn.Sequential(new T.CenterCrop(2), new T.Normalize([0.5], [0.5])).forward(ones(1, 4, 4)).shape).toEqual([
      1, 2, 2,
    ])
  })

  it('happen some of the time', () => {
    manualSeed(0)
    const transform = new T.RandomApply([new T.Lambda((x: Tensor) => x.add(1))], { p: 0.3 })
    const count = Array.from({ length: 200 }, () => transform.forward(zeros(1)).item()).reduce((a, b) => a + b, 0)
    expect(count).toBeGreaterThan(40)
    expect(count).toBeLessThan(80)
  })

  it('choose one, or an order, from the default generator', () => {
    manualSeed(0)
    const [one, two] = [(x: Tensor) => x.mul(10).add(1), (x: Tensor) => x.mul(10).add(2)]
    const choice = new T.RandomChoice<Tensor>([one, two], [0.25, 0.75])
    const twos = Array.from({ length: 200 }, () => choice.forward(zeros(1)).item()).filter((x) => x === 2).length
    expect(twos).toBeGreaterThan(130)
    expect(twos).toBeLessThan(170)
    const order = new T.RandomOrder<Tensor>([one, two])
    expect(new Set(Array.from({ length: 40 }, () => order.forward(zeros(1)).item()))).toEqual(new Set([12, 21]))
  })

  it('whiten', () => {
    const x = tensor([
      [
        [1, 2],
        [3, 4],
      ],
    ])
    const turned = new T.LinearTransformation(eye(4).mul(2), ones(4)).forward(x)
    expect(turned.toNested()).toEqual([
      [
        [0, 2],
        [4, 6],
      ],
    ])
    expect(new T.LinearTransformation(eye(4), zeros(4)).forward(stack([x, x])).shape).toEqual([2, 1, 2, 2])
  })

  it('print as torchvision’s', () => {
    const { reprs } = golden
    const made: Record<string, unknown> = {
      Compose: new T.Compose([
        new T.ToTensor(),
        new T.Normalize([0.5], [0.25]),
        new T.RandomApply([new T.Grayscale()], 0.3),
      ]),
      RandomEqualize: new T.RandomEqualize(),
      RandomPerspective: new T.RandomPerspective({ p: 0.25 }),
      AutoAugment: new T.AutoAugment(T.AutoAugmentPolicy.SVHN),
      RandAugment: new T.RandAugment(1),
      TrivialAugmentWide: new T.TrivialAugmentWide({ fill: [1] }),
      AugMix: new T.AugMix({ alpha: 0.5 }),
      RandomChoice: new T.RandomChoice([new T.CenterCrop(3), new T.ToTensor()], [0.5, 1]),
      RandomOrder: new T.RandomOrder([new T.CenterCrop(3)]),
      LinearTransformation: new T.LinearTransformation(eye(2), ones(2)),
      CenterCrop: new T.CenterCrop(3),
      FiveCrop: new T.FiveCrop(3),
      TenCrop: new T.TenCrop([2, 3], true),
      RandomInvert: new T.RandomInvert(),
      RandomPosterize: new T.RandomPosterize(3),
      RandomSolarize: new T.RandomSolarize(0.25, 0.75),
      RandomAutocontrast: new T.RandomAutocontrast(),
      RandomAdjustSharpness: new T.RandomAdjustSharpness(2),
      Pad: new T.Pad([1, 2], 3, 'constant'),
      RandomCrop: new T.RandomCrop(4, 1),
      RandomHorizontalFlip: new T.RandomHorizontalFlip(),
      ColorJitter: new T.ColorJitter(0.5, 0, 0, 0.25),
      GaussianBlur: new T.GaussianBlur(3),
      Resize: new T.Resize([3, 4]),
      RandomRotation: new T.RandomRotation(10, { center: [1, 2] }),
      RandomAffine: new T.RandomAffine(10, { translate: [0.1, 0.2], shear: 3 }),
      ToPILImage: new T.ToPILImage('L'),
      RandomErasing: new T.RandomErasing({ value: 'random' }),
      RandomResizedCrop: new T.RandomResizedCrop(4, { ratio: [0.5, 2] }),
    }
    // Nested steps are indented.
    const flat = (text: string) => text.replace(/\n +/g, '\n')
    expect(Object.keys(reprs).filter((name) => !(name in made))).toEqual([])
    for (const [name, transform] of Object.entries(made)) expect(flat(String(transform))).toBe(flat(reprs[name]))
  })
})

it('the size of a picture', () => {
  const image = new T.ToPILImage().forward(inputs.bytes)
  for (const picture of [inputs.bytes, image]) {
    expect(F.getDimensions(picture)).toEqual([3, 6, 8])
    expect(F.getImageSize(picture)).toEqual([8, 6])
    expect(F.getImageNumChannels(picture)).toBe(3)
  }
  expect(F.getDimensions(inputs.plane)).toEqual([1, 5, 7])
})

it('several parts are lists as modules, too', () => {
  const [five, ten] = [new T.FiveCrop([3, 4]), new T.TenCrop(2, { verticalFlip: true })]
  expect(tensorOf(five.forward(inputs.bytes)).equal(tensorOf(F.fiveCrop(inputs.bytes, [3, 4])))).toBe(true)
  expect(tensorOf(ten.forward(inputs.bytes)).equal(tensorOf(F.tenCrop(inputs.bytes, 2, true)))).toBe(true)
})

describe('wrong arguments', () => {
  it('are errors with torchvision’s sentences', () => {
    const { floats, batch } = inputs
    const calls: Record<string, () => unknown> = {
      brightness: () => F.adjustBrightness(floats, -1),
      hue: () => F.adjustHue(floats, 0.7),
      posterize: () => F.posterize(floats, 3),
      solarize: () => F.solarize(floats, 1.5),
      sharpness: () => F.adjustSharpness(floats, -1),
      fiveCrop: () => F.fiveCrop(floats, [7, 3]),
      channels: () => F.adjustSaturation(batch.select(0, 0).narrow(0, 0, 2), 1),
      padding: () => new T.Pad([1, 2, 3]),
      mode: () => new T.Pad(1, { paddingMode: 'wrap' as never }),
      normalizeDims: () => F.normalize(floats.select(0, 0), [0.5], [0.5]),
      cropSize: () => new T.RandomCrop(9).forward(floats),
      jitter: () => new T.ColorJitter({ brightness: -1 }),
      jitterRange: () => new T.ColorJitter({ hue: [-0.6, 0] }),
      jitterPair: () => new T.ColorJitter({ hue: [1] as never }),
      kernel: () => new T.GaussianBlur(2),
      sigma: () => new T.GaussianBlur(3, 0),
      greyOfTwo: () => new T.RandomGrayscale(1).forward(zeros(2, 3, 3)),
      erasingP: () => new T.RandomErasing(2),
      erasingValue: () => new T.RandomErasing(1, { value: [1, 2] }).forward(floats),
      erasingText: () => new T.RandomErasing({ value: 'noise' as never }),
      resizeSizes: () => F.resize(floats, [1, 2, 3]),
      resizeMax: () => F.resize(floats, [4], { maxSize: 3 }),
      antialias: () => F.resize(floats, [4], { interpolation: 'nearest', antialias: true }),
      bicubic: () => F.rotate(floats, 4, { interpolation: 'bicubic' as never }),
      fill: () => F.rotate(floats, 4, { fill: [1, 2] }),
      translate: () => F.affine(floats, 4, [1], 1, [0]),
      scale: () => F.affine(floats, 4, [1, 1], 0, [0]),
      degrees: () => new T.RandomRotation(-1),
      shares: () => new T.RandomAffine(1, { translate: [2, 0] }),
      shear: () => new T.RandomAffine(1, { shear: [1, 2, 3] }),
      grey: () => F.rgbToGrayscale(floats, 2),
      pilDims: () => F.toPilImage(ones(1, 1, 1, 1)),
      pilChannels: () => F.toPilImage(ones(5, 1, 1)),
      cast: () => F.convertImageDtype(floats, 'int32'),
      toTensorOfTensor: () => F.toTensor(floats as never),
      toTensorOfNone: () => new T.ToTensor().forward(null as never),
      toTensorOfText: () => new T.ToTensor().forward('cat.png' as never),
      normalizeOfList: () => new T.Normalize(0.5, 0.5).forward([1] as never),
      equalizeFloats: () => F.equalize(floats),
      equalizeDims: () => F.equalize(inputs.plane),
      policy: () => new T.AutoAugment('coco' as never),
      severity: () => new T.AugMix(11),
      displacement: () => F.elasticTransform(floats, zeros(1, 2, 2, 2)),
      alpha: () => new T.ElasticTransform([1, 2, 3]),
      square: () => new T.LinearTransformation(ones(2, 3), ones(2)),
      meanLength: () => new T.LinearTransformation(eye(2), ones(3)),
      incompatible: () => new T.LinearTransformation(eye(2), ones(2)).forward(floats),
      weights: () => new T.RandomChoice([new T.ToTensor()], [1, 2]),
      noWeights: () => new T.RandomChoice([new T.ToTensor()], [0]),
      eraseOfText: () => F.erase('cat.png' as never, 0, 0, 1, 1, floats),
    }
    expect(Object.keys(golden.errors).filter((name) => !(name in calls))).toEqual([])
    for (const [name, wrong] of Object.entries(calls)) expect(wrong, name).toThrow(golden.errors[name])
  })

  it('say what to do about pictures of the other kind', () => {
    const picture = F.toPilImage(inputs.bytes)
    const steps = new T.Compose([new T.Normalize([0.5], [0.5]), new T.ToTensor()])
    const toTensorFirst = "img should be Tensor Image. Got <class 'Image'>\nPut ToTensor before it"
    expect(() => steps.forward(picture)).toThrow(toTensorFirst)
    expect(() => new T.RandomErasing({ p: 0 }).forward(picture as never)).toThrow(toTensorFirst)
    expect(() => new T.ConvertImageDtype('float32').forward(picture as never)).toThrow(toTensorFirst)
    expect(() => new T.Compose([new T.ToTensor(), new T.ToTensor()]).forward(picture)).toThrow(
      "Got <class 'torch.Tensor'>\nIt is a tensor already. ConvertImageDtype makes floats from 0 to 1 of bytes.",
    )
    const isClass = "'ToTensor' is a class, not a transform\nMake a transform of it: new ToTensor(...)."
    expect(() => new T.Compose([T.ToTensor as never])).toThrow(isClass)
    expect(() => new T.RandomApply([T.ToTensor as never])).toThrow(isClass)
  })

  it('are refused where they are wrong', () => {
    const { floats, bytes } = inputs
    expect(() => F.resize(ones(3, 0, 8), 4)).toThrow('height and width must be > 0\nThe picture has 0 x 8 pixels.')
    expect(() => F.normalize(bytes, [0.5], [0.5])).toThrow('Input tensor should be a float tensor. Got torch.uint8.')
    expect(() => F.normalize(floats, [0.5], [0])).toThrow('std evaluated to zero')
    expect(() => F.normalize(ones(1, 2, 2), [0.5, 0.4, 0.3], [1])).toThrow(
      "output with shape [1, 2, 2] doesn't match the broadcast shape [3, 2, 2]",
    )
    expect(() => F.pad(bytes, 1, { fill: 300 })).toThrow('value cannot be converted to type uint8_t without overflow')
    expect(() => F.toTensor(floats as never)).toThrow(TypeError)
    expect(() => F.hflip(ones(3))).toThrow('Tensor is not a torch image.')
    expect(() => F.hflip([1] as never)).toThrow(TypeError)
    expect(() => F.pad(floats, [9, 0], { paddingMode: 'reflect' })).toThrow('Padding size should be less than')
    expect(() => F.crop(floats, 0, 0, 0, 2)).toThrow(ValueError)
    expect(() => F.posterize(inputs.bytes, 9)).toThrow('bits should be between 0 and 8, but got 9')
    expect(() => new T.Compose([3 as never])).toThrow(TypeError)
    expect(() => new T.Lambda(3 as never)).toThrow(TypeError)
    expect(() => new T.CenterCrop([1, 2, 3])).toThrow('Please provide only two dimensions (h, w) for size.')
    expect(() => new T.Normalize([0.5], [0.5], { inPlace: true } as never)).toThrow('unexpected keyword argument')
    expect(() => new T.ConvertImageDtype('float16' as never)).toThrow()
    expect(() => new T.RandomErasing({ scale: [0.3, 0.1] })).toThrow(ValueError)
  })
})

// The models against torchvision's (tools/golden/models.py): state dicts, seeded initial weights, scores, one training
// step, multiply-adds and printing. Small members run on js, whole networks on native.
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { arange, F, js, manualSeed, nn, noGrad, optim, rand, save, type Tensor, useDevice, zeros } from 'flambeau'
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest'
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import * as models from '../src/models/index.ts'
import { image } from './image.ts'
import { goldenOf, type Member, type Numbers, runsOnJs, shares } from './parity.ts'

const golden = goldenOf(new URL('../../../', import.meta.url))

const builders = models as unknown as Readonly<Record<string, (options?: object) => nn.Module>>
const sha = (...parts: readonly (string | Uint8Array)[]): string => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
const digestOf = (model: nn.Module): string =>
  sha(...Array.from(model.stateDict(), ([key, x]) => `${key} [${x.sizes.join(', ')}]\n`))

/** Within a share of the largest number, or next to 0. */
function expectNear(found: ArrayLike<number>, wanted: Numbers, share: number, what = ''): void {
  const largest = Math.max(...wanted.map(Math.abs))
  for (const [i, value] of wanted.entries()) {
    expect(Math.abs(found[i] - value), `${what} ${found[i]} for ${value}`).toBeLessThanOrEqual(
      Math.max(share * largest, 1e-12),
    )
  }
}
const scores = (x: Tensor, like: Numbers): number[] => Array.from(x.detach().toArray()).slice(0, like.length)

function checkInitial(model: nn.Module, { bits }: Member): void {
  const values = model.parameters().map((p) => p.detach().toArray() as Float32Array)
  expect(sha(...values.map((x) => new Uint8Array(x.buffer, x.byteOffset, x.byteLength)))).toBe(bits)
}

function checkMember(member: Member): void {
  const { name, options, sizes, digest, evaluated, outputs, loss, grads, text, macs, floats } = member
  manualSeed(0)
  const model = builders[name](options)
  expect(digestOf(model)).toBe(digest)
  if (text !== null) expect(sha(String(model))).toBe(text)
  checkInitial(model, member)
  const x = image(sizes)
  const summary = nn.utils.summary(model, x)
  expect([summary.multAdds, summary.passBytes]).toEqual([macs, 8 * floats])
  expect(model.training).toBe(true)
  model.eval()
  const single = noGrad((): Tensor => model.forward(x))
  expectNear(scores(single, evaluated), evaluated, shares.scores)
  // Rounding to float32 changes the gradients of deep networks by up to 1 %, in PyTorch too.
  model.double().train()
  manualSeed(1)
  const y: Tensor | models.GoogLeNetOutputs = model.forward(x.double())
  const all = y instanceof models.GoogLeNetOutputs ? [...y] : [y]
  expect(all.length).toBe(outputs.length)
  for (const [i, output] of all.entries()) expectNear(scores(output, outputs[i]), outputs[i], shares.training)
  const labels = arange(sizes[0]).mul(3).remainder(all[0].sizes[1])
  const [main, ...auxiliary] = all.map((output) => F.crossEntropy(output, labels))
  const total = auxiliary.reduce((sum, each) => sum.add(each.mul(0.3)), main)
  expectNear([total.item()], [loss], shares.training)
  total.backward()
  for (const [i, [key, { grad }]] of model.namedParameters().entries()) {
    if (grad === null) throw new Error(`${key} has no gradient`)
    const found = [grad.square().sum().sqrt(), grad.abs().amax(), grad.flatten().select(0, 0)].map((x) => x.item())
    for (const [k, value] of found.entries())
      expectNear([value, found[0]], [grads[i][k], grads[i][0]], shares.training, key)
  }
}

const device = nativeMissing === undefined ? await (await import('@flambeau/backend-native')).native() : null
afterAll(() => device?.dispose())
const onNative = (name: string, body: () => void): void =>
  void testWith('native', nativeMissing, name, () => {
    useDevice(device as NonNullable<typeof device>)
    try {
      body()
    } finally {
      useDevice(js())
    }
  })

describe("a member is PyTorch's: keys, initial weights, scores, gradients", () => {
  for (const member of golden.members) {
    const title = `${member.name}(${JSON.stringify(member.options)})`
    if (runsOnJs(member)) it(title, () => checkMember(member))
    else onNative(title, () => checkMember(member))
  }
})

it.each(Object.entries(golden.full))('%s has the parameters of torchvision, or of its paper', (name, wanted) => {
  const model = nn.utils.skipInit(builders[name])
  const count = model.parameters().reduce((sum, p) => sum + p.elements, 0)
  expect([count, model.stateDict().size, digestOf(model)]).toEqual(wanted)
})

onNative('resnet152 trains', () => {
  // Drawing its 120 million initial numbers takes longer than all else here, so its weights are a formula's.
  const model = nn.utils.skipInit(models.resnet152)
  for (const p of model.parameters().filter((each) => each.dim() > 1)) {
    const { fanOut } = nn.init.fansOf(p.sizes)
    noGrad(() =>
      p.copy_(
        arange(p.elements, { dtype: 'float32' })
          .mul(0.37)
          .sin()
          .mul(Math.sqrt(4 / fanOut))
          .reshape(p.sizes),
      ),
    )
  }
  // Blocks begin as their shortcuts: otherwise gradients of 1e20 would come out of so many layers, and chance would decide.
  for (const [name, p] of model.namedParameters()) if (name.endsWith('bn3.weight')) noGrad(() => p.fill_(0))
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.001 })
  const [x, labels] = [image([2, 3, 64, 64]), arange(2)]
  const losses = Array.from({ length: 2 }, () => {
    optimizer.zeroGrad()
    const loss = F.crossEntropy(model.forward(x), labels)
    loss.backward()
    optimizer.step()
    return loss.item()
  })
  expect(losses[1]).toBeLessThan(losses[0])
})

describe('weights', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-models-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const options = { width: 0.5 }
  const trained = models.lenet5(options)
  const path = join(folder, 'lenet.pth')
  const bytes = save(trained, undefined, { format: 'pt' })
  beforeAll(async () => {
    writeFileSync(path, await bytes)
    writeFileSync(join(folder, 'text'), 'no tensors')
    writeFileSync(join(folder, 'half'), (await bytes).subarray(0, 2000))
  })

  it.each<readonly [what: string, given: () => object | Promise<object>]>([
    ['a state dict', () => ({ weights: trained.stateDict() })],
    ['its JSON', () => ({ weights: JSON.parse(JSON.stringify(trained.stateDict())) })],
    ['a path', () => ({ weights: path })],
    ['the URL of a file', () => ({ weights: pathToFileURL(path) })],
    ['bytes', async () => ({ weights: await bytes })],
    ['a Blob', async () => ({ weights: new Blob([(await bytes) as never]) })],
    ['a Response', async () => ({ weights: new Response((await bytes) as never) })],
    ['a path by the older name', () => ({ pretrained: path, weights: null, progress: false })],
  ])('are loaded from %s, and nothing is drawn', async (_, given) => {
    manualSeed(3)
    const model = await builders.lenet5({ ...options, ...(await given()) })
    const [next] = rand(1).toArray()
    manualSeed(3)
    expect(rand(1).toArray()[0]).toBe(next)
    for (const [key, x] of trained.stateDict()) expect(model.stateDict().get(key)?.equal(x), key).toBe(true)
  })

  it('give a promise, and none a model', async () => {
    expectTypeOf(models.lenet5()).toEqualTypeOf<models.LeNet5>()
    expectTypeOf(models.resnet18({ numClasses: 2, width: 0.05 })).toEqualTypeOf<models.ResNet>()
    const drawn = models.lenet5({ weights: null, pretrained: false, progress: true })
    expectTypeOf(drawn).toEqualTypeOf<models.LeNet5>()
    expect(drawn).toBeInstanceOf(models.LeNet5)
    const promise = models.lenet5({ ...options, weights: path })
    expectTypeOf(promise).toEqualTypeOf<Promise<models.LeNet5>>()
    expect(promise).toBeInstanceOf(Promise)
    const older = models.lenet5({ ...options, pretrained: new URL(pathToFileURL(path)) })
    expectTypeOf(older).toEqualTypeOf<Promise<models.LeNet5>>()
    expect(await promise).toBeInstanceOf(models.LeNet5)
    // @ts-expect-error: nothing is downloaded
    expect(() => models.lenet5({ pretrained: true })).toThrow()
  })

  it('of googlenet bring its auxiliary classifiers, which leave unless they are wanted', async () => {
    const narrow = { numClasses: 3, width: 0.05 }
    const weights = models.googlenet(narrow).stateDict()
    const model = await models.googlenet({ ...narrow, weights })
    expect([model.aux1, model.aux2, model.auxLogits, model.transformInput]).toEqual([null, null, false, true])
    const whole = await models.googlenet({ ...narrow, weights, auxLogits: true, transformInput: false })
    expect([whole.stateDict().size, whole.transformInput]).toEqual([weights.size, false])
  })

  it.each<readonly [what: string, options: object, error: RegExp]>([
    ['a file that does not exist', { weights: join(folder, 'none') }, /\[Errno 2\] No such file .*none.*path right/s],
    ['a file that is none of tensors', { weights: join(folder, 'text') }, /text: is not a file of tensors/],
    ['half of a file', { weights: join(folder, 'half') }, /half: /],
    ['weights of another model', { weights: path }, /size mismatch for features.0.weight/],
    ['another number of classes', { ...options, numClasses: 7, weights: path }, /size mismatch for classifier.*weight/],
    ['a promise of weights', { weights: Promise.resolve({}) }, /must be str, URL, .*, not Promise/],
  ])('reject %s', async (_, given, error) => expect(builders.lenet5(given)).rejects.toThrow(error))

  it.each<readonly [what: string, options: object, error: RegExp]>([
    ['true', { pretrained: true }, /argument 'weights' must be a path.* not boolean\nNothing is downl/s],
    ['two of them', { weights: path, pretrained: path }, /got both/],
    ['wrong options beside them', { weights: path, numClasses: 1.5 }, /argument 'num_classes' must be int/],
  ])('refuse %s at once', (_, given, error) => expect(() => builders.lenet5(given)).toThrow(error))
})

describe('refuses', () => {
  it.each<readonly [what: string, call: () => unknown, error: RegExp]>([
    [
      'an unknown option',
      () => models.alexnet({ classes: 3 } as never),
      /AlexNet.__init__\(\) got an unexpected .* 'classes'/,
    ],
    [
      'an unknown option of VGG',
      () => models.vgg11({ inChanels: 1 } as never),
      /unexpected keyword argument 'inChanels'/,
    ],
    ['a number for options', () => models.resnet20(10 as never), /resnet20\(\) takes 0 positional arguments/],
    ['a width of 0', () => models.zfnet({ width: 0 }), /width should be positive/],
    ['half a class', () => models.resnet18({ numClasses: 1.5 }), /argument 'num_classes' must be int/],
    [
      'an unknown pooling',
      () => models.lenet5({ pooling: 'min' as never }),
      /pooling should be 'avg' or 'max', but got 'min'/,
    ],
    ['an image size without a layout', () => models.lenet5({ imageSize: 30 as never }), /imageSize should be 28 or 32/],
    ['an unknown block', () => new models.ResNet(nn.Linear as never, [1, 1, 1, 1]), /block should be BasicBlock/],
    ['three stages', () => new models.ResNet(models.BasicBlock, [1, 1, 1]), /4-element/],
    ['one dilation', () => models.resnet50({ replaceStrideWithDilation: [true] }), /3-element tuple, got \[True\]/],
    [
      'groups of basic blocks',
      () => models.resnet18({ groups: 2, width: 0.1 }),
      /only supports groups=1 and base_width=64/,
    ],
    [
      'dilated basic blocks',
      () => models.resnet18({ width: 0.1, replaceStrideWithDilation: [true, false, false] }),
      /Dilation > 1 not supported/,
    ],
    [
      'grey images to transform',
      () => models.googlenet({ transformInput: true, inChannels: 1 }),
      /needs images of 3 channels/,
    ],
    ['a network without blocks', () => new models.SmallResNet(0), /blocks should be at least 1/],
    [
      'images that are too small',
      () => models.alexnet({ width: 0.1 }).forward(zeros(1, 3, 16, 16)),
      /Output size is too small|too small/,
    ],
  ])('%s', (_, call, error) => expect(call).toThrow(error))
})

it('zeroInitResidual lets every block begin as its shortcut', () => {
  const model = models.resnet50({ width: 0.05, zeroInitResidual: true })
  const blocks = model.modules().filter((module) => module instanceof models.Bottleneck)
  expect(blocks.length).toBe(16)
  for (const { bn3 } of blocks) expect((bn3 as nn.BatchNorm2d).weight?.abs().sum().item()).toBe(0)
})

it('the outputs of googlenet can be taken apart', () => {
  const [logits, aux2, aux1] = models
    .googlenet({ numClasses: 3, width: 0.05 })
    .forward(image([2, 3, 64, 64])) as models.GoogLeNetOutputs
  expect([logits, aux2, aux1].map((x) => x.sizes)).toEqual([
    [2, 3],
    [2, 3],
    [2, 3],
  ])
})

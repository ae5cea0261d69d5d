// Compiled convolutions of 3 x 3: zeros around images are read without memory for them, with the bits of eager code, and
// transformed weights are kept from call to call, until anything writes to them.
import { compile, F, manualSeed, nn, noGrad, ones, optim, randn, type Tensor, useDevice } from '@flambeau/core'
import { CheckedBackend } from '@flambeau/core/backend'
import { expect } from 'vitest'
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import { native } from '../src/index.ts'

const it = (name: string, body: () => void | Promise<void>) => testWith('native', nativeMissing, name, body)

/** The program that runs, of those that `explain` shows. */
const last = (text: string): string => text.split('As it runs').at(-1) as string

interface Options {
  readonly padding: number | number[] | 'same'
  readonly groups?: number
  readonly dilation?: number
}
/** The sizes of x and of a weight, the options, and how many pads remain in a step with its gradients. */
const layers: readonly [x: number[], w: number[], options: Options, pads: number][] = [
  [[3, 16, 9, 12], [24, 16, 3, 3], { padding: 1 }, 0],
  [[2, 32, 8, 8], [16, 16, 3, 3], { padding: 1, groups: 2 }, 0],
  [[2, 16, 7, 7], [16, 16, 3, 3], { padding: 2 }, 0],
  [[2, 16, 7, 7], [16, 16, 3, 3], { padding: [0, 2] }, 0],
  [[2, 16, 9, 9], [16, 16, 3, 3], { padding: 'same' }, 0],
  // Few channels, other kernels and steps, and wider padding are padded in memory.
  [[2, 3, 9, 9], [16, 3, 3, 3], { padding: 1 }, 2],
  [[2, 16, 9, 9], [16, 16, 3, 3], { padding: 3 }, 2],
  [[2, 16, 9, 9], [16, 16, 5, 5], { padding: 2 }, 2],
  [[2, 16, 9, 9], [16, 16, 3, 3], { padding: 1, dilation: 2 }, 3],
]

it('zeros around images need no memory, and change no bits', async () => {
  for (const [sizes, kernel, options, pads] of layers) {
    const checked = new CheckedBackend(await native())
    manualSeed(1)
    for (const device of [checked, await native()]) {
      useDevice(device)
      const [x, w] = [randn(sizes), randn(kernel)].map((t) => t.requiresGrad_())
      const step = (): Tensor[] => {
        x.grad = w.grad = null
        const y = F.conv2d(x.mul(2), w, options)
        y.backward(ones(y.shape))
        return [y.detach(), x.grad as unknown as Tensor, w.grad as unknown as Tensor]
      }
      const bits = (list: Tensor[]) => list.map((t) => [...t.reshape(-1).toArray()])
      const expected = bits(step())
      const compiled = compile(step)
      for (let call = 0; call < 4; call++) expect(bits(compiled()), `${sizes}, ${kernel}`).toEqual(expected)
      if (device === checked) continue
      expect(last(compiled.explain()).match(/ = pad\(/g)?.length ?? 0, `${sizes}, ${kernel}`).toBe(pads)
    }
    expect(checked.found).toEqual([])
  }
})

/** Everything that may write to a weight. */
const writes: Readonly<Record<string, (layer: nn.Conv2d) => unknown>> = {
  'in place': ({ weight }) => noGrad(() => weight.mul_(-2)),
  'through a view': ({ weight }) => noGrad(() => weight.select(0, 3).add_(5)),
  'through detach': ({ weight }) => weight.detach().zero_(),
  'at an index': ({ weight }) => noGrad(() => weight.indexFill_(0, ones(1).int(), 4)),
  draws: ({ weight }) => nn.init.normal_(weight),
  'a state dict': (layer) => layer.loadStateDict(new nn.Conv2d(160, 160, 3, { padding: 1 }).stateDict()),
  'an optimizer': (layer) => {
    const optimizer = new optim.SGD(layer.parameters(), { lr: 0.5 })
    layer.weight.grad = ones(layer.weight.shape)
    optimizer.step()
  },
}

it('transformed weights are kept until something writes to them', async () => {
  useDevice(await native())
  manualSeed(2)
  const layer = new nn.Conv2d(160, 160, 3, { padding: 1 })
  const x = randn(1, 160, 7, 7)
  const forward = (y: Tensor): Tensor => noGrad(() => layer.forward(y))
  const step = compile(forward)
  /** How far the step is from eager code, beside the size of its results. */
  const off = (): number => {
    const expected = forward(x)
    return step(x).sub(expected).abs().max().item() / expected.abs().max().item()
  }
  for (let i = 0; i < 5; i++) expect(off()).toBeLessThan(1e-5)
  for (const [name, write] of Object.entries(writes)) {
    const before = forward(x)
    write(layer)
    expect(forward(x).sub(before).abs().max().item(), name).toBeGreaterThan(0.1)
    for (let i = 0; i < 2; i++) expect(off(), name).toBeLessThan(1e-5)
  }
  // A training of the same layer, compiled as well, on this thread and on another one.
  const optimizer = new optim.SGD(layer.parameters(), { lr: 0.1, momentum: 0.9 })
  const train = compile(() => {
    const loss = F.mseLoss(layer.forward(x), x)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  })
  for (let i = 0; i < 6; i++) {
    train()
    expect(off()).toBeLessThan(1e-5)
  }
  train.repeat(3)
  expect(off()).toBeLessThan(1e-5)
  const running = train.repeatAsync(20)
  step(x)
  await running
  expect(off()).toBeLessThan(1e-5)
})

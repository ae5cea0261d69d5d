// A residual block in evaluation: batch norm, the shortcut and the activation are applied by the convolutions themselves.
import { compile, F, manualSeed, nn, noGrad, randn, type Tensor } from '@flambeau/core'
import { expect, test } from 'vitest'
import { numelOf } from '../../src/base/shape.ts'
import { prepare } from '../../src/compile/prepare.ts'
import { backend, recorded } from './steps.ts'

manualSeed(3)
const [first, second] = [new nn.Conv2d(4, 4, 3, { padding: 1 }), new nn.Conv2d(4, 4, 3, { padding: 1, bias: false })]
const norms = [new nn.BatchNorm2d(4), new nn.BatchNorm2d(4)]
const model = new nn.Sequential(first, second, ...norms)
const x = randn(2, 4, 8, 8)
const block = (): Tensor => {
  const [inner, outer] = norms
  return F.relu(outer.forward(second.forward(F.relu(inner.forward(first.forward(x))))).add(x))
}
/** Statistics and parameters that are not those of a new layer. */
const drawn = (): void => {
  for (const { runningMean, runningVar, weight, bias } of norms)
    noGrad(() => {
      for (const each of [runningMean, weight, bias]) each?.normal_()
      runningVar?.uniform_(0.5, 2)
    })
}

test('everything of the size of an image is a convolution or its padding', () => {
  drawn()
  model.eval()
  const { program } = prepare(
    recorded(() => [noGrad(block)]),
    backend,
  )
  const large = program.instrs.filter(({ outputs: [y] }) => numelOf(program.values[y].sizes) >= x.elements)
  expect(large.map(({ kind }) => kind)).toEqual(['pad', 'contract', 'pad', 'contract'])
  const perChannel = program.instrs.filter((instr) => !large.includes(instr))
  expect(perChannel.every(({ outputs }) => outputs.every((y) => numelOf(program.values[y].sizes) === 4))).toBe(true)
})

test('a compiled block follows new statistics, new parameters, and training', () => {
  drawn()
  model.eval()
  const step = compile(() => noGrad(block))
  /** By the formula in double precision, one step at a time. */
  const exact = (): Tensor => {
    const wide = (t: Tensor): Tensor => t.detach().double()
    const norm = (y: Tensor, { runningMean, runningVar, weight, bias, eps }: nn.BatchNorm2d): Tensor => {
      const [mean, variance, scale, shift] = [runningMean, runningVar, weight, bias].map((t) =>
        wide(t as Tensor).reshape(4, 1, 1),
      )
      return y.sub(mean).div(variance.add(eps).sqrt()).mul(scale).add(shift)
    }
    const inner = F.relu(norm(F.conv2d(wide(x), wide(first.weight), wide(first.bias as Tensor), 1, 1), norms[0]))
    return F.relu(norm(F.conv2d(inner, wide(second.weight), null, 1, 1), norms[1]).add(wide(x)))
  }
  const agrees = (): void => expect(step().double().sub(exact()).abs().max().item()).toBeLessThan(1e-5)
  for (let i = 0; i < 4; i++) agrees()
  drawn()
  agrees()
  agrees()
  model.train()
  const before = norms[0].runningMean?.toArray()
  const trained = step()
  expect(norms[0].runningMean?.toArray()).not.toEqual(before)
  const mean = trained.clone()
  expect(mean.sub(exact()).abs().max().item()).toBeGreaterThan(1e-2)
  model.eval()
  agrees()
})

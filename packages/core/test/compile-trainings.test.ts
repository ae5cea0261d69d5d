// The trainings of the guide's page on compile: accumulated gradients, schedules of one's own, and masks. Compiled, each
// gives the losses and parameters of the eager run, to the bit.
import { js } from '@flambeau/backend-js'
import { compile, F, manualSeed, nn, optim, rand, randn, type Tensor, useDevice, where } from '@flambeau/core'
import { expect, test } from 'vitest'

useDevice(js())

interface Training {
  readonly model: nn.Module
  /** One call of the loop: the step, and what the host does around it. */
  run(step: (x: Tensor, mask: Tensor) => Tensor, x: Tensor, mask: Tensor, epoch: number): Tensor
  step(x: Tensor, mask: Tensor): Tensor
}

const trainings: Record<string, (model: nn.Linear, sgd: optim.SGD) => Omit<Training, 'model'>> = {
  'parts of a batch in one step': (model, sgd) => ({
    step: (x) => {
      sgd.zeroGrad()
      const losses = x.chunk(4).map((part) => {
        const loss = model.forward(part).square().mean().div(4)
        loss.backward()
        return loss.detach()
      })
      sgd.step()
      return losses.reduce((a, b) => a.add(b))
    },
    run: (step, x, mask) => step(x, mask),
  }),
  'parts in steps of their own, and an eager update': (model, sgd) => ({
    step: (x) => {
      const loss = model.forward(x).square().mean().div(2)
      loss.backward()
      return loss
    },
    run: (step, x, mask, epoch) => {
      const loss = step(x, mask)
      if (epoch % 2 === 1) {
        sgd.step()
        // The gradients stay the same tensors, so the recording holds.
        sgd.zeroGrad({ setToNone: false })
      }
      return loss
    },
  }),
  'a schedule of the host': (model, sgd) => ({
    step: (x) => {
      const loss = model.forward(x).square().mean()
      sgd.zeroGrad()
      loss.backward()
      sgd.step()
      return loss
    },
    run: (step, x, mask, epoch) => {
      sgd.paramGroups[0].lr = 0.1 * 0.9 ** epoch
      return step(x, mask)
    },
  }),
  'a scheduler in the step': (model, sgd) => {
    const schedule = new optim.lrScheduler.ExponentialLR(sgd, 0.9)
    return {
      step: (x) => {
        const loss = model.forward(x).square().mean()
        sgd.zeroGrad()
        loss.backward()
        sgd.step()
        schedule.step()
        return loss
      },
      run: (step, x, mask) => step(x, mask),
    }
  },
  'a mask that changes': (model, sgd) => ({
    step: (x, mask) => {
      const loss = where(mask, F.softplus(model.forward(x)), 0)
        .sum()
        .div(mask.sum())
      sgd.zeroGrad()
      loss.backward()
      sgd.step()
      return loss
    },
    run: (step, x, mask) => step(x, mask),
  }),
}

test.each(Object.entries(trainings))('%s', (_, make) => {
  const trained = (isCompiled: boolean): unknown => {
    manualSeed(0)
    const model = new nn.Linear(3, 1)
    const sgd = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.5 })
    const { step, run } = make(model, sgd)
    const called = isCompiled ? compile(step) : step
    const losses = Array.from({ length: 10 }, (_, epoch) => run(called, randn(8, 3), rand(8, 1).gt(0.4), epoch).item())
    if (isCompiled) expect((called as ReturnType<typeof compile>).explain()).toContain('As it runs')
    return [losses, model.parameters().map((p) => p.tolist()), sgd.paramGroups[0].lr]
  }
  expect(trained(true)).toEqual(trained(false))
})

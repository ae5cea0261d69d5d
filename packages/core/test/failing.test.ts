// A step that fails has changed nothing, and a failed repeat has the effects of the complete steps: devices that throw
// at every instruction in turn, and checks that fail between all calls of a step; eager, recorded, replayed and
// repeated.
import { js } from '@flambeau/backend-js'
import { compile, setFallback, useDevice } from '@flambeau/core'
import { beforeEach, expect, test, vi } from 'vitest'
import { describeFailingChecks, describeFailingDevice, Failing, training } from './failing.ts'
import { Limited } from './limited.ts'
import { Repeating } from './repeating.ts'

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {})
  setFallback(js())
})

test('a function that returns no number fails the step, and nothing has changed', () => {
  useDevice(js())
  const own = training(false)
  let rate: unknown = 2
  const step = compile(() => own.step().mul(() => rate as number))
  for (let i = 0; i < 5; i++) step()
  for (const wrong of ['2', null, undefined, [2]]) {
    const before = own.state()
    rate = wrong
    expect(() => step()).toThrow('a number read anew at every step must be float, not ')
    expect(() => step.repeat(3)).toThrow('a number read anew at every step must be float, not ')
    expect(own.state()).toBe(before)
  }
  rate = 3
  step()
})

describeFailingChecks('js', () => js())
describeFailingChecks('js, several steps in a call', () => new Repeating())
describeFailingChecks('a device that is not certain', () => new Failing(new Limited()))
describeFailingDevice('js', () => js())
describeFailingDevice('the limited backend', () => new Limited())

// A failed step on native has changed nothing; of several steps, only the completed ones have. As on js.
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import { describeFailingChecks, describeFailingDevice } from '../../core/test/failing.ts'
import { native } from '../src/index.ts'

if (nativeMissing === undefined) {
  const device = await native()
  describeFailingChecks('native', () => device)
  describeFailingDevice('native', () => device)
} else testWith('native', nativeMissing, 'a check that fails between the calls of a step', () => {})

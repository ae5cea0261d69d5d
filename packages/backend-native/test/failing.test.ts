// A step that fails on native has changed nothing, and several have changed what the complete ones did: as on js.
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import { describeFailingChecks, describeFailingDevice } from '../../core/test/failing.ts'
import { native } from '../src/index.ts'

if (nativeMissing === undefined) {
  const device = await native()
  describeFailingChecks('native', () => device)
  describeFailingDevice('native', () => device)
} else testWith('native', nativeMissing, 'a check that fails between the calls of a step', () => {})

// A failed step on wasm has changed nothing; of several steps, only the completed ones have. As on js.
import { describeFailingChecks, describeFailingDevice } from '../../core/test/failing.ts'
import { wasm } from '../src/index.ts'

const device = await wasm()
describeFailingChecks('wasm', () => device)
describeFailingDevice('wasm', () => device)

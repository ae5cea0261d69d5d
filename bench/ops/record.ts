// The cost of a compiled step before it is replayed: recording and compiling a training step of some two hundred
// instructions, for the first time in a process and later. The first call is eager (it creates the optimizer's state),
// the next two are recorded, and from the fourth on it is replayed.
import { compile, F, manualSeed, nn, optim, profile, randn, type Tensor } from 'flambeau'
import { median } from '../src/harness.ts'
import { report } from '../src/report.ts'

const layers = 26
const instructions = 200

/** The training step of a deep and narrow network, which is all overhead. */
function trainingStep(): () => Tensor {
  manualSeed(0)
  const hidden = Array.from({ length: layers }, () => [new nn.Linear(8, 8), new nn.Tanh()]).flat()
  const model = new nn.Sequential(...hidden, new nn.Linear(8, 1))
  const optimizer = new optim.SGD(model.parameters(), { lr: 1e-2, momentum: 0.9 })
  const [x, y] = [randn(4, 8), randn(4, 1)]
  return () => {
    const loss = F.mseLoss(model.forward(x) as Tensor, y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  }
}

const milliseconds = (work: () => unknown): number => {
  const start = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - start) / 1e6
}

/** Milliseconds of the two recording calls, minus the time of two eager calls. */
function recorded(): number {
  const step = trainingStep()
  const compiled = compile(step)
  compiled()
  const eager = milliseconds(step)
  return milliseconds(compiled) + milliseconds(compiled) - 2 * eager
}

const cold = recorded()
const warm = Array.from({ length: 15 }, recorded)
const counted = trainingStep()
counted()
const { events } = profile(counted)
if (events.length < instructions) throw new Error(`the step has only ${events.length} instructions`)

report([
  {
    what: `recording and compiling a step of ${events.length} instructions, first in its process`,
    value: cold,
    unit: 'ms',
    atMost: 30,
  },
  {
    what: 'the same, later',
    value: median(warm),
    unit: 'ms',
    note: `${Math.min(...warm).toFixed(1)} to ${Math.max(...warm).toFixed(1)}`,
    atMost: 30,
  },
])

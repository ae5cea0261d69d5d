// How long the initial numbers of networks take, on js: normal ones for ResNet-18, truncated normal ones for GoogLeNet,
// and each kind for itself, beside PyTorch on one thread. By processor time, which other programs on the machine change
// less than the clock's.
import { execFileSync } from 'node:child_process'
import { models } from '@flambeau/vision'
import { empty, nn } from 'flambeau'
import { report, type Row } from '../src/report.ts'
import { pythonOfTorch } from '../src/torch.ts'

const passes = 5
const count = 2 ** 22

/** Milliseconds of processor time, of the fastest of some passes. */
function fastest(work: () => unknown): number {
  let best = Number.POSITIVE_INFINITY
  for (let k = 0; k < passes; k++) {
    const start = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(start)
    best = Math.min(best, (user + system) / 1000)
  }
  return best
}

const x = empty([count])
/** What is drawn: by flambeau, and by PyTorch in one line. */
const subjects: readonly (readonly [what: string, work: () => unknown, python: string])[] = [
  ['ResNet-18, initialised', () => models.resnet18(), 'torchvision.models.resnet18()'],
  ['GoogLeNet, initialised', () => models.googlenet(), 'torchvision.models.googlenet(init_weights=True)'],
  ['4 million uniform numbers', () => nn.init.uniform_(x), 'torch.nn.init.uniform_(x)'],
  ['4 million normal numbers', () => nn.init.normal_(x), 'torch.nn.init.normal_(x)'],
  [
    '4 million truncated normal numbers',
    () => nn.init.truncNormal_(x, 0, 0.01, -2, 2),
    'torch.nn.init.trunc_normal_(x, 0, 0.01, -2, 2)',
  ],
]

/** PyTorch's milliseconds, or null without PyTorch. */
function beside(): readonly number[] | null {
  const python = pythonOfTorch()
  if (python === null) return null
  const source = `
import json, time, torch, torchvision
torch.set_num_threads(1)
x = torch.empty(${count})
def fastest(work):
    times = []
    for _ in range(${passes}):
        start = time.process_time()
        work()
        times.append((time.process_time() - start) * 1000)
    return min(times)
print(json.dumps([fastest(work) for work in [${subjects.map(([, , code]) => `lambda: ${code}`).join(', ')}]]))`
  try {
    return JSON.parse(execFileSync(python, ['-c', source], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  } catch {
    return null
  }
}

const torch = beside()
const rows = subjects.map(([what, work], i): Row => {
  const note = torch === null ? undefined : `PyTorch: ${torch[i].toFixed(0)} ms`
  return { what, value: fastest(work), unit: 'ms', ...(note === undefined ? {} : { note }) }
})
report(rows, torch === null ? ['PyTorch or torchvision is absent.'] : [])

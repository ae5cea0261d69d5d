// The peak memory of a training step of LeNet-5 and of ResNet-20 beyond what the process held after its imports, on js
// and native, eager and compiled, beside PyTorch: what a user must have free. Each in a process of its own, by the
// kernel's count of the process's own pages, so it runs on Linux only.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InputFiles } from '../src/inputs.ts'
import { report, type Row } from '../src/report.ts'
import { isPresent, Process, type Subject } from '../src/subject.ts'
import { devices } from '../src/subjects.ts'
import { torch } from '../src/torch.ts'
import { lenet5Max, resnet20 } from '../workloads/images.ts'
import type { Workload } from '../workloads/workload.ts'

/** Enough for a compiled step to be recorded, compiled and replayed. */
const steps = 5

const scratch = mkdtempSync(join(tmpdir(), 'flambeau-peak-'))
const files = new InputFiles(scratch)

/** Megabytes beyond those after the imports. */
async function beyond(subject: Subject, workload: Workload): Promise<number> {
  const child = new Process(subject)
  try {
    await child.ready()
    const imported = child.highWater()
    await child.load(workload.name, await files.of(workload))
    await child.run(steps)
    return (child.highWater() - imported) / 1e6
  } finally {
    child.close()
  }
}

const pytorch = torch()
const ours = (await devices(['js', 'native'])).filter(isPresent).filter(({ name }) => !name.endsWith('repeated'))
const rows: Row[] = []
try {
  for (const workload of [lenet5Max, resnet20]) {
    const atMost = isPresent(pytorch) ? await beyond(pytorch, workload) : undefined
    for (const subject of ours)
      rows.push({
        what: `${workload.name}, ${subject.name}, peak beyond import`,
        value: await beyond(subject, workload),
        unit: 'MB',
        ...(atMost === undefined ? {} : { atMost, note: 'at most that of PyTorch' }),
      })
  }
} finally {
  rmSync(scratch, { recursive: true })
}
report(rows, isPresent(pytorch) ? [`Beside ${pytorch.title}.`] : [`PyTorch is absent: ${pytorch.absent}.`])

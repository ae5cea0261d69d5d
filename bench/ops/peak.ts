// The peak memory of a training step of LeNet-5 and of ResNet-20 on 32 images beyond what the process held after its
// imports, on js and native, eager and compiled, beside PyTorch: what a user must have free. The same of one image says how
// much of it is the language's own: its young objects and its machine code. Each in a process of its own, by the kernel's
// count of the process's own pages, so it runs on Linux only.
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
/** Each figure is the median of so many processes: when garbage is collected is chance. */
const rounds = 3

const scratch = mkdtempSync(join(tmpdir(), 'flambeau-peak-'))
const files = new InputFiles(scratch)

/** The workload on its first images only. */
const of = (images: number, { inputs, ...workload }: Workload): Workload => ({
  ...workload,
  async inputs() {
    const { x, y, ...rest } = await inputs()
    return { x: x.narrow(0, 0, images), y: y.narrow(0, 0, images), ...rest }
  },
})

/** With the models' package among the imports, as at the top of a program. */
const importing = (subject: Subject, ...modules: string[]): Subject => ({
  ...subject,
  args:
    subject.command === process.execPath
      ? ['--import', import.meta.resolve('@flambeau/vision'), ...subject.args]
      : [...subject.args, ...modules],
})

/** Megabytes beyond those after the imports. */
async function beyond(subject: Subject, workload: Workload): Promise<number> {
  const inputs = await files.of(workload)
  const figures: number[] = []
  for (let round = 0; round < rounds; round++) {
    const child = new Process(subject)
    try {
      await child.ready()
      const imported = child.highWater()
      await child.load(workload.name, inputs)
      await child.run(steps)
      figures.push((child.highWater() - imported) / 1e6)
    } finally {
      child.close()
    }
  }
  return figures.sort((a, b) => a - b)[rounds >> 1]
}

const pytorch = torch()
const ours = (await devices(['js', 'native'])).filter(isPresent).filter(({ name }) => !name.endsWith('repeated'))
const subjects = [pytorch, ...ours].filter(isPresent).map((subject) => importing(subject, 'torchvision'))
const rows: Row[] = []
try {
  for (const workload of [lenet5Max, resnet20]) {
    for (const images of [32, 1]) {
      const measured = of(images, workload)
      let atMost: number | undefined
      for (const subject of subjects) {
        const value = await beyond(subject, measured)
        const what = `${workload.name}, ${images === 1 ? '1 image' : `${images} images`}, ${subject.name}, peak beyond import`
        rows.push({
          what,
          value,
          unit: 'MB',
          ...(atMost === undefined ? {} : { atMost, note: 'at most that of PyTorch' }),
        })
        if (subject.name === 'torch' && images > 1) atMost = value
      }
    }
  }
} finally {
  rmSync(scratch, { recursive: true })
}
report(rows, isPresent(pytorch) ? [`Beside ${pytorch.title}.`] : [`PyTorch is absent: ${pytorch.absent}.`])

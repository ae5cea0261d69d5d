// The peak memory of a training step of LeNet-5 and of ResNet-20 on 32 images beyond what the process held after its
// imports, on js and native, eager and compiled, beside PyTorch: what a user must have free. The same of one image says how
// much of it is the language's own: its young objects and its machine code. Each in a process of its own, by the kernel's
// count of the process's own pages, so it runs on Linux only.
//
// What the C library keeps of freed memory, and cannot use again because the pieces do not fit, is part of a peak and chance:
// it depends on the addresses that the system chose. PyTorch's peak for ResNet-20 is near 80 MB in a quarter of its processes
// and near 115 in the others. So figures are medians of many processes, and further rows have the same where the C library
// gives each large block back at once: what is needed without that. By hand, `node dist/ops/peak.js resnet20` does those rows
// that begin so.
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
/** Figures are medians of so many processes: of PyTorch, whose median is a target; of others; of rows without a target. */
const rounds = { torch: 9, ours: 5, further: 3 }

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

/** The same where glibc maps each block from 128 KiB on by itself, and never learns to keep such blocks. */
const givingBack = (subject: Subject): Subject => ({
  ...subject,
  command: 'env',
  args: ['MALLOC_MMAP_THRESHOLD_=131072', 'MALLOC_TRIM_THRESHOLD_=131072', subject.command, ...subject.args],
})

/** Megabytes beyond those after the imports, of each process, the least first. */
async function beyond(subject: Subject, workload: Workload, processes: number): Promise<number[]> {
  const inputs = await files.of(workload)
  const figures: number[] = []
  for (let round = 0; round < processes; round++) {
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
  return figures.sort((a, b) => a - b)
}

const pytorch = torch()
const ours = (await devices(['js', 'native'])).filter(isPresent).filter(({ name }) => !name.endsWith('repeated'))
const subjects = [pytorch, ...ours].filter(isPresent).map((subject) => importing(subject, 'torchvision'))
const rows: Row[] = []

/** A row, unless another was asked for; returns its figure. */
async function row(what: string, subject: Subject, workload: Workload, processes: number, target: Partial<Row> = {}) {
  if (!what.startsWith(process.argv[2] ?? '')) return undefined
  const figures = await beyond(subject, workload, processes)
  const value = figures[processes >> 1]
  const note = `${figures[0].toFixed(1)} to ${figures[processes - 1].toFixed(1)}`
  rows.push({ what, value, unit: 'MB', ...target, note: [note, target.note].filter(Boolean).join('; ') })
  return value
}

try {
  for (const workload of [lenet5Max, resnet20]) {
    for (const images of [32, 1]) {
      const measured = of(images, workload)
      const begin = `${workload.name}, ${images === 1 ? '1 image' : `${images} images`}`
      let atMost: number | undefined
      for (const subject of subjects) {
        const isTorch = subject.name === 'torch'
        const processes = images === 1 ? rounds.further : isTorch ? rounds.torch : rounds.ours
        const target = atMost === undefined ? {} : { atMost, note: 'at most that of PyTorch' }
        const value = await row(`${begin}, ${subject.name}, peak beyond import`, subject, measured, processes, target)
        if (isTorch && images > 1) atMost = value
      }
      if (images === 1) continue
      for (const subject of subjects)
        await row(`${begin}, ${subject.name}, freed blocks given back`, givingBack(subject), measured, rounds.further)
    }
  }
} finally {
  rmSync(scratch, { recursive: true })
}
report(rows, isPresent(pytorch) ? [`Beside ${pytorch.title}.`] : [`PyTorch is absent: ${pytorch.absent}.`])

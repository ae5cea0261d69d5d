// One model in three ways, sampled in turn: flambeau's eager tensors, real PyTorch, loops without a library. All start
// from the same numbers and run equally many epochs, so that their last losses can be compared.
import type { Floor } from './floors.ts'
import { measure, type Sample, timed } from './harness.ts'
import type { Model } from './models.ts'
import { report, type Row } from './report.ts'
import { absent, Torch, torchVersion } from './torch.ts'

export interface SideBySide {
  /** As torch/models.py calls it. */
  readonly name: string
  readonly title: string
  readonly model: Model
  readonly floor: Floor
  /** The bound on its time, in PyTorch's. */
  readonly atMost: number
  /** Epochs in one sample. */
  readonly repeat: number
}

const warmupEpochs = 4000
const us = (ns: number): string => (ns / 1000).toFixed(1)

/** Equal but for the order in which sums were rounded. */
function checkSame(title: string, ours: number, theirs: number, whose: string): void {
  if (Math.abs(ours / theirs - 1) < 1e-3) return
  throw new Error(`${title}: the loss is ${ours} here and ${theirs} in ${whose}; that is not the same work`)
}

export async function sideBySide({ name, title, model, floor, atMost, repeat }: SideBySide): Promise<void> {
  let loss = Number.NaN
  let floorLoss = Number.NaN
  const subjects: Record<string, Sample> = {
    js: timed((n) => {
      for (let i = 1; i < n; i++) model.epoch()
      loss = model.epoch().item()
      return loss
    }),
    loops: timed((n) => {
      for (let i = 0; i < n; i++) floorLoss = floor.epoch()
      return floorLoss
    }),
  }
  const torch = torchVersion() === null ? undefined : new Torch()
  if (torch !== undefined) {
    await torch.load(name, model)
    subjects.torch = torch.sampler(name)
  }
  for (const sample of Object.values(subjects)) await sample(warmupEpochs)
  const measured = await measure(subjects, { rounds: 61, repeat, warmupMs: 0 })

  const row = (who: string, subject: string): Row => {
    const { median, min, p10, p90 } = measured.statistics(subject)
    const note = `min ${us(min)}, ${us(p10)} to ${us(p90)}`
    return { what: `${title}, ${who}`, value: median / 1000, unit: 'µs/epoch', note }
  }
  const rows = [row('eager on js', 'js'), row('plain loops, no library', 'loops')]
  const remarks: string[] = []
  checkSame(title, loss, floorLoss, 'plain loops')
  if (torch === undefined) remarks.push(absent)
  else {
    const { median, p10, p90 } = measured.ratio('js', 'torch')
    const note = `${p10.toFixed(3)} to ${p90.toFixed(3)}`
    rows.unshift({ what: `${title}, time in PyTorch's`, value: median, unit: 'x', note, atMost })
    rows.push(row(`PyTorch ${torchVersion()}`, 'torch'))
    const theirs = await torch.loss(name)
    torch.close()
    checkSame(title, loss, theirs, 'PyTorch')
    remarks.push(`Last loss: ${loss.toPrecision(6)} here, ${theirs.toPrecision(6)} in PyTorch.`)
  }
  report(rows, remarks)
}

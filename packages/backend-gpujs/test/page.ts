// The part of the conformance suite that runs in a page: its cells are plain data and need no test runner.
import { js } from '@flambeau/backend-js'
import { report, setFallback, useDevice } from '@flambeau/core'
import { CheckedBackend } from '@flambeau/core/backend'
import { type CellOptions, cellsOf } from '../../backend-conformance/src/cells.ts'
import { gpujs, type Mode } from '../src/index.ts'
import { rows, worstOn } from './accurate.ts'
import { smoke } from './smoke.ts'

/** The results of the cells in a mode. */
export interface Outcome {
  readonly kernelClass: string
  readonly renderer: string
  readonly passed: readonly string[]
  readonly failed: readonly string[]
  readonly fallbacks: readonly string[]
}

/** The checks of numbers alone: Node has tested all else with the same shaders, but for their compiler. */
const options: CellOptions = { ...smoke, checks: ['golden values', 'golden gradients'] }

const conformance = async (mode: Mode): Promise<Outcome> => {
  setFallback(js())
  const device = await gpujs({ mode })
  const passed: string[] = []
  const failed: string[] = []
  const checked = new CheckedBackend(device)
  for (const { name, run } of cellsOf(checked, options)) {
    useDevice(checked)
    await run().then(
      () => passed.push(name),
      (error: Error) => failed.push(`${name}: ${error.message}`),
    )
  }
  const { kernelClass, renderer } = device.report()
  return { kernelClass, renderer, passed, failed, fallbacks: Object.keys(report()) }
}

export type Accuracy = Awaited<ReturnType<typeof accuracy>>

/** The functions on which a mode exceeds its allowed error, and the error on each function. */
const accuracy = async (mode: Mode) => {
  const device = await gpujs({ mode })
  const found = rows.map((row) => ({ ...worstOn(device, row, 4096), name: row.name, most: row.most }))
  return { found, wrong: found.filter(({ units, most }) => units > most) }
}

Object.assign(globalThis, { conformance, accuracy })

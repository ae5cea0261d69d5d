// What a page runs of the conformance suite: its cells are plain data and need no test runner.
import { js } from '@flambeau/backend-js'
import { report, setFallback, useDevice } from '@flambeau/core'
import { cellsOf } from '../../backend-conformance/src/cells.ts'
import { gpujs, type Mode } from '../src/index.ts'
import { smoke } from './smoke.ts'

/** What became of the cells in a mode. */
export interface Outcome {
  readonly kernelClass: string
  readonly renderer: string
  readonly passed: readonly string[]
  readonly failed: readonly string[]
  readonly fallbacks: readonly string[]
}

const conformance = async (mode: Mode): Promise<Outcome> => {
  setFallback(js())
  const device = await gpujs({ mode })
  const passed: string[] = []
  const failed: string[] = []
  for (const { name, run } of cellsOf(device, smoke)) {
    useDevice(device)
    await run().then(
      () => passed.push(name),
      (error: Error) => failed.push(`${name}: ${error.message}`),
    )
  }
  const { kernelClass, renderer } = device.report()
  return { kernelClass, renderer, passed, failed, fallbacks: Object.keys(report()) }
}

Object.assign(globalThis, { conformance })

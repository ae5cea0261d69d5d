// The conformance suite on gpu.js's modes, one test file a mode: each is a process of its own, with kernels of its own.
import { type BackendOptions, describeBackend } from '@flambeau/backend-conformance'
import { js } from '@flambeau/backend-js'
import { report, setFallback } from '@flambeau/core'
import { expect } from 'vitest'
import { testWith } from '../../../tools/test/machine.ts'
import { type Gpujs, gpujs, type Mode } from '../src/index.ts'
import { missingModes } from './each-mode.ts'

/** What of the suite runs on js: float64, whole numbers that may pass 2^24, sorting, and bits, of which shaders know nothing. */
const numbers = ['CopySlices', 'PowBackward1', 'clone', 'fill', 'isclose', 'mul', 'mul+toCopy', 'prod', 'sum', 'toCopy']
const bits = ['And', 'Or', 'Xor', 'Not', 'LeftShift', 'RightShift'].map((name) => `bitwise${name}`)
const onJs = [...numbers, 'sort', 'nextafter', ...bits]

/**
 * Registers the suite for a mode; where the mode is missing, a test that says so. Sums are in float32 and in an order of their own:
 * results of other layouts and of compiled steps differ in their last bits. What does not depend on the mode runs on cpu; five random
 * shapes an op compile as many kernels.
 */
export function describeMode(mode: Mode, kernelClass: string, options: BackendOptions = {}): void {
  const missing = missingModes.get(mode)
  if (missing !== undefined) return void testWith('gpujs', missing, `conformance on ${mode}`, () => {})
  setFallback(js())
  let device: Gpujs
  const create = async (): Promise<Gpujs> => {
    device = await gpujs({ mode })
    return device
  }
  describeBackend(create, {
    bitwise: false,
    level: mode === 'cpu' ? 'backend' : 'kernels',
    runs: 5,
    nthProgram: kernelClass.includes('GL') ? 100 : 10,
    reference: () => js(),
    ...options,
  })
  testWith('gpujs', undefined, 'all of it ran on kernels of this mode, but for what is said', () => {
    const { calls, compilations, ...told } = device.report()
    console.log(`${mode}: ${calls} calls of ${compilations} kernels`)
    expect(told).toMatchObject({ mode, kernelClass, tried: [{ mode }] })
    expect(calls).toBeGreaterThan(1000)
    const own = Object.keys(report()).filter((name) => name.startsWith('gpujs '))
    const elsewhere = own.map((name) => name.replace('gpujs ', ''))
    expect(elsewhere.filter((name) => !onJs.includes(name))).toEqual([])
  })
}

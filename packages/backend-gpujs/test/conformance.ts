// The conformance suite on gpu.js's modes, one test file per mode: each has its own process and its own kernels.
import { type BackendOptions, describeBackend } from '@flambeau/backend-conformance'
import { js } from '@flambeau/backend-js'
import { report, setFallback } from '@flambeau/core'
import { expect } from 'vitest'
import { testWith } from '../../../tools/test/machine.ts'
import { type Gpujs, gpujs, type Mode } from '../src/index.ts'
import { missingModes } from './each-mode.ts'

/**
 * The parts of the suite that run on js: float64, integers that may exceed 2^24, sorting, searches, polygamma, and bits,
 * which shaders cannot access.
 */
const numbers =
  'CopySlices PowBackward1 clamp+toCopy+add clone cumprod fill gcd isclose mul mul+toCopy prod scatterReduce sum toCopy where+toCopy'.split(
    ' ',
  )
const bits = ['And', 'Or', 'Xor', 'Not', 'LeftShift', 'RightShift'].map((name) => `bitwise${name}`)
const onJs = [
  ...numbers,
  'sort',
  'searchsorted',
  'multinomial',
  'poisson',
  'binomial',
  'nextafter',
  'polygamma',
  'mul+polygamma',
  ...bits,
]

/**
 * Registers the suite for a mode, or a test that reports a missing mode. Sums are in float32 and in another order, so
 * results of other layouts and of compiled steps differ in their last bits. Checks that don't depend on the mode run on
 * cpu; five random shapes per op compile as many kernels.
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
  testWith('gpujs', undefined, 'everything ran on kernels of this mode, except the listed ops', () => {
    const { calls, compilations, ...told } = device.report()
    console.log(`${mode}: ${calls} calls of ${compilations} kernels`)
    expect(told).toMatchObject({ mode, kernelClass, tried: [{ mode }] })
    expect(calls).toBeGreaterThan(1000)
    const own = Object.keys(report()).filter((name) => name.startsWith('gpujs '))
    const elsewhere = own.map((name) => name.replace('gpujs ', ''))
    expect(elsewhere.filter((name) => !onJs.includes(name))).toEqual([])
  })
}

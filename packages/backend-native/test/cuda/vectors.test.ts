// Maps whose operands lie side by side, by vectors: whole and aligned ones, such with a rest, and such that are not aligned.
import { js } from '@flambeau/backend-js'
import { manualSeed, randint, type Tensor, useDevice } from '@flambeau/core'
import { expect } from 'vitest'
import { testWith } from '../../../../tools/test/machine.ts'
import { type CudaBackend, openCuda } from '../../src/cuda/index.ts'
import { cudaMissing } from './driver.ts'

let cuda: CudaBackend | undefined
const onCuda = (): void => void useDevice((cuda ??= openCuda(0)))
const it = (name: string, body: () => void): void => testWith('native', cudaMissing, name, body)

function compare(of: () => readonly Tensor[]): void {
  const on = (use: () => void): number[][] => {
    use()
    manualSeed(4)
    return of().map((x) => [...x.toArray()])
  }
  expect(on(onCuda)).toEqual(on(() => void useDevice(js())))
}

for (const dtype of ['float32', 'float64', 'int32', 'uint8', 'bool'] as const)
  it(`maps of ${dtype}`, () => {
    const some = (n: number): Tensor => randint(0, 4, [n]).to(dtype)
    for (const n of [1, 3, 4, 5, 1023, 1024, 1026, 4099]) {
      compare(() => [some(n).add(some(n)), some(n).gt(some(1)), some(n).to('float32').mul(2).to(dtype)])
      // From each place beside an aligned one.
      for (const at of [1, 2, 3])
        compare(() => [
          some(n + 4)
            .narrow(0, at, n)
            .mul(some(n)),
          some(n + 4)
            .narrow(0, at, n)
            .eq(1),
        ])
      compare(() => [
        some(n).add_(some(n)),
        some(n + 4)
          .narrow(0, 1, n)
          .fill_(1),
      ])
    }
  })

import * as core from '@flambeau/core'
import { expect, it } from 'vitest'
import { wasm } from '../src/index.ts'

it('computes', async () => {
  core.useDevice(await wasm())
  const x = core.randn(100, 200)
  const y = x.matmul(x.t()).tanh().sum()
  expect(y.item()).toBeGreaterThan(0)
})

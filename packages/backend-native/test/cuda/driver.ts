// The driver library for tests, which interprets PTX: tests of CUDA need it and the addon, and no GPU.
import { existsSync } from 'node:fs'
import { cudaAddon, fakeCuda, fakeCudaMissing } from '../../../../tools/native.mjs'

/** Why CUDA cannot be tested here. */
export const cudaMissing = [cudaAddon, fakeCuda].every((file) => existsSync(file))
  ? undefined
  : `no driver for tests of CUDA: ${fakeCudaMissing() ?? 'node tools/native.mjs && node tools/native.mjs cuda'}`

process.env.FLAMBEAU_CUDA_DRIVER = fakeCuda

// The committed texts of CUDA: they are those of their sources, nvcc makes the same ones, and ptxas takes them, and texts of
// random expressions, for every generation of GPUs within their registers. The last two need NVIDIA's compiler.
import { basename } from 'node:path'
import { expect, test } from 'vitest'
import { assembleCommitted, assembleRandom } from '../cuda/assemble.mjs'
import { hasCompiler, isCurrent, makePtx } from '../cuda.mjs'
import { sources } from '../ptx.mjs'
import { cudaMissing, testWith } from './machine.ts'

/** `node tools/cuda.mjs assemble --random 3000` takes more. */
const random = 100
const missing = hasCompiler() ? undefined : 'nvcc and ptxas of the CUDA toolkit are not installed'

test.each(sources().map((source) => [basename(source), source]))(
  'the text of %s is that of its source',
  (_, source) => {
    expect(isCurrent(source), 'node tools/cuda.mjs ptx makes it anew').toBe(true)
  },
)
testWith(
  'nvcc',
  missing,
  'nvcc makes the texts that are committed',
  async () => expect(await makePtx(true)).toBe(0),
  600_000,
)
testWith(
  'nvcc',
  missing,
  'ptxas takes every committed text, and no kernel spills or takes more registers than a block has',
  async () => {
    const { faults, kernels } = await assembleCommitted()
    expect(faults).toEqual([])
    expect(kernels.length).toBeGreaterThan(15)
  },
  600_000,
)
testWith(
  'nvcc',
  missing ?? cudaMissing,
  `ptxas takes the texts of ${random} random expressions`,
  async () => {
    const { faults, texts } = await assembleRandom(random)
    expect(faults).toEqual([])
    expect(texts).toBeGreaterThanOrEqual(random / 2)
  },
  600_000,
)

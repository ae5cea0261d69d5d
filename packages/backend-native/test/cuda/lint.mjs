// Runs ops of usual shapes and prints what their kernels counted, for lint.test.ts; the driver for tests appends the
// counts to the file that FAKECUDA_COVERAGE names when it is asked for its memory.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { native } from '../../dist/index.js'
import { arange, cat, cuda, F, manualSeed, randn, useDevice, zeros } from 'flambeau'

/** Of a kernel: sectors of global memory and passes over the banks, each beside the least, and lanes' instructions a sum. */
function figuresOf({ kernel, instructions, flops, lines }) {
  const share = (space) => {
    const of = lines.filter((line) => line.space === space)
    const [touched, least] = ['touched', 'least'].map((what) => of.reduce((sum, line) => sum + line[what], 0))
    return least === 0 ? 1 : touched / least
  }
  return {
    kernel,
    sectors: share('global'),
    banks: share('shared'),
    perFlop: flops === 0 ? 0 : (32 * instructions) / flops,
  }
}

/** Ops of usual shapes, in memory one after the other, by what their kernels do. */
const usual = {
  'a map': () => randn(64, 256).mul(2).add(1),
  'a map of transposed elements': () => randn(64, 128).t().add(randn(128, 64)),
  'sums of rows': () => randn(64, 512).sum(1),
  'sums of columns': () => randn(512, 64).sum(0),
  'a sum': () => randn(1 << 15).sum(),
  argmax: () => randn(64, 512).argmax(1),
  softmax: () => F.softmax(randn(64, 512), 1),
  crossEntropy: () => F.crossEntropy(randn(64, 512), zeros([64], { dtype: 'int32' })),
  moments: () => F.batchNorm(randn(16, 8, 64), null, null, { training: true }),
  cumsum: () => randn(64, 256).cumsum(1),
  sort: () => randn(8, 1024).sort(1).values,
  gather: () => randn(64, 256).gather(1, arange(256).expand(64, 256)),
  scatterAdd: () => zeros([64, 256]).scatterAdd(1, arange(256).expand(64, 256), randn(64, 256)),
  cat: () => cat([randn(64, 256), randn(64, 256)], 1),
  pad: () => F.pad(randn(64, 256), [1, 1]),
  'a product of 32 x 32': () => randn(32, 64).matmul(randn(64, 32)),
  'products of 64 x 64': () => randn(128, 64, 32).matmul(randn(128, 32, 64)),
  'products of 128 x 128': () => randn(128, 128, 32).matmul(randn(128, 32, 128)),
  'a convolution': () => F.conv2d(randn(4, 8, 16, 16), randn(16, 8, 3, 3), { padding: 1 }),
}

useDevice(await native({ device: 'cuda' }))
const file = process.env.FAKECUDA_COVERAGE
const seen = {}
for (const [name, op] of Object.entries(usual)) {
  manualSeed(0)
  op().toArray()
  cuda.memGetInfo()
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  seen[name] = lines.map((line) => figuresOf(JSON.parse(line)))
  rmSync(file, { force: true })
}
console.log(JSON.stringify(seen))
process.exit(0)

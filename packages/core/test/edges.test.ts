// Edges of ops: empty views, signs of zeros, NaN and infinities, what is refused, leaves that are views, names of nodes.
// Every line of golden/edges.json is performed and compared with real PyTorch (tools/golden_edges.py).
import { js } from '@flambeau/backend-js'
import { F, stdMean, tensor, useDevice, varMean, zeros } from '@flambeau/core'
import { beforeAll, expect, test } from 'vitest'
import { asPrinted } from './lines.ts'

beforeAll(() => void useDevice(js()))

asPrinted('edges', { linear: F.linear, leaky: F.leakyRelu, cross: F.crossEntropy, nll: F.nllLoss, stdMean, varMean })

test('a number is indexed by one index: in words of 2.x, where 1.13 gives unwritten memory', () => {
  const x = tensor(3, { requiresGrad: true })
  for (const n of [0, 2]) {
    const sentence = `index_select(): Index to scalar can have only 1 value, got ${n} value(s)`
    expect(() => x.indexSelect(0, zeros(n, { dtype: 'int32' }))).toThrow(sentence)
  }
})

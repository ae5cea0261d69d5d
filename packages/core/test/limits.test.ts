// Layers and functions at the limits of what they take: no images, no channels, windows that just fit, numbers that bytes
// have no room for. Runs every line of golden/limits.json and compares it with real PyTorch (tools/golden/limits.py).
import { js } from '@flambeau/backend-js'
import { compile, F, grad, nn, type Tensor, tensor, useDevice } from '@flambeau/core'
import { beforeAll, expect, test } from 'vitest'
import { asPrinted, show, Text } from './lines.ts'

beforeAll(() => void useDevice(js()))

type Made = Tensor | readonly Tensor[]
const V = (...sizes: number[]): Tensor => {
  const n = sizes.reduce((product, size) => product * size, 1)
  return tensor(Array.from({ length: n }, (_, i) => (((7 * i + 3) % 23) - 11) / 8)).reshape(sizes)
}
const leaf = (x: Tensor): Tensor => x.detach().clone().requiresGrad_()

/** These are the same as their namesakes in tools/golden/limits.py. */
function shown(made: Made, leaves: readonly Tensor[], more: readonly Tensor[] = []): Text {
  const results: readonly Tensor[] = Array.isArray(made) ? made : [made]
  const [y] = results
  const k = tensor(Array.from({ length: y.numel() }, (_, i) => (i % 5) - 1.5)).view(y.shape)
  y.mul(k).sum().backward()
  const gradients = leaves.map((x) => x.grad?.add(0) ?? null)
  return new Text([...results, ...gradients, ...more].map(show).join('\n'))
}
function slope(f: (...x: Tensor[]) => Made, ...values: Tensor[]): Text {
  const leaves = values.map(leaf)
  return shown(f(...leaves), leaves)
}
function trained(layer: nn.Module, value: Tensor): Text {
  const x = leaf(value)
  return shown(layer.forward(x), [x, ...layer.parameters()], layer.buffers())
}

asPrinted('limits', { F, nn, V, slope, trained })

test('the gradient of the grid of nearest elements is zeros in compiled steps, too', () => {
  const step = compile((x: Tensor, at: Tensor) => {
    const y = F.gridSample(x, at, { mode: 'nearest', alignCorners: false })
    return grad(y.sum(), [x, at])
  })
  const [x, at] = [leaf(V(1, 1, 3, 3)), leaf(V(1, 2, 2, 2))]
  for (let call = 0; call < 6; call++) {
    const [dx, dAt] = step(x, at)
    expect(dx.sum().item()).toBeGreaterThan(0)
    expect([dAt.shape, Array.from(dAt.toArray())]).toEqual([at.shape, Array.from({ length: 8 }, () => 0)])
  }
})

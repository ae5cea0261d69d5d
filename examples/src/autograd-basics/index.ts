// Tensors that record how they were computed, and their derivatives. Nothing is trained here.
import { grad, noGrad, tensor } from 'flambeau'
import { type Options, print as log } from '../lesson.ts'

export const autogradBasics = ({ print = log }: Options = {}) => {
  // A tensor that requires a gradient, a polynomial of it, and the derivative at x = 3.5.
  const x = tensor(3.5, { requiresGrad: true })
  print(x)
  const y = x.sub(1).mul(x.sub(2)).mul(x.sub(3))
  print(y)
  y.backward()
  print(x.grad)

  // Backward has freed the graph.
  try {
    y.backward()
  } catch (error) {
    const [sentence] = (error as Error).message.split('\n')
    print(`${(error as Error).name}: ${sentence}`)
  }

  // Gradients accumulate until they are cleared, which is the purpose of optimizer.zeroGrad().
  const a = tensor([1, 2], { requiresGrad: true })
  a.pow(2).sum().backward()
  print(a.grad)
  a.pow(2).sum().backward()
  print(a.grad)
  a.grad = null

  // A derivative is a tensor like any other; with createGraph you can differentiate it again.
  const z = tensor(3, { requiresGrad: true })
  const [first] = grad(z.pow(3), z, { createGraph: true })
  print(first)
  const [second] = grad(first, z)
  print(second)

  // A linear layer by hand: three samples, two inputs, two outputs.
  const w = tensor(
    [
      [1, 2],
      [3, 4],
    ],
    { requiresGrad: true },
  )
  const b = tensor([0.5, -0.5], { requiresGrad: true })
  const v = tensor([
    [1, -1],
    [2, 0.5],
    [0, 3],
  ])
  const h = v.matmul(w.t()).add(b)
  print(h)
  h.mean().backward()
  print(w.grad)
  print(b.grad)

  // Without a graph.
  noGrad(() => print(x.mul(2)))
  print(y.detach())
}

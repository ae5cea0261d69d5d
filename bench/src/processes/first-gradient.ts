// A process that imports flambeau, computes one gradient and prints it.
import { tensor } from 'flambeau'

const x = tensor([1, 2, 3], { requiresGrad: true })
x.mul(x).mul(0.5).sub(x.mul(0.25)).sum().backward()
console.log(x.grad?.select(0, 2).item())

// The same on wasm, including finding, reading and compiling the module.
import { setDevice, tensor } from 'flambeau'

await setDevice('wasm')
const x = tensor([1, 2, 3], { requiresGrad: true })
x.mul(x).mul(0.5).sub(x.mul(0.25)).sum().backward()
console.log(x.grad?.select(0, 2).item())

// The same on native, including finding and loading the addon.
import { setDevice, tensor } from 'flambeau'

await setDevice('native')
const x = tensor([1, 2, 3], { requiresGrad: true })
x.mul(x).mul(0.5).sub(x.mul(0.25)).sum().backward()
console.log(x.grad?.select(0, 2).item())

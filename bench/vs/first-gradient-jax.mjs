// A process that imports jax-js, computes one gradient on its WebAssembly backend and prints it.
import { grad, init, numpy as np } from '@jax-js/jax'

await init('wasm')
const x = np.array([1, 2, 3])
const f = (x) => x.ref.mul(x.ref).mul(0.5).sub(x.mul(0.25)).sum()
console.log((await grad(f)(x).data())[2])

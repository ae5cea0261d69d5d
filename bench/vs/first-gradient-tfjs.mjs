// A process that imports TensorFlow.js, computes one gradient on its plain JavaScript backend and prints it.
import * as tf from '@tensorflow/tfjs'

await tf.setBackend('cpu')
const f = (x) => x.mul(x).mul(0.5).sub(x.mul(0.25)).sum()
console.log(
  tf
    .grad(f)(tf.tensor([1, 2, 3]))
    .dataSync()[2],
)

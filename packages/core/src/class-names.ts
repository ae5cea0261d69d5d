// What is said of classes where all of them are known: those that reprs, error classes and messages name, and how many
// arguments the `forward` of each layer takes.
import { nameClasses } from './base/class-name.ts'
import * as errors from './base/errors.ts'
import { takeNoMore } from './nn/forward.ts'
import * as nn from './nn/index.ts'
import * as optim from './optim/index.ts'

for (const classes of [errors, nn, optim, optim.lrScheduler, optim.swaUtils]) nameClasses(classes)

// These read their arguments themselves. Others take as many as they name.
const { ConvTranspose1d, EmbeddingBag, MaxUnpool1d, AdaptiveLogSoftmaxWithLoss, Module } = nn
const { LazyConvTranspose1d, LazyConvTranspose2d, LazyConvTranspose3d, GRUCell, LSTMCell, RNNCell } = nn
const ofTwo = [
  ConvTranspose1d,
  LazyConvTranspose1d,
  LazyConvTranspose2d,
  LazyConvTranspose3d,
  GRUCell,
  LSTMCell,
  RNNCell,
]
for (const layer of ofTwo) takeNoMore(layer, [1, 2])
takeNoMore(EmbeddingBag, [1, 3])
takeNoMore(MaxUnpool1d, [2, 3])
takeNoMore(AdaptiveLogSoftmaxWithLoss, [2, 2])

const isLayer = (x: unknown): x is typeof Module =>
  typeof x === 'function' && x.prototype instanceof Module && x.prototype.forward !== Module.prototype.forward
for (const value of Object.values(nn)) if (isLayer(value)) takeNoMore(value)

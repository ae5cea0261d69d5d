// The floors: every workload in JavaScript without a library, as fast as we know how to write it. As a subject: `node
// serve.js floors/index.js [products | unrounded]`; `products` are only the matrix products of a workload, `unrounded`
// omits the roundings that eager's bits require.
import type { Load } from '../src/answering.ts'
import { activation, activationUnrounded } from './activation.ts'
import { boston } from './boston.ts'
import { bostonMlp } from './boston-mlp.ts'
import { breastCancer } from './breast-cancer.ts'
import { crossEntropy } from './cross-entropy.ts'
import type { Floor } from './lib.ts'
import { matmul } from './matmul.ts'
import { mlp, mlpProducts } from './mlp.ts'
import { reductions } from './reductions.ts'
import { scalarGraph } from './scalars.ts'

/** By the workload's name. */
export const floors: Readonly<Record<string, Floor>> = {
  boston,
  'boston-mlp': bostonMlp,
  'breast-cancer': breastCancer,
  mlp,
  'matmul-64': matmul,
  'matmul-256': matmul,
  'matmul-512': matmul,
  'matmul-1024': matmul,
  activation,
  'cross-entropy': crossEntropy,
  ...reductions,
  'scalar-graph': scalarGraph,
}

export const products: Readonly<Record<string, Floor>> = { mlp: mlpProducts }
export const unrounded: Readonly<Record<string, Floor>> = { activation: activationUnrounded }

const kinds: Readonly<Record<string, typeof floors>> = { products, unrounded }

export const load: Load = (name, inputs) => (kinds[process.argv[3]] ?? floors)[name]?.(inputs) ?? { cannot: 'no floor' }

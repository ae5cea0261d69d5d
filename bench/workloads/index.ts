// All workloads, in the order of the table.
import { activation } from './activation.ts'
import { boston } from './boston.ts'
import { bostonMlp } from './boston-mlp.ts'
import { breastCancer } from './breast-cancer.ts'
import { crossEntropy } from './cross-entropy.ts'
import { lenet5, lenet5Max, resnet18, resnet20 } from './images.ts'
import { matmuls } from './matmul.ts'
import { mlp, mlpSgd } from './mlp.ts'
import { reductions } from './reductions.ts'
import { operation, scalarGraph } from './scalars.ts'
import type { Workload } from './workload.ts'

export const workloads: readonly Workload[] = [
  boston,
  bostonMlp,
  breastCancer,
  mlp,
  mlpSgd,
  ...matmuls,
  activation,
  crossEntropy,
  ...reductions,
  scalarGraph,
  operation,
  lenet5,
  lenet5Max,
  resnet20,
  resnet18,
]

/** The workload of that name; otherwise the error lists all names. */
export function workloadNamed(name: string, others: readonly string[] = []): Workload {
  const found = workloads.find((workload) => workload.name === name)
  if (found !== undefined) return found
  const known = [...workloads.map((workload) => workload.name), ...others]
  throw new RangeError(`nothing is called ${name}; there are ${known.join(', ')}`)
}

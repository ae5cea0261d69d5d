// Training steps: the common parts of the lecture's models and the larger network.
import { type nn, noGrad, type optim, type Tensor } from 'flambeau'
import { type Inputs, input, type Program } from './workload.ts'

/** Standardised features and the target as a column. Imports the data package on demand. */
export async function tabular(name: 'loadBoston' | 'loadBreastCancer'): Promise<Inputs> {
  const sets = await import('@flambeau/data')
  const { data, target } = sets[name]()
  return { x: new sets.StandardScaler().fitTransform(data).float(), y: target.float().unsqueeze(1) }
}

/** The numbers that a model begins with, by the names of its state dict. */
export const floats = (model: nn.Module): Inputs =>
  Object.fromEntries([...model.stateDict()].filter(([, { dtype }]) => dtype === 'float32'))

/** Sets a model's parameters and buffers to those among the inputs. */
export function start<M extends nn.Module>(model: M, inputs: Inputs): M {
  noGrad(() => {
    for (const [name, numbers] of Object.entries(floats(model))) numbers.copy_(input(inputs, name))
  })
  return model
}

/** Forward pass, backward pass and optimizer step in the usual form; returns the loss. */
export function training(
  model: nn.Module,
  criterion: (yHat: Tensor, y: Tensor) => Tensor,
  optimizer: optim.Optimizer,
  { x, y }: Inputs,
): Program {
  const step = (): Tensor => {
    const loss = criterion(model.forward(x) as Tensor, y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  }
  return { step, results: (loss) => [loss, model.parameters()].flat(2) }
}

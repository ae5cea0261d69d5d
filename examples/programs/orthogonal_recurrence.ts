// A recurrent network with an orthogonal recurrent weight, on packed sequences of several lengths.
import { allclose, cat, eye, linalg, manualSeed, nn, optim, randn, stack, type Tensor, zeros } from 'flambeau'
import type { Print } from './setting.ts'

const { parametrizations, parametrize, rnn } = nn.utils
type Packed = ReturnType<typeof rnn.packSequence>

class Skew extends nn.Module {
  override forward(x: Tensor): Tensor {
    return x.triu(1).sub(x.triu(1).transpose(-1, -2))
  }
}

class Cayley extends nn.Module {
  declare eye: Tensor

  constructor(n: number) {
    super()
    this.registerBuffer('eye', eye(n))
  }

  override forward(x: Tensor): Tensor {
    return linalg.solve(this.eye.add(x), this.eye.sub(x))
  }
}

class Net extends nn.Module {
  cell: nn.RNNCell
  mix: nn.Linear
  out: nn.Linear
  hidden: number

  constructor(hidden = 6) {
    super()
    this.cell = new nn.RNNCell(2, hidden, { bias: false })
    parametrizations.orthogonal(this.cell, 'weight_hh', { orthogonalMap: 'matrix_exp' })
    this.mix = new nn.Linear(hidden, hidden, { bias: false })
    parametrize.registerParametrization(this.mix, 'weight', new Skew())
    parametrize.registerParametrization(this.mix, 'weight', new Cayley(hidden))
    this.out = new nn.Linear(hidden, 1)
    this.hidden = hidden
  }

  override forward(packed: Packed): Tensor {
    return parametrize.cached(() => {
      let h = zeros(packed.batchSizes.at(0).item(), this.hidden)
      let start = 0
      for (const count of packed.batchSizes.tolist<number[]>()) {
        const step = this.cell.forward(packed.data.at(`${start}:${start + count}`), h.at(`:${count}`))
        h = cat([step, h.at(`${count}:`)])
        start += count
      }
      h = h.indexSelect(0, packed.unsortedIndices as Tensor)
      return this.out.forward(this.mix.forward(h)).squeeze(1)
    })
  }
}

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const lengths = [3, 5, 2, 4]
  const sequences = lengths.map((n) => randn(n, 2))
  const targets = stack(sequences.map((s) => s.at(':, 0').sum()))
  const packed = rnn.packSequence(sequences, { enforceSorted: false })
  const [padded, sizes] = rnn.padPackedSequence(packed, { batchFirst: true, paddingValue: -1 })
  const list = (values: readonly unknown[]): string => `[${values.join(', ')}]`
  print('padded', `(${padded.shape.join(', ')})`, list(sizes.tolist()), 'batch sizes', list(packed.batchSizes.tolist()))
  const net = new Net()
  print(
    list(
      net
        .namedParameters()
        .map(([name]) => `'${name}'`)
        .sort(),
    ),
  )
  const optimizer = new optim.RAdam(net.parameters(), { lr: 0.05 })
  const criterion = new nn.HuberLoss({ delta: 0.5 })
  for (let step = 0; step < 30; step++) {
    const loss = criterion.forward(net.forward(packed), targets)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    if (step % 10 === 9) {
      const w = net.cell.weightHh
      const off = w.matmul(w.T).sub(eye(6)).abs().max().item() < 1e-5
      print(`step ${step + 1} loss ${loss.item().toFixed(4)} off ${off ? 'True' : 'False'}`)
    }
  }
  parametrize.removeParametrizations(net.mix, 'weight')
  const m = net.mix.weight
  const says = (x: boolean): string => (x ? 'True' : 'False')
  print('orthogonal', says(allclose(m.matmul(m.T), eye(6), { atol: 1e-5 })), says(parametrize.isParametrized(net.mix)))
}

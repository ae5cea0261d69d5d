// A mixture density network: a distribution over several answers for each input, with a one-cycle schedule.
import { distributions, F, linspace, manualSeed, nn, noGrad, optim, randn, sin, type Tensor, tensor } from 'flambeau'
import type { Print } from './setting.ts'

const { Categorical, Independent, MixtureSameFamily, Normal } = distributions

class MDN extends nn.Module {
  body: nn.Sequential
  heads: nn.ModuleDict<nn.Linear>

  constructor(hidden = 12, components = 3) {
    super()
    this.body = new nn.Sequential(new nn.Linear(1, hidden), new nn.GELU())
    this.heads = new nn.ModuleDict<nn.Linear>(
      ['logits', 'means', 'scales'].map((name) => [name, new nn.Linear(hidden, components)] as const),
    )
  }

  override forward(x: Tensor) {
    const h = this.body.forward(x)
    const mixing = new Categorical({ logits: this.heads.logits.forward(h) })
    const scales = F.softplus(this.heads.scales.forward(h)).unsqueeze(-1).add(1e-2)
    const parts = new Normal(this.heads.means.forward(h).unsqueeze(-1), scales)
    return new MixtureSameFamily(mixing, new Independent(parts, 1))
  }
}

const rounded = (x: Tensor): string =>
  `[${x
    .flatten()
    .tolist()
    .map((v) => Number(v.toFixed(3)))
    .join(', ')}]`

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const y = linspace(-1, 1, 60).unsqueeze(1)
  const x = y
    .mul(0.7)
    .add(sin(y.mul(6)).mul(0.3))
    .add(randn(60, 1).mul(0.05))
  const model = new MDN()
  const optimizer = new optim.NAdam(model.parameters(), { lr: 0.02 })
  const scheduler = new optim.lrScheduler.OneCycleLR(optimizer, { maxLr: 0.05, totalSteps: 40 })
  for (let step = 0; step < 40; step++) {
    const loss = model.forward(x).logProb(y).mean().neg()
    optimizer.zeroGrad({ setToNone: true })
    loss.backward()
    const norm = nn.utils.clipGradNorm_(model.parameters(), 5)
    optimizer.step()
    scheduler.step()
    if (step % 10 === 9)
      print(
        `step ${step + 1} loss ${loss.item().toFixed(4)} norm ${norm.item().toFixed(3)} lr ${scheduler.getLastLr()[0].toFixed(5)}`,
      )
  }
  noGrad(() => {
    const p = model.forward(tensor([[0], [0.5]]))
    print('mean', rounded(p.mean), 'stddev', rounded(p.stddev))
    print(
      'samples',
      `(${p.sample([5]).shape.join(', ')})`,
      `torch.Size([${p.batchShape}])`,
      `torch.Size([${p.eventShape}])`,
    )
  })
}

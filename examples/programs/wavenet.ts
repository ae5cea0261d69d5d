// A WaveNet in small: dilated causal convolutions, gates, skips, mu-law codes, one value sampled at a time.
import {
  abs,
  arange,
  cat,
  exp,
  F,
  int64,
  log1p,
  manualSeed,
  multinomial,
  nn,
  noGrad,
  optim,
  rand,
  sigmoid,
  sign,
  sin,
  Slice,
  tanh,
  type Tensor,
  tensor,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

const show = (x: unknown): string =>
  Array.isArray(x) ? `[${x.map(show).join(', ')}]` : x === true ? 'True' : x === false ? 'False' : `${x}`

const MU = 15

function encode(x: Tensor) {
  const mu = tensor(MU, { dtype: x.dtype })
  const y = sign(x)
    .mul(log1p(mu.mul(abs(x))))
    .div(log1p(mu))
  return y.add(1).div(2).mul(mu).add(0.5).to(int64)
}

function decode(codes: Tensor) {
  const y = codes.div(MU).mul(2).sub(1)
  return sign(y)
    .mul(exp(abs(y).mul(Math.log1p(MU))).sub(1))
    .div(MU)
}

class CausalConv1d extends nn.Conv1d {
  left: number

  constructor(cin: number, cout: number, kernelSize: number, dilation = 1) {
    super(cin, cout, kernelSize, { dilation })
    this.left = (kernelSize - 1) * dilation
  }

  override forward(x: Tensor) {
    return super.forward(F.pad(x, [this.left, 0]))
  }
}

class Block extends nn.Module {
  filter: CausalConv1d
  gate: CausalConv1d
  res: nn.Conv1d
  skip: nn.Conv1d

  constructor(channels: number, skip: number, dilation: number) {
    super()
    this.filter = new CausalConv1d(channels, channels, 2, dilation)
    this.gate = new CausalConv1d(channels, channels, 2, dilation)
    this.res = new nn.Conv1d(channels, channels, 1)
    this.skip = new nn.Conv1d(channels, skip, 1)
  }

  forward(x: Tensor): [Tensor, Tensor] {
    const z = tanh(this.filter.forward(x)).mul(sigmoid(this.gate.forward(x)))
    return [this.res.forward(z).add(x), this.skip.forward(z)]
  }
}

class WaveNet extends nn.Module {
  embed: nn.Embedding
  blocks: nn.ModuleList<Block>
  out: nn.Sequential
  declare receptive: Tensor

  constructor(channels = 6, skip = 8, dilations = [1, 2, 4]) {
    super()
    this.embed = new nn.Embedding(MU + 1, channels)
    this.blocks = new nn.ModuleList(dilations.map((d) => new Block(channels, skip, d)))
    this.out = new nn.Sequential(
      new nn.ReLU(),
      new nn.Conv1d(skip, skip, 1),
      new nn.ReLU(),
      new nn.Conv1d(skip, MU + 1, 1),
    )
    this.registerBuffer('receptive', tensor(1 + dilations.reduce((a, b) => a + b), { dtype: int64 }))
  }

  forward(codes: Tensor) {
    let x = this.embed.forward(codes).transpose(1, 2)
    let skips: Tensor | null = null
    for (const block of this.blocks) {
      const [y, skip] = block.forward(x)
      x = y
      skips = skips ? skips.add(skip) : skip
    }
    return this.out.forward(skips!)
  }

  generate(start: Tensor, n: number) {
    return noGrad(() => {
      let codes = start
      for (let i = 0; i < n; i++) {
        const logits = this.forward(codes.at(':', Slice(-this.receptive.item()))).at(':, :, -1')
        const probs = F.softmax(logits.div(0.7), { dim: -1 })
        codes = cat([codes, multinomial(probs, 1)], { dim: 1 })
      }
      return codes
    })
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const t = arange(64).div(8)
  const phases = rand(4, 1).mul(2).mul(Math.PI)
  const wave = sin(t.add(phases))
    .mul(0.7)
    .add(sin(t.mul(3)).mul(0.2))
  const codes = encode(wave)
  print(show(codes.at('0, :12').tolist()), 'torch.int64', codes.min().item(), codes.max().item())
  print(decode(codes).sub(wave).abs().max().item().toFixed(4))
  const net = new WaveNet()
  print(`${net.receptive}`, show(net.namedBuffers().map(([n]) => `'${n}'`)), `${net.blocks[2].filter}`)
  const opt = new optim.Adam(net.parameters(), { lr: 0.01 })
  const step = compile((codes: Tensor) => {
    const loss = F.crossEntropy(net.forward(codes.at(':, :-1')), codes.at(':, 1:'))
    opt.zeroGrad()
    loss.backward()
    opt.step()
    return loss
  })
  for (let i = 0; i < 8; i++) {
    const loss = step(codes)
    if (i % 2 === 1) print(`${i + 1} ${loss.item().toFixed(4)} ${Math.exp(loss.item()).toFixed(3)}`)
  }
  const a = net.forward(codes.at(':1, :20'))
  const changed = codes.at(':1, :20').clone()
  changed.setAt(
    [0, 15],
    changed
      .at(0, 15)
      .add(3)
      .remainder(MU + 1),
  )
  const diff = net.forward(changed).sub(a).abs().sum(1).at(0)
  print(show(diff.gt(0).nonzero().flatten().tolist()))
  const sample = net.generate(codes.at(':2, :10'), 12)
  print(show(sample.at(':, 10:').tolist()))
  print(`${decode(sample.at(':, 10:14'))}`)
}

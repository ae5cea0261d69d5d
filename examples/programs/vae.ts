// A variational autoencoder: the reparametrisation by randnLike, reconstruction and KL divergence.
import {
  bernoulli,
  exp,
  F,
  full,
  manualSeed,
  nn,
  noGrad,
  optim,
  randn,
  randnLike,
  sigmoid,
  type Tensor,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

class VAE extends nn.Module {
  encoder = new nn.Linear(12, 16)
  mu = new nn.Linear(16, 2)
  logvar = new nn.Linear(16, 2)
  decoder = new nn.Sequential(new nn.Linear(2, 16), new nn.ReLU(), new nn.Linear(16, 12))

  encode(x: Tensor) {
    const h = F.relu(this.encoder.forward(x))
    return [this.mu.forward(h), this.logvar.forward(h)] as const
  }

  reparameterize(mu: Tensor, logvar: Tensor): Tensor {
    const std = exp(logvar.mul(0.5))
    const eps = randnLike(std)
    return mu.add(eps.mul(std))
  }

  forward(x: Tensor) {
    const [mu, logvar] = this.encode(x)
    const z = this.reparameterize(mu, logvar)
    return [sigmoid(this.decoder.forward(z)), mu, logvar] as const
  }
}

function lossFunction(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor): Tensor {
  const bce = F.binaryCrossEntropy(recon, x, { reduction: 'sum' })
  const kld = logvar.add(1).sub(mu.pow(2)).sub(logvar.exp()).sum().mul(-0.5)
  return bce.add(kld)
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const patterns = bernoulli(full([4, 12], 0.5))
  const x = patterns.repeat(8, 1)
  const model = new VAE()
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 })

  const step = compile(() => {
    const [recon, mu, logvar] = model.forward(x)
    const loss = lossFunction(recon, x, mu, logvar).div(x.length)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  })

  for (let epoch = 1; epoch <= 60; epoch++) {
    const loss = step()
    if (epoch % 20 === 0) print(`epoch ${epoch} loss ${loss.item().toFixed(3)}`)
  }
  model.eval()
  const sample = noGrad(() => sigmoid(model.decoder.forward(randn(2, 2))))
  print(`sample ${sample.mean().item().toFixed(3)}`)
}

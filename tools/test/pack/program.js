// The program that the pack tests run from the installed packages, in each Node and in a browser. It returns its lines.
import { loadBoston, StandardScaler, toTensor } from '@flambeau/data/frame'
import { F, manualSeed, nn, optim, tensor } from 'flambeau'

export const program = () => {
  const lines = []
  const a = tensor(3.5, { requiresGrad: true })
  a.sub(1).mul(a.sub(2)).mul(a.sub(3)).backward()
  lines.push(String(a.grad))

  const { frame, featureNames, targetColumn } = loadBoston()
  const x = toTensor(new StandardScaler().fitTransform(frame.select(featureNames)))
  const y = toTensor(frame.select(targetColumn))
  manualSeed(0)
  const model = new nn.Linear(13, 1)
  const optimizer = new optim.SGD(model.parameters(), { lr: 1e-3 })
  for (let epoch = 1; epoch <= 100; epoch++) {
    const loss = F.mseLoss(model.forward(x), y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    if (epoch === 100) lines.push(`Epoch ${epoch}: loss=${loss.item()}`)
  }
  return lines
}

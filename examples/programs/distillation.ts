// Knowledge distillation: a student learns a teacher's softened outputs (KLDivLoss) and the labels, smoothed.
import { F, manualSeed, nn, noGrad, optim, randn } from 'flambeau'
import type { Compile, Print } from './setting.ts'

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const x = randn(60, 4)
  const y = x
    .at(':, 0')
    .add(x.at(':, 1').mul(x.at(':, 2')))
    .gt(0)
    .long()
  const teacher = new nn.Sequential(new nn.Linear(4, 32), new nn.Tanh(), new nn.Linear(32, 2))
  const student = new nn.Sequential(new nn.Linear(4, 4), new nn.ReLU(), new nn.Dropout(0.1), new nn.Linear(4, 2))
  const optimizer = new optim.Adam(teacher.parameters(), { lr: 0.02 })

  const teach = compile(() => {
    const loss = F.crossEntropy(teacher.forward(x), y, { labelSmoothing: 0.1 })
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  })

  let loss = teach()
  for (let i = 1; i < 30; i++) loss = teach()
  print(`teacher ${loss.item().toFixed(4)}`)

  teacher.eval()
  const kl = new nn.KLDivLoss({ reduction: 'batchmean' })
  const studentOptimizer = new optim.Adam(student.parameters(), { lr: 0.02 })
  const [T, alpha] = [3, 0.7]

  const distill = compile(() => {
    const soft = noGrad(() => F.softmax(teacher.forward(x).div(T), { dim: 1 }))
    const logits = student.forward(x)
    const softLoss = kl.forward(F.logSoftmax(logits.div(T), { dim: 1 }), soft).mul(alpha * T * T)
    const loss = softLoss.add(F.crossEntropy(logits, y).mul(1 - alpha))
    studentOptimizer.zeroGrad()
    loss.backward()
    studentOptimizer.step()
    return loss
  })

  for (let epoch = 1; epoch <= 30; epoch++) {
    const loss = distill()
    if (epoch % 10 === 0) print(`epoch ${epoch} student ${loss.item().toFixed(4)}`)
  }
  student.eval()
  const agreement = student.forward(x).argmax(1).eq(teacher.forward(x).argmax(1)).float().mean()
  print(`agreement ${agreement.item().toFixed(3)}`)
}

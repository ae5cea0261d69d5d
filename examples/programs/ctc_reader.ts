// Reading a line of digits: columns by a convolution, recurrence in both directions, CTC, and greedy decoding.
import {
  arange,
  cat,
  F,
  full,
  int,
  long,
  manualSeed,
  nn,
  optim,
  randn,
  Slice,
  stack,
  type Tensor,
  tensor,
  uniqueConsecutive,
  zeros,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

const show = (x: unknown): string =>
  Array.isArray(x) ? `[${x.map(show).join(', ')}]` : x === true ? 'True' : x === false ? 'False' : `${x}`

const GLYPHS = [
  [
    [1, 1, 1],
    [1, 0, 1],
    [1, 1, 1],
  ],
  [
    [0, 1, 0],
    [0, 1, 0],
    [0, 1, 0],
  ],
  [
    [1, 1, 0],
    [0, 1, 0],
    [0, 1, 1],
  ],
]

function draw(digits: number[], width: number) {
  const image = zeros(1, 3, width)
  let at = 1
  for (const d of digits) {
    image.setAt([0, ':', Slice(at, at + 3)], tensor(GLYPHS[d]))
    at += 4
  }
  return image
}

class Reader extends nn.Module {
  conv = new nn.Conv2d(1, 6, [3, 3], { padding: [0, 1] })
  fwd: nn.GRUCell
  bwd: nn.GRUCell
  out: nn.Linear

  constructor(classes = 4, hidden = 10) {
    super()
    this.fwd = new nn.GRUCell(6, hidden)
    this.bwd = new nn.GRUCell(6, hidden)
    this.out = new nn.Linear(2 * hidden, classes)
  }

  forward(input: Tensor) {
    const x = F.leakyRelu(this.conv.forward(input)).squeeze(2).permute(2, 0, 1)
    const [steps, n] = x.shape
    let [f, b] = [x.newZeros(n, 10), x.newZeros(n, 10)]
    const left: Tensor[] = []
    const right: Tensor[] = []
    for (let t = 0; t < steps; t++) {
      f = this.fwd.forward(x.at(t), f)
      b = this.bwd.forward(x.at(steps - 1 - t), b)
      left.push(f)
      right.unshift(b)
    }
    return this.out.forward(cat([stack(left), stack(right)], { dim: -1 })).logSoftmax(-1)
  }
}

function decode(logProbs: Tensor, lengths: number[], blank = 0) {
  const best = logProbs.argmax(-1).t()
  return lengths.map((n, i) => {
    const ids = uniqueConsecutive(best.at(i).at(Slice(null, n)))
    return (ids.at(ids.ne(blank)).tolist() as number[]).map((id) => id - 1).join('')
  })
}

function editDistance(a: string, b: string) {
  const d = zeros(a.length + 1, b.length + 1, { dtype: int })
  d.setAt(':, 0', arange(a.length + 1))
  d.setAt(0, arange(b.length + 1))
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++)
      d.setAt(
        [i, j],
        Math.min(
          d.at(i - 1, j).item() + 1,
          d.at(i, j - 1).item() + 1,
          d.at(i - 1, j - 1).item() + (a[i - 1] !== b[j - 1] ? 1 : 0),
        ),
      )
  return d.at(-1, -1).item()
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const words = [[0, 1], [2, 2, 1], [1, 0, 2], [2], [0, 0], [1, 2, 0]]
  const width = 14
  const x = stack(words.map((w) => draw(w, width))).add(randn(6, 1, 3, width).mul(0.05))
  const targets = cat(words.map((w) => tensor(w, { dtype: long }).add(1)))
  const targetLengths = tensor(
    words.map((w) => w.length),
    { dtype: long },
  )
  const lengths = full([6], width, { dtype: long })
  const net = new Reader()
  const ctc = new nn.CTCLoss({ blank: 0, reduction: 'mean', zeroInfinity: true })
  const opt = new optim.Adam(net.parameters(), { lr: 0.03 })
  const step = compile((x: Tensor) => {
    const loss = ctc.forward(
      net.forward(x),
      targets,
      Array(6).fill(width),
      words.map((w) => w.length),
    )
    opt.zeroGrad()
    loss.backward()
    nn.utils.clipGradNorm_(net.parameters(), 1, { normType: Infinity })
    opt.step()
    return loss
  })
  for (let epoch = 0; epoch < 30; epoch++) {
    const loss = step(x)
    if (epoch % 10 === 9) print(`${epoch + 1} ${loss.item().toFixed(3)}`)
  }
  net.eval()
  const texts = decode(net.forward(x), Array(6).fill(width))
  const truth = words.map((w) => w.join(''))
  print(show(texts.map((text) => text.length)))
  print(editDistance('kitten', 'sitting'), editDistance(truth[2], truth[5]))
  const per = F.ctcLoss(net.forward(x), targets, lengths, targetLengths, { reduction: 'none' })
  print(`${per.size()}`, show(per.requiresGrad), `${net.fwd}`)
}

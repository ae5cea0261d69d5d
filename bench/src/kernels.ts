// Runs many different kernels in one process, like a day in a notebook: what the engine learnt from the first few must
// hold for hundreds. Every combination is another expression, dtype or layout.
import { type DType, F, noGrad, type Tensor, tensor } from 'flambeau'

const unary: readonly ((x: Tensor) => Tensor)[] = [
  (x) => x.neg(),
  (x) => x.abs(),
  (x) => x.sign(),
  (x) => x.sqrt(),
  (x) => x.exp(),
  (x) => x.log(),
  (x) => x.expm1(),
  (x) => x.log1p(),
  (x) => x.sin(),
  (x) => x.cos(),
  (x) => x.tanh(),
  (x) => x.sigmoid(),
  (x) => x.relu(),
  (x) => x.floor(),
  (x) => x.ceil(),
  (x) => x.isnan(),
  (x) => x.clamp(0.5, 2),
  (x) => x.pow(3),
]
const binary: readonly ((x: Tensor, y: Tensor) => Tensor)[] = [
  (x, y) => x.add(y),
  (x, y) => x.sub(y),
  (x, y) => x.mul(y),
  (x, y) => x.div(y),
  (x, y) => x.maximum(y),
  (x, y) => x.minimum(y),
  (x, y) => x.remainder(y),
  (x, y) => x.eq(y),
  (x, y) => x.lt(y),
  (x, y) => x.ge(y),
]
const reduced: readonly ((x: Tensor) => Tensor)[] = [
  (x) => x.sum(),
  (x) => x.sum(0),
  (x) => x.prod(0),
  (x) => x.amax(-1),
  (x) => x.amin(0),
  (x) => x.argmax(-1),
  (x) => x.cumsum(-1),
]
const floats: readonly ((x: Tensor) => Tensor)[] = [
  (x) => F.leakyRelu(x, 0.1),
  (x) => x.mean(-1),
  (x) => x.softmax(-1),
  (x) => x.logsumexp(-1),
  (x) => x.var(0),
  (x) => x.matmul(x.transpose(0, 1)),
]

const numbers = Array.from({ length: 12 }, (_, i) => 1 + (i % 5))
/** The same shape row by row, transposed, as a slice, and expanded from one element. */
const layouts: readonly ((dtype: DType) => Tensor)[] = [
  (dtype) => tensor(numbers, { dtype }).view(3, 4),
  (dtype) => tensor(numbers, { dtype }).view(4, 3).t(),
  (dtype) =>
    tensor([...numbers, ...numbers], { dtype })
      .view(3, 8)
      .narrow(1, 2, 4),
  (dtype) => tensor([2], { dtype }).expand(3, 4),
  (dtype) => tensor([[2]], { dtype }),
]

/** Runs all of them in some dtypes, forward, and backward if differentiable. */
export function runManyKernels(dtypes: readonly DType[]): void {
  for (const dtype of dtypes) {
    const isFloat = dtype !== 'int32'
    for (const make of layouts) {
      const x = make(dtype).detach()
      const y = make(dtype).add(1)
      const run = (op: () => Tensor): void => {
        const out = op()
        if (isFloat && out.requiresGrad) out.sum().backward()
      }
      if (isFloat) x.requiresGrad = true
      for (const op of unary) run(() => op(x))
      for (const op of binary) {
        run(() => op(x, y))
        run(() => op(x, layouts[0](dtype)))
      }
      for (const op of reduced) run(() => op(x))
      if (isFloat) for (const op of floats) run(() => op(x))
      noGrad(() => run(() => x.to(isFloat ? 'int32' : 'float32')))
    }
  }
}

/**
 * How many functions were generated from source while `work` ran: the backend generates one for every different kernel.
 */
export function generatedBy(work: () => void): number {
  const original = globalThis.Function
  let made = 0
  globalThis.Function = new Proxy(original, {
    construct(target, args) {
      made++
      return Reflect.construct(target, args) as object
    },
  })
  try {
    work()
  } finally {
    globalThis.Function = original
  }
  return made
}

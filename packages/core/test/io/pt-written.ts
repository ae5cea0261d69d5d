// What flambeau writes in PyTorch's format to show that PyTorch opens it: tools/golden/pt_opened.py compares every value,
// and pt.test.ts that the bytes are still those that PyTorch opened.
import { js } from '@flambeau/backend-js'
import { arange, manualSeed, nn, ones, optim, tensor, useDevice } from '@flambeau/core'

export interface Case {
  readonly object: unknown
  readonly dtype?: 'float16' | 'bfloat16'
  /** PyTorch 1.13 itself reads neither floats nor bytes with `weights_only`. */
  readonly plainOnly?: boolean
}

const numbers = [0, 1, -1, 255, 256, 65535, 65536, -(2 ** 31), 2 ** 31 - 1]
const longs = [2 ** 31, -(2 ** 31) - 1, 2 ** 40, -(2 ** 40), 127 * 2 ** 40, 128 * 2 ** 40, Number.MAX_SAFE_INTEGER]
const floats = [2.5, -0, 1e300, 5e-324, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53]

/** Schedulers in the middle of their work, with their optimizers and the rates that they set next. */
function schedules(): Readonly<Record<string, unknown>> {
  const L = optim.lrScheduler
  const makers: Readonly<
    Record<string, (optimizer: optim.Optimizer) => optim.lrScheduler.LRScheduler | optim.lrScheduler.ReduceLROnPlateau>
  > = {
    StepLR: (o) => new L.StepLR(o, 3, 0.5),
    MultiStepLR: (o) => new L.MultiStepLR(o, [2, 5, 5, 7], 0.5),
    ExponentialLR: (o) => new L.ExponentialLR(o, 0.9),
    LambdaLR: (o) => new L.LambdaLR(o, (epoch) => 1 / (1 + epoch)),
    MultiplicativeLR: (o) => new L.MultiplicativeLR(o, () => 0.9),
    ConstantLR: (o) => new L.ConstantLR(o, 0.5, 6),
    LinearLR: (o) => new L.LinearLR(o, 0.25, 1, 7),
    PolynomialLR: (o) => new L.PolynomialLR(o, 9, 2),
    CosineAnnealingLR: (o) => new L.CosineAnnealingLR(o, 6, 0.001),
    CosineAnnealingWarmRestarts: (o) => new L.CosineAnnealingWarmRestarts(o, 2, 2, 0.001),
    CyclicLR: (o) => new L.CyclicLR(o, 0.01, 0.1, { stepSizeUp: 3, mode: 'triangular2' }),
    OneCycleLR: (o) => new L.OneCycleLR(o, 0.5, { totalSteps: 12, threePhase: true }),
    ReduceLROnPlateau: (o) => new L.ReduceLROnPlateau(o, 'max', 0.5, 2),
    SequentialLR: (o) => new L.SequentialLR(o, [new L.ConstantLR(o, 0.1, 2), new L.ExponentialLR(o, 0.9)], [5]),
    ChainedScheduler: (o) => new L.ChainedScheduler([new L.MultiStepLR(o, [3, 6]), new L.LinearLR(o, 0.5)]),
    SWALR: (o) => new optim.swaUtils.SWALR(o, 0.05, 7),
  }
  const entries = Object.entries(makers).map(([name, make]) => {
    const optimizer = new optim.SGD([tensor([1, 2], { requiresGrad: true })], { lr: 0.1, momentum: 0.9 })
    const scheduler = make(optimizer)
    const step = (): number[] => {
      optimizer.step()
      if (scheduler instanceof L.ReduceLROnPlateau) scheduler.step(1)
      else scheduler.step()
      const [{ lr, momentum }] = optimizer.paramGroups
      return [lr, momentum]
    }
    for (let k = 0; k < 4; k++) step()
    // Copies, because states share lists with what goes on.
    const state = structuredClone({ optimizer: optimizer.stateDict() as object, scheduler: stateOf(scheduler) })
    return [name, { ...state, next: Array.from({ length: 6 }, step) }] as const
  })
  return Object.fromEntries(entries)
}
const stateOf = (of: unknown): object => (of as optim.Optimizer).stateDict()

export function written(): Readonly<Record<string, Case>> {
  useDevice(js())
  manualSeed(0)
  const model = new nn.Sequential(
    new nn.Conv1d(2, 3, 2),
    new nn.BatchNorm1d(3),
    new nn.Sequential(new nn.Linear(3, 2), new nn.LayerNorm(2)),
  )
  const base = arange(24, { dtype: 'float32' })
  const grid = base.reshape(4, 6)
  const p = new nn.Parameter(tensor([1, -2]))
  const frozen = new nn.Parameter(tensor([3]), false)
  const adam = new optim.Adam([p, frozen], { lr: 0.01 })
  p.grad = tensor([0.5, 0.25])
  adam.step()
  const many = Array.from({ length: 2001 }, (_, i) => i)
  return {
    module: { object: model },
    tensor: { object: grid.t() },
    number: { object: 7 },
    dtypes: {
      object: {
        float32: tensor([Number.NaN, Number.POSITIVE_INFINITY, -0, 1e-45]),
        float64: tensor([Math.PI, 5e-324, -0], { dtype: 'float64' }),
        int32: tensor([2 ** 31 - 1, -(2 ** 31)], { dtype: 'int32' }),
        uint8: tensor([0, 255], { dtype: 'uint8' }),
        bool: tensor([true, false]),
      },
    },
    views: {
      object: {
        base,
        grid,
        transposed: grid.t(),
        columns: grid.slice(1, 1, 6, 2),
        row: grid.select(0, 2),
        expanded: base.slice(0, 5, 6).expand(3, 2),
        scalar: tensor(2.5),
        none: ones(2, 0, 3),
        twice: [p, p],
      },
    },
    parameters: { object: [p, frozen, p.detach(), ones(1, { requiresGrad: true })] },
    map: {
      object: new Map<string, unknown>([
        ['b', 1],
        ['a', new Map([[1, 'x']])],
        ['', {}],
      ]),
    },
    tree: {
      object: { numbers, longs, words: ['', 'é', '漢字', '😀', '\0', '__proto__'], none: null, yes: true, no: false },
    },
    'many entries': { object: { many, keys: Object.fromEntries(many.map((i) => [`key ${i}`, i])) } },
    optimizer: {
      object: { model, adam, floats, bytes: Uint8Array.from({ length: 256 }, (_, i) => i) },
      plainOnly: true,
    },
    schedulers: { object: schedules(), plainOnly: true },
    half: { object: { x: tensor([1 / 3, 65504, 1e-7]), n: tensor([1], { dtype: 'int32' }) }, dtype: 'float16' },
    bfloat16: { object: { x: tensor([1 / 3, 3e38]), y: tensor([0.1], { dtype: 'float64' }) }, dtype: 'bfloat16' },
  }
}

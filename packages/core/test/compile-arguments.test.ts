// Arguments of compiled steps: passed by value, one recording for every shape, gradients set on the tensor of the call.
import { js } from '@flambeau/backend-js'
import {
  arange,
  compile,
  F,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  randn,
  type Tensor,
  tensor,
  useDevice,
} from '@flambeau/core'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'

beforeAll(() => void useDevice(js()))
beforeEach(() => void vi.spyOn(console, 'warn').mockReturnValue())
afterEach(() => void vi.restoreAllMocks())

const numbers = (x: Tensor): number[] => Array.from(x.detach().toArray())

/** A step that counts the runs of its own code. */
function counted<A extends readonly unknown[]>(
  fn: (...args: A) => Tensor,
): { step: (...args: A) => Tensor; runs(): number } {
  let runs = 0
  const step = compile((...args: A) => {
    runs++
    return fn(...args)
  })
  return { step, runs: () => runs }
}

describe('tensor arguments', () => {
  test('each call uses the elements of its own arguments, without running the step again', () => {
    const { step, runs } = counted((x: Tensor, y: Tensor) => x.mul(y).sum())
    for (let i = 1; i <= 7; i++) expect(step(tensor([i, 2]), tensor([i, i])).item()).toBe(i * i + 2 * i)
    expect(runs()).toBe(3)
  })

  test('nested arrays and objects; another structure makes another recording', () => {
    const { step, runs } = counted((batch: { x: Tensor; ys: readonly Tensor[] }) =>
      batch.ys.reduce((sum, y) => sum.add(y), batch.x),
    )
    const call = (n: number, count: number): number[] =>
      numbers(step({ x: tensor([n]), ys: Array.from({ length: count }, () => tensor([10 * n])) }))
    for (let n = 1; n < 6; n++) {
      expect(call(n, 1)).toEqual([11 * n])
      expect(call(n, 2)).toEqual([21 * n])
    }
    expect(runs()).toBe(6)
  })

  test('mini-batches: slices, transposed and expanded tensors are passed by value', () => {
    const data = arange(24, { dtype: 'float32' }).reshape(6, 4)
    const { step, runs } = counted((x: Tensor) => x.mul(2))
    for (let i = 0; i + 2 <= 6; i++) {
      const batch = data.slice(0, i, i + 2)
      expect(numbers(step(batch))).toEqual(numbers(batch).map((v) => 2 * v))
    }
    const square = arange(8, { dtype: 'float32' }).reshape(4, 2).t()
    expect(numbers(step(square))).toEqual(numbers(square.mul(2)))
    expect(numbers(step(ones(1, 4).expand(2, 4)))).toEqual(new Array(8).fill(2))
    expect(runs()).toBe(3)
  })

  test('each shape and dtype has its own recording', () => {
    const { step, runs } = counted((x: Tensor) => x.sum())
    for (let i = 0; i < 6; i++) {
      expect(step(ones(3)).item()).toBe(3)
      expect(step(ones(2, 3)).item()).toBe(6)
      expect(step(ones([3], { dtype: 'float64' })).dtype).toBe('float64')
      expect(step(ones([3], { dtype: 'int32' })).dtype).toBe('int32')
    }
    expect(runs()).toBe(12)
  })

  test('the same tensor twice, then two tensors', () => {
    const { step, runs } = counted((x: Tensor, y: Tensor) => x.sub(y))
    const x = tensor([5])
    for (let i = 0; i < 5; i++) {
      expect(step(x, x).item()).toBe(0)
      expect(step(x, tensor([i])).item()).toBe(5 - i)
    }
    expect(runs()).toBe(6)
  })

  test('an argument that the step also captures from outside', () => {
    const kept = tensor([1, 2])
    const { step, runs } = counted((x: Tensor) => x.add(kept))
    for (let i = 0; i < 5; i++) expect(numbers(step(kept))).toEqual([2, 4])
    expect(numbers(step(tensor([10, 20])))).toEqual([11, 22])
    noGrad(() => kept.add_(1))
    expect(numbers(step(kept))).toEqual([4, 6])
    expect(runs()).toBe(3)
  })

  test('two arguments over one memory', () => {
    const data = tensor([1, 2, 3, 4])
    const { step } = counted((x: Tensor, y: Tensor) => x.mul(y))
    for (let i = 0; i < 5; i++) expect(numbers(step(data.slice(0, 0, 2), data.slice(0, 2, 4)))).toEqual([3, 8])
  })

  test('an argument that is returned, itself and as a view', () => {
    const step = compile((x: Tensor) => [x, x.reshape(2, 1)])
    for (let i = 0; i < 5; i++) {
      const x = tensor([i, 1])
      const [same, view] = step(x)
      expect(same).toBe(x)
      expect(view.shape).toEqual([2, 1])
      expect(numbers(view)).toEqual([i, 1])
    }
  })

  test('numbers, strings and booleans are part of the recording', () => {
    const { step, runs } = counted((x: Tensor, factor: number, { twice }: { twice: boolean }) => {
      const y = x.mul(factor)
      return twice ? y.mul(2) : y
    })
    for (let i = 0; i < 5; i++) {
      expect(step(tensor([1]), 3, { twice: false }).item()).toBe(3)
      expect(step(tensor([1]), 3, { twice: true }).item()).toBe(6)
      expect(step(tensor([1]), 4, { twice: true }).item()).toBe(8)
    }
    expect(runs()).toBe(9)
  })
})

describe('gradients of arguments', () => {
  test('are set on the tensor of the call', () => {
    const { step, runs } = counted((x: Tensor) => {
      const y = x.pow(2).sum()
      y.backward()
      return y
    })
    for (let i = 0; i < 6; i++) {
      const x = tensor([i, 1], { requiresGrad: true })
      expect(step(x).item()).toBe(i * i + 1)
      expect(x.grad?.toNested()).toEqual([2 * i, 2])
    }
    expect(runs()).toBe(3)
  })

  test('accumulate on a tensor that is passed again', () => {
    const step = compile((x: Tensor) => x.mul(3).sum().backward())
    const x = tensor([1], { requiresGrad: true })
    for (let i = 1; i < 8; i++) {
      step(x)
      expect(x.grad?.toNested()).toEqual([3 * i])
    }
    x.grad = null
    step(x)
    expect(x.grad).not.toBeNull()
    expect((x.grad as unknown as Tensor).toNested()).toEqual([3])
  })

  test('a parameter of an optimizer that is passed: written in place, so refused', () => {
    const w = tensor([1], { requiresGrad: true })
    const optimizer = new optim.SGD([w], { lr: 0.1 })
    const step = compile((p: Tensor) => {
      const loss = p.pow(2).sum()
      optimizer.zeroGrad()
      loss.backward()
      optimizer.step()
      return loss
    })
    expect(() => step(w)).toThrow('argument 0 is written in place inside a compiled step')
    expect(w.item()).toBe(1)
    expect(w.grad).toBeNull()
  })

  test('a result of an operation as argument is refused, and its detached elements are not', () => {
    const w = tensor([2], { requiresGrad: true })
    const step = compile((x: Tensor) => x.mul(2))
    expect(() => step(w.mul(3))).toThrow(
      'argument 0 of a compiled step is the result of an operation that requires grad: its gradient would leave the step',
    )
    expect(step(w.mul(3).detach()).item()).toBe(12)
    expect(noGrad(() => step(w.mul(3))).item()).toBe(12)
  })
})

describe('an invalid argument', () => {
  const step = compile((..._args: readonly unknown[]) => ones(1))
  test.each([
    ['a function', () => [() => 1], 'argument 0 is a function'],
    ['a module', () => [ones(1), new nn.Linear(1, 1)], 'argument 1 is a Linear'],
    ['a typed array inside', () => [{ a: [new Float32Array(1)] }], 'argument 0.a[0] is a Float32Array'],
    ['a symbol', () => [Symbol('x')], 'argument 0 is a symbol'],
  ])('%s', (_, args, message) => {
    expect(() => step(...args())).toThrow(message)
    expect(() => step(...args())).toThrow('Let the step use it from outside (captured) instead of passing it.')
  })

  test('an argument that is written in place', () => {
    const write = compile((x: Tensor) => x.add_(1))
    const x = tensor([1])
    expect(() => write(x)).toThrow(
      /argument 0 is written in place inside a compiled step, at .*compile-arguments.test.ts/,
    )
    expect(x.item()).toBe(1)
  })
})

describe('a bounded number of recordings', () => {
  test('the ninth shape warns once and says which argument changes; the oldest is forgotten', () => {
    const { step, runs } = counted((x: Tensor, y: { z: Tensor }) => x.sum().add(y.z.sum()))
    const call = (n: number): void => expect(step(ones(2), { z: ones(n, 4) }).item()).toBe(2 + 4 * n)
    for (let n = 1; n <= 8; n++) for (let i = 0; i < 4; i++) call(n)
    expect(runs()).toBe(24)
    expect(console.warn).not.toHaveBeenCalled()
    call(9)
    expect(console.warn).toHaveBeenCalledWith(
      expect.stringContaining('argument 1.z was float32[8, 4], then float32[9, 4]'),
    )
    for (let n = 10; n < 20; n++) call(n)
    expect(console.warn).toHaveBeenCalledTimes(1)
    const before = runs()
    call(1)
    expect(runs()).toBe(before + 1)
  })

  test('the warning describes the layouts of leaves of one shape', () => {
    const { step } = counted((x: Tensor) => x.sum())
    for (let n = 3; n <= 11; n++) step(ones(2, n).slice(1, 0, 2).detach().requiresGrad_())
    expect(console.warn).toHaveBeenCalledWith(
      expect.stringMatching(/argument 0 was float32\[2, 2\].*, strides \[10, 1\], then .*, strides \[11, 1\]/),
    )
  })

  test('the most recently used recordings are kept', () => {
    const { step, runs } = counted((x: Tensor) => x.sum())
    for (let i = 0; i < 4; i++) step(ones(1))
    for (let n = 2; n <= 8; n++) step(ones(n))
    step(ones(1))
    step(ones(9))
    step(ones(1))
    expect(runs()).toBe(3 + 7 + 1)
  })
})

test('a model trained on batches that are passed equals eager bit for bit, the last batch being smaller', () => {
  const run = (compiled: boolean): number[][] => {
    manualSeed(3)
    const data = randn(50, 4)
    const labels = randn(50, 1)
    const model = new nn.Sequential(new nn.Linear(4, 8), new nn.Tanh(), new nn.Dropout(0.2), new nn.Linear(8, 1))
    const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 })
    const plain = (x: Tensor, y: Tensor): Tensor => {
      const loss = F.mseLoss(model.forward(x) as Tensor, y)
      optimizer.zeroGrad()
      loss.backward()
      optimizer.step()
      return loss
    }
    const step = compiled ? compile(plain) : plain
    const losses: number[] = []
    for (let epoch = 0; epoch < 100; epoch++) {
      for (let i = 0; i < 50; i += 16) losses.push(step(data.slice(0, i, i + 16), labels.slice(0, i, i + 16)).item())
    }
    return [losses, ...model.parameters().map(numbers)]
  }
  expect(run(true)).toEqual(run(false))
})

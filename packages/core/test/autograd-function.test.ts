// Custom autograd functions, and gradcheck, compared with real PyTorch.
import { js } from '@flambeau/backend-js'
import {
  arange,
  autograd,
  type FunctionCtx,
  GradcheckError,
  grad,
  gradcheck,
  gradgradcheck,
  noGrad,
  ones,
  type Tensor,
  tensor,
  useDevice,
} from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import { freeing } from '../src/tensor/effects.ts'
import { agrees } from './agreement.ts'

useDevice(js())
// Small gradients are freed as large ones are.
freeing.from = 0

const wanted = { requiresGrad: true }
const leaf = (...values: number[]) => tensor(values, wanted)
const doubles = (...values: number[]) => tensor(values, { dtype: 'float64', ...wanted })

class Square extends autograd.Function {
  static override forward(ctx: FunctionCtx, x: Tensor) {
    ctx.saveForBackward(x)
    return x.mul(x)
  }
  static override backward(ctx: FunctionCtx, dy: Tensor) {
    const [x] = ctx.savedTensors
    return dy.mul(x).mul(2)
  }
}

class Scale extends autograd.Function {
  static override forward(ctx: FunctionCtx, x: Tensor, factor: number) {
    ctx.factor = factor
    return x.mul(factor)
  }
  static override backward(ctx: FunctionCtx, dy: Tensor) {
    return [dy.mul(ctx.factor as number), null]
  }
}

class Exp extends autograd.Function {
  static override forward(ctx: FunctionCtx, x: Tensor) {
    const y = x.exp()
    ctx.saveForBackward(y)
    return y
  }
  static override backward(ctx: FunctionCtx, dy: Tensor) {
    const [y] = ctx.savedTensors
    return dy.mul(y)
  }
}

class SumAndProduct extends autograd.Function {
  static override forward(ctx: FunctionCtx, x: Tensor, y: Tensor): [Tensor, Tensor] {
    ctx.saveForBackward(x, y)
    return [x.add(y), x.mul(y)]
  }
  static override backward(ctx: FunctionCtx, ds: Tensor, dp: Tensor) {
    const [x, y] = ctx.savedTensors
    return [ds.add(dp.mul(y)), ds.add(dp.mul(x))]
  }
}

/** A rule that keeps the gradients of its two outputs. */
const seeing =
  (seen: unknown[]) =>
  (_: unknown, da: Tensor, db: Tensor): Tensor => {
    seen.push(da, db)
    return da.mul(2)
  }

// biome-ignore lint/suspicious/noExplicitAny: functions with any arguments, valid and invalid
type Any = any
/** A function class made from two functions. */
const made = (forward: (ctx: FunctionCtx, ...args: Any[]) => Any, backward: (ctx: FunctionCtx, ...dys: Any[]) => Any) =>
  class Custom extends autograd.Function {
    static override forward(ctx: FunctionCtx, ...args: Any[]): Any {
      return forward(ctx, ...args)
    }
    static override backward(ctx: FunctionCtx, ...dys: Any[]): Any {
      return backward(ctx, ...dys)
    }
  }

const double = (_: FunctionCtx, x: Tensor) => x.mul(2)

/** The gradients that a function's first output sends to its arguments. */
function run(fn: { apply(...args: Any[]): Any }, ...args: unknown[]): unknown[] {
  const y = fn.apply(...args)
  ;(Array.isArray(y) ? y[0] : y).sum().backward()
  return args.map((x) => (x as Tensor).grad ?? null)
}

const doubling = (ctx: FunctionCtx, x: Tensor) => {
  ctx.markDirty(x)
  x.mul_(2)
  return x
}

agrees('function', {
  'first derivative': () => {
    const x = leaf(1, 2)
    const y = Square.apply(x)
    y.backward(tensor([1, 10]))
    return [y.detach(), y.gradFn, x.grad]
  },
  'second derivative': () => {
    const x = leaf(1, 2)
    const [g] = grad(Square.apply(x).sum(), x, { createGraph: true })
    return [g.detach(), grad(g.sum(), x)]
  },
  'second derivative through a saved output': () => {
    const x = leaf(1, 2)
    const [g] = grad(Exp.apply(x).sum(), x, { createGraph: true })
    return [g.detach(), grad(g.sum(), x)]
  },
  'an argument that is no tensor': () => {
    const x = leaf(1, 2)
    Scale.apply(x, 3).sum().backward()
    return x.grad
  },
  'several outputs': () => {
    const [x, y] = [leaf(1, 2), leaf(3, 4)]
    const [s, p] = SumAndProduct.apply(x, y)
    s.mul(2).add(p.mul(3)).sum().backward()
    return [s.gradFn, x.grad, y.grad]
  },
  'one of several outputs': () => {
    const [x, y] = [leaf(1, 2), leaf(3, 4)]
    SumAndProduct.apply(x, y)[1].sum().backward()
    return [x.grad, y.grad]
  },
  'inside another': () => {
    const x = leaf(1, 2)
    const outer = made(
      (ctx, x) => {
        ctx.x = x
        return x.mul(x)
      },
      (ctx, dy) => {
        const z = (ctx.x as Tensor).detach().requiresGrad_()
        return dy.mul(autograd.enableGrad(() => grad(Square.apply(z).sum(), z)[0]))
      },
    )
    outer.apply(x).sum().backward()
    return x.grad
  },
  'backward inside backward': () => {
    const [x, w] = [leaf(1, 2), leaf(5, 6)]
    const outer = made(double, (_, dy) => {
      autograd.enableGrad(() => w.mul(w).sum().backward())
      return dy
    })
    outer.apply(x).sum().backward()
    return [x.grad, w.grad]
  },
  'nothing wants a gradient': () => {
    const y = Square.apply(tensor([1, 2]))
    return [y, y.requiresGrad]
  },
  'in no_grad': () => noGrad(() => Square.apply(leaf(1, 2))).requiresGrad,
  needs_input_grad: () => {
    const seen: unknown[] = []
    const fn = made(
      (ctx, x, n, c) => {
        seen.push(ctx.needsInputGrad)
        return x.mul(n).add(c)
      },
      (ctx, dy) => {
        seen.push(ctx.needsInputGrad)
        return [dy.mul(3), null, null]
      },
    )
    const x = leaf(1, 2)
    fn.apply(x, 3, ones(2)).sum().backward()
    return [seen, x.grad]
  },
  'the number of gradients: too many': () =>
    run(
      made(double, (_, dy) => [dy, dy]),
      leaf(1, 2),
    ),
  'the number of gradients: nulls too many': () =>
    run(
      made(double, (_, dy) => [dy, null]),
      leaf(1, 2),
    ),
  'the number of gradients: too few': () =>
    run(
      made(
        (_, x, y) => x.mul(y),
        (_, dy) => dy,
      ),
      leaf(1, 2),
      leaf(3, 4),
    ),
  'no gradient': () =>
    run(
      made(double, () => null),
      leaf(1, 2),
    ),
  'a gradient of another shape': () =>
    run(
      made(double, () => ones(3)),
      leaf(1, 2),
    ),
  'a gradient that was broadcast': () =>
    run(
      made(double, () => ones(3, 2)),
      leaf(1, 2),
    ),
  'a gradient that was broadcast, of a matrix': () =>
    run(
      made(double, () => ones(4, 2, 3)),
      arange(1, 7).float().reshape(2, 3).requiresGrad_(),
    ),
  'a gradient of fewer elements': () =>
    run(
      made(double, () => ones(1)),
      leaf(1, 2),
    ),
  'a gradient of another dtype': () =>
    run(
      made(double, (_, dy) => dy.double().mul(3)),
      leaf(1, 2),
    ),
  'a gradient of integers': () =>
    run(
      made(double, () => tensor([3, 4], { dtype: 'int32' })),
      leaf(1, 2),
    ),
  'a gradient for what is no tensor': () =>
    run(
      made(
        (_, x, n) => x.mul(n),
        (_, dy) => [dy, dy],
      ),
      leaf(1, 2),
      3,
    ),
  'no forward': () => {
    class Empty extends autograd.Function {}
    ;(Empty.apply as (x: Tensor) => unknown)(leaf(1, 2))
  },
  'no backward': () => {
    class Half extends autograd.Function {
      static override forward(_: FunctionCtx, x: Tensor) {
        return x.mul(0.5)
      }
    }
    Half.apply(leaf(1, 2)).sum().backward()
  },
  'an argument given back': () => {
    const x = leaf(1, 2)
    const y = made(
      (_, x) => x,
      (_, dy) => dy.mul(3),
    ).apply(x)
    y.sum().backward()
    return [y === x, y.gradFn, x.grad]
  },
  'a view of an argument': () => {
    const x = leaf(1, 2)
    const y = made(
      (_, x) => x.view(2, 1),
      (_, dy) => dy.view(2).mul(3),
    ).apply(x)
    y.sum().backward()
    return [y.shape, y.gradFn, x.grad]
  },
  'what is saved must be tensors': () =>
    made(
      (ctx, x) => {
        ctx.saveForBackward(x, 'two' as unknown as Tensor)
        return x.mul(2)
      },
      (_, dy) => dy,
    ).apply(leaf(1, 2)),
  'what is no tensor is returned as it is': () => {
    const seen: unknown[] = []
    const fn = made(
      (_, x) => [x.mul(2), 'text', null, 3],
      (_, ...dys) => {
        seen.push(dys.map((x) => x === null))
        return dys[0]
      },
    )
    const x = leaf(1, 2)
    const y = fn.apply(x)
    y[0].sum().backward()
    return [y.slice(1), seen, x.grad]
  },
  'no gradient goes no further': () => {
    const x = leaf(1, 2)
    made(
      (_, y) => y.mul(3),
      () => null,
    )
      .apply(x.mul(2))
      .sum()
      .backward()
    return x.grad
  },
  'null may be saved': () => {
    const seen: unknown[] = []
    const fn = made(
      (ctx, x) => {
        ctx.saveForBackward(x, null)
        return x.mul(2)
      },
      (ctx, dy) => {
        seen.push(ctx.savedTensors.map((x) => x === null))
        return dy
      },
    )
    return [run(fn, leaf(1, 2)), seen]
  },
  'a saved tensor is written to': () => {
    const y = leaf(1, 2).mul(1)
    const z = Square.apply(y)
    y.add_(1)
    z.sum().backward()
  },
  'a second backward': () => {
    const z = Square.apply(leaf(1, 2)).sum()
    z.backward()
    z.backward()
  },
  'a second backward with nothing saved': () => {
    const x = leaf(1, 2)
    const z = Scale.apply(x, 3).sum()
    z.backward()
    z.backward()
    return x.grad
  },
  mark_non_differentiable: () => {
    const seen: unknown[] = []
    const fn = made((ctx, x) => {
      const [a, b] = [x.mul(2), x.mul(3)]
      ctx.markNonDifferentiable(b)
      return [a, b]
    }, seeing(seen))
    const x = leaf(1, 2)
    const [a, b] = fn.apply(x)
    a.sum().backward()
    return [x.grad, a.requiresGrad, b.requiresGrad, seen]
  },
  'set_materialize_grads(False)': () => {
    const seen: unknown[] = []
    const fn = made((ctx, x) => {
      ctx.setMaterializeGrads(false)
      return [x.mul(2), x.mul(3)]
    }, seeing(seen))
    const x = leaf(1, 2)
    const [a, b] = fn.apply(x)
    a.sum().backward()
    return [x.grad, b.requiresGrad, seen]
  },
  'an output of integers': () => {
    const seen: unknown[] = []
    const fn = made(
      (_, x) => [x.mul(2), x.gt(1)],
      (_, da, db) => {
        seen.push(db)
        return da
      },
    )
    const x = leaf(1, 2)
    const [a, b] = fn.apply(x)
    a.sum().backward()
    return [x.grad, a.requiresGrad, b.requiresGrad, seen]
  },
  mark_dirty: () => {
    const x = leaf(1, 2)
    const y = x.mul(1)
    const z = made(doubling, (_, dy) => dy.mul(2)).apply(y)
    z.sum().backward()
    return [z === y, y.detach(), y.gradFn, x.grad]
  },
  'mark_dirty of a leaf': () => made(doubling, (_, dy) => dy.mul(2)).apply(leaf(1, 2)),
  'mark_dirty of a view': () => {
    const x = leaf(1, 2, 3)
    const y = x.mul(1)
    const v = y.narrow(0, 0, 2)
    made(doubling, (_, dy) => dy.mul(2)).apply(v)
    y.mul(tensor([1, 2, 3]))
      .sum()
      .backward()
    return [y.detach(), v.detach(), y.gradFn, x.grad]
  },
  'mark_dirty of what is not returned': () =>
    made(
      (ctx, x) => {
        ctx.markDirty(x)
        x.mul_(2)
        return x.mul(1)
      },
      (_, dy) => dy,
    ).apply(leaf(1, 2).mul(1)),
})

describe('custom functions', () => {
  it('a gradient that backward also keeps is not taken over by a leaf', () => {
    const kept: Tensor[] = []
    const fn = made(double, (_, dy) => {
      kept.push(dy.mul(2))
      return kept[0]
    })
    const x = leaf(1, 2)
    fn.apply(x).sum().backward()
    x.mul(5).sum().backward()
    expect(Array.from(kept[0].toArray())).toEqual([2, 2])
    expect(Array.from(x.grad?.toArray() ?? [])).toEqual([7, 7])
  })

  it('have an empty list of saved tensors if they saved none', () => {
    const seen: unknown[] = []
    const fn = made(double, (ctx, dy) => {
      seen.push(ctx.savedTensors)
      return dy.mul(2)
    })
    run(fn, leaf(1, 2))
    expect(seen).toEqual([[]])
  })

  it('refuse a dirty view of a leaf', () => {
    const fn = made(doubling, (_, dy) => dy.mul(2))
    expect(() => fn.apply(leaf(1, 2).view(2))).toThrow('a view of a leaf Variable that requires grad is being used')
  })

  it('free what they saved once backward has used it', () => {
    let context: FunctionCtx | undefined
    const fn = made(
      (ctx, x) => {
        ctx.saveForBackward(x)
        context = ctx
        return x.mul(x)
      },
      (ctx, dy) => dy.mul(ctx.savedTensors[0]).mul(2),
    )
    const y = fn.apply(leaf(1, 2)).sum()
    expect(context?.savedTensors).toHaveLength(1)
    y.backward()
    expect(() => context?.savedTensors).toThrow('already been freed')
  })

  it('check the version of each saved tensor', () => {
    const factors = [ones(1), ones(1).add_(1), ones(1)]
    const fn = made(
      (ctx, x) => {
        ctx.saveForBackward(...factors)
        return x.mul(2)
      },
      (ctx, dy) => ctx.savedTensors.reduce((dx: Tensor, factor) => dx.mul(factor), dy),
    )
    const x = leaf(1)
    fn.apply(x).backward()
    expect(x.grad?.item()).toBe(2)
    for (const factor of factors) {
      const y = fn.apply(x)
      factor.add_(1)
      expect(() => y.backward()).toThrow('modified by an inplace operation')
    }
  })

  it('nest a thousand deep', () => {
    const x = leaf(1)
    let y: Tensor = x
    for (let i = 0; i < 1000; i++) y = Scale.apply(y, i % 2 === 0 ? 2 : 0.5)
    y.sum().backward()
    expect(x.grad?.item()).toBe(1)
  })
})

class Wrong extends autograd.Function {
  static override forward(_: FunctionCtx, x: Tensor) {
    return x.mul(2)
  }
  static override backward(_: FunctionCtx, dy: Tensor) {
    return dy.mul(3)
  }
}
class WrongTwice extends autograd.Function {
  static override forward(ctx: FunctionCtx, x: Tensor) {
    ctx.saveForBackward(x)
    return x.mul(x).mul(x)
  }
  static override backward(ctx: FunctionCtx, dy: Tensor) {
    const [x] = ctx.savedTensors
    return dy.mul(3).mul(x).mul(x.detach())
  }
}

agrees('gradcheck', {
  right: () => gradcheck((x: Tensor, y: Tensor) => [x.mul(y.exp()), x.sum()], [doubles(1, 2), doubles(0.5, -1)]),
  wrong: () => gradcheck((x: Tensor) => Wrong.apply(x), doubles(1, 2)),
  'wrong, told': () => gradcheck((x: Tensor) => Wrong.apply(x), doubles(1, 2), { raiseException: false }),
  'wrong in one number, in fast mode': () => gradcheck((x: Tensor) => Wrong.apply(x), doubles(0), { fastMode: true }),
  'the second output, the second input': () =>
    gradcheck((x: Tensor, y: Tensor) => [x.mul(y), Wrong.apply(y)], [doubles(1, 2), doubles(3, 4)]),
  'a gradient that is missing': () => gradcheck((x: Tensor) => made(double, () => null).apply(x), doubles(1, 2)),
  'nothing to check': () => gradcheck((x: Tensor) => x.mul(x), ones(2, { dtype: 'float64' })),
  'an output without a gradient': () => gradcheck((x: Tensor) => x.detach(), doubles(1, 2)),
  'a constant': () => gradcheck((x: Tensor) => x.detach().mul(0).add(1), doubles(1, 2)),
  'a repeated input': () => gradcheck((x: Tensor) => x.mul(2), ones(1, { dtype: 'float64' }).expand(3).requiresGrad_()),
  'other arguments': () => gradcheck((x: Tensor, n: number) => x.mul(n), [doubles(1, 2), 3]),
  'an empty input': () => gradcheck((x: Tensor) => x.mul(x), ones(0, { dtype: 'float64', ...wanted })),
  'second derivatives': () => [
    gradgradcheck((x: Tensor) => x.pow(3), doubles(1, 2)),
    gradgradcheck((x: Tensor) => x.mul(2), doubles(1, 2)),
    gradgradcheck((x: Tensor) => WrongTwice.apply(x), doubles(1, 2), null, { raiseException: false }),
    gradcheck((x: Tensor) => WrongTwice.apply(x), doubles(1, 2)),
  ],
})

describe('gradcheck', () => {
  const fast = { fastMode: true }

  it('requires float64', () => {
    expect(() => gradcheck((x: Tensor) => x.mul(x), leaf(1, 2))).toThrow(
      'Input #0 requires gradient and is not a double precision floating point or complex. This check will likely fail if all the inputs are not of double precision floating point or complex. ',
    )
  })

  it('finds the same along a random direction, and prints both Jacobians', () => {
    expect(gradcheck((x: Tensor) => x.exp(), doubles(1, 2), fast)).toBe(true)
    expect(gradgradcheck((x: Tensor) => x.exp(), doubles(1, 2), null, fast)).toBe(true)
    expect(gradcheck((x: Tensor) => Wrong.apply(x), doubles(1, 2), { ...fast, raiseException: false })).toBe(false)
    let message = ''
    try {
      gradcheck((x: Tensor) => Wrong.apply(x), doubles(1, 2), fast)
    } catch (error) {
      expect(error).toBeInstanceOf(GradcheckError)
      message = (error as Error).message
    }
    expect(message).toMatch(/^Jacobian mismatch for output 0 with respect to input 0,\nnumerical:tensor\(/)
    expect(message).toContain('in fast mode')
    expect(message).toContain('Numerical:\n tensor([[2.0000, 0.0000],')
    expect(message).toContain('Analytical:\ntensor([[3., 0.],')
  })

  it('leaves the inputs unchanged, bit for bit, even if the function throws', () => {
    const x = doubles(0.1, 0.7, -3.3)
    const before = Array.from(x.detach().toArray())
    gradcheck((x: Tensor) => x.tanh(), x)
    let calls = 0
    expect(() =>
      gradcheck((x: Tensor) => {
        if (++calls === 3) throw new Error('in the middle')
        return x.tanh()
      }, x),
    ).toThrow('in the middle')
    expect(Array.from(x.detach().toArray())).toEqual(before)
    expect(x.grad).toBeNull()
  })

  it('takes results and views of several strides as inputs', () => {
    const y = doubles(1, 2, 3, 4, 5, 6).mul(2).view(2, 3).t()
    expect(gradcheck((y: Tensor) => y.mul(y).sum(1), y)).toBe(true)
  })

  it('takes given gradients of the outputs', () => {
    const dy = tensor([0.5, -2], { dtype: 'float64', ...wanted })
    expect(gradgradcheck((x: Tensor) => x.sin(), doubles(1, 2), dy)).toBe(true)
  })

  it('detects a backward that gives different numbers the second time', () => {
    let calls = 0
    const fn = made(double, (_, dy) => dy.mul(2 + 1e-9 * calls++))
    expect(() => gradcheck((x: Tensor) => fn.apply(x), doubles(1, 2))).toThrow('Backward is not reentrant')
    expect(gradcheck((x: Tensor) => fn.apply(x), doubles(1, 2), { nondetTol: 1e-6 })).toBe(true)
  })
})

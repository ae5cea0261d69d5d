// What `compile` does not record or see, readable as documentation: each test is named after a trap, shows what
// happens, and then what to write instead. The guide's page on compile lists the same traps by the same names; the last
// test compares the two.
import { readFileSync } from 'node:fs'
import { js } from '@flambeau/backend-js'
import {
  compile,
  Generator,
  manualSeed,
  nn,
  noGrad,
  optim,
  rand,
  stack,
  type Tensor,
  tensor,
  useDevice,
  where,
  zeros,
} from '@flambeau/core'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'

beforeAll(() => void useDevice(js()))
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/**
 * The results of consecutive calls. The first call runs as written, two more are recorded and agree, then all are
 * replayed until call 8.
 */
const calls = <T>(times: number, step: () => T): T[] => Array.from({ length: times }, () => step())
/** A test by the name under which the guide lists the trap. */
const traps: string[] = []
const trap = (name: string, body: () => void | Promise<void>): void => {
  traps.push(name)
  test(name, body)
}
const numbers = (x: Tensor): number[] => Array.from(x.detach().toArray())

describe('runs while the step is recorded, not when it is replayed', () => {
  trap('console.log', () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    const x = tensor([1, 2])
    const step = compile(() => {
      console.log('a step')
      return x.sum()
    })
    calls(7, step)
    expect(log).toHaveBeenCalledTimes(3)

    // Instead: print outside the step, from its result.
    log.mockClear()
    const quiet = compile(() => x.sum())
    for (const sum of calls(7, quiet)) console.log(String(sum))
    expect(log).toHaveBeenCalledTimes(7)
  })

  trap('a counter', () => {
    const x = tensor([1, 2])
    let inside = 0
    let outside = 0
    const step = compile(() => {
      inside++
      return x.sum()
    })
    // Instead: count where the step is called.
    for (let i = 0; i < 7; i++, outside++) step()
    expect([inside, outside]).toEqual([3, 7])
  })

  trap('a list that grows', () => {
    const x = tensor([1, 2])
    const inside: Tensor[] = []
    const step = compile(() => {
      const sum = x.sum()
      inside.push(sum)
      return sum
    })
    // Instead: push what the step returns.
    const outside = calls(7, step)
    expect([inside.length, outside.length]).toEqual([3, 7])
  })

  trap("a generator's manualSeed", () => {
    const generator = new Generator()
    const step = compile(() => {
      generator.manualSeed(1)
      return rand(2, { generator })
    })
    const draws = calls(7, step).map((x) => numbers(x).join())
    expect(draws[6]).not.toBe(draws[0])

    // Instead: seed it where the step is called. flambeau's own manualSeed is replayed.
    const draw = compile(() => rand(2, { generator }))
    const seeded = compile(() => {
      manualSeed(1)
      return rand(2)
    })
    const again = calls(7, () => {
      generator.manualSeed(1)
      return draw()
    })
    expect(new Set(again.map((x) => numbers(x).join())).size).toBe(1)
    expect(new Set(calls(7, seeded).map((x) => numbers(x).join())).size).toBe(1)
  })
})

describe('keeps its value from the recording', () => {
  trap('a number in a variable', () => {
    const x = tensor([1, 2])
    let rate = 1
    const fixed = compile(() => x.mul(rate))
    const read = compile(() => x.mul(() => rate))
    const given = compile((by: number) => x.mul(by))
    calls(4, fixed)
    calls(4, read)
    rate = 10
    expect(numbers(fixed())).toEqual([1, 2])

    // Instead: a function, which is read at every call, or an argument, which gets a recording for every value.
    expect(numbers(read())).toEqual([10, 20])
    expect(numbers(given(rate))).toEqual([10, 20])
  })

  trap('an element of an array', () => {
    const x = tensor([1, 2])
    const weights = [1, 1]
    const kept = tensor(weights)
    const fixed = compile(() => x.mul(tensor(weights)))
    const read = compile(() => x.mul(kept))
    calls(4, fixed)
    calls(4, read)
    weights[1] = 10
    expect(numbers(fixed())).toEqual([1, 2])

    // Instead: a tensor created once, into which the new numbers are copied; or an argument.
    kept.copy_(tensor(weights))
    expect(numbers(read())).toEqual([1, 20])
  })

  trap('Date.now()', () => {
    vi.useFakeTimers({ now: 1000 })
    const start = Date.now()
    const x = tensor([1, 2])
    const fixed = compile(() => x.mul(Date.now() - start))
    const read = compile(() => x.mul(() => Date.now() - start))
    calls(4, fixed)
    calls(4, read)
    vi.setSystemTime(1003)
    expect(numbers(fixed())).toEqual([0, 0])

    // Instead: a function. Without one a clock that moves is an error: recordings never agree.
    expect(numbers(read())).toEqual([3, 6])
  })

  trap('a branch on a variable', () => {
    const x = tensor([1, 2])
    let warm = true
    const step = compile(() => (warm ? x.mul(10) : x))
    const [start, go] = [compile(() => x.mul(10)), compile(() => x)]
    calls(4, step)
    warm = false
    expect(numbers(step())).toEqual([10, 20])

    // Instead: a compiled step for each branch, and the branch outside.
    expect(numbers((warm ? start : go)())).toEqual([1, 2])
  })

  trap('the number of turns of a loop', () => {
    const x = tensor([1, 2])
    let turns = 1
    const body = (n: number) => {
      let y = x
      for (let i = 0; i < n; i++) y = y.mul(2)
      return y
    }
    const fixed = compile(() => body(turns))
    const given = compile(body)
    calls(4, fixed)
    turns = 3
    expect(numbers(fixed())).toEqual([2, 4])

    // Instead: an argument.
    expect(numbers(given(turns))).toEqual([8, 16])
  })

  trap('another tensor in a variable', () => {
    const batches = [tensor([1, 2]), tensor([3, 4])]
    let x = batches[0]
    const fixed = compile(() => x.sum())
    const given = compile((batch: Tensor) => batch.sum())
    calls(4, fixed)
    x = batches[1]
    expect(fixed().item()).toBe(3)

    // Instead: an argument, or one tensor into which every batch is copied.
    expect(given(x).item()).toBe(7)
    batches[0].copy_(batches[1])
    expect(fixed().item()).toBe(7)
  })

  trap('a property of a module whose forward is not called', () => {
    class Scaled extends nn.Module {
      by = 1
      override forward(x: Tensor): Tensor {
        return x.mul(this.by)
      }
      scale(x: Tensor): Tensor {
        return x.mul(this.by)
      }
    }
    const [x, model] = [tensor([1, 2]), new Scaled()]
    const fixed = compile(() => model.scale(x))
    const seen = compile(() => model.forward(x))
    calls(4, fixed)
    calls(4, seen)
    model.by = 10
    expect(numbers(fixed())).toEqual([1, 2])

    // Instead: call forward, which checks the module's properties at every call.
    expect(numbers(seen())).toEqual([10, 20])
  })

  trap('the contents of a Map in a module', () => {
    class Scaled extends nn.Module {
      scales = new Map([['all', 1]])
      scale = 1
      override forward(x: Tensor): Tensor {
        return stack([x.mul(this.scales.get('all') as number), x.mul(this.scale)])
      }
    }
    const [x, model] = [tensor([1, 2]), new Scaled()]
    const step = compile(() => model.forward(x))
    calls(4, step)
    model.scales.set('all', 10)
    expect(step().toNested()).toEqual([
      [1, 2],
      [1, 2],
    ])

    // Instead: a property.
    model.scale = 10
    expect(numbers(step().select(0, 1))).toEqual([10, 20])
  })

  trap('a property added to a module later', () => {
    class Scaled extends nn.Module {
      declare by?: number
      gain?: number = undefined
      override forward(x: Tensor): Tensor {
        return x.mul(this.by ?? this.gain ?? 1)
      }
    }
    const [x, model] = [tensor([1, 2]), new Scaled()]
    const step = compile(() => model.forward(x))
    calls(4, step)
    model.by = 10
    expect(numbers(step())).toEqual([1, 2])

    // Instead: a property that exists from the beginning, if only as undefined.
    delete model.by
    model.gain = 10
    expect(numbers(step())).toEqual([10, 20])
  })

  trap('an option of your own optimizer', () => {
    type Rate = (group: { lr: number }) => number | (() => number)
    const after = (rate: Rate): number => {
      class Descent extends optim.Optimizer {
        protected override updateParameter(p: Tensor, grad: Tensor, group: { lr: number }): void {
          noGrad(() => p.sub_(grad.mul(rate(group))))
        }
      }
      const p = tensor(0, { requiresGrad: true })
      const optimizer = new Descent([p], { lr: 1 })
      const step = compile(() => {
        optimizer.zeroGrad()
        p.mul(1).backward()
        optimizer.step()
      })
      calls(4, step)
      optimizer.paramGroups[0].lr = 10
      step()
      return p.item()
    }
    expect(after((group) => group.lr)).toBe(-5)

    // Instead: a function of it.
    expect(after((group) => () => group.lr)).toBe(-14)
  })
})

describe('is refused', () => {
  trap('item()', () => {
    const x = tensor([1, 2])
    const reads = compile(() => x.mul(x.sum().item()))
    expect(() => reads()).toThrow('item() cannot be called inside a compiled step')

    // Instead: continue with the tensor, and read it outside.
    const step = compile(() => x.mul(x.sum()))
    expect(numbers(step())).toEqual([3, 6])
  })

  trap('a branch on elements', () => {
    const x = tensor([-1, 2])
    const branches = compile(() => (x.sum().item() > 0 ? x : x.neg()))
    expect(() => branches()).toThrow('item() cannot be called inside a compiled step')

    // Instead: compute both branches, and select with where.
    const step = compile(() => where(x.sum().gt(0), x, x.neg()))
    expect(numbers(step())).toEqual([-1, 2])
  })

  trap('a shape that depends on elements', () => {
    const x = tensor([-1, 2])
    const picks = compile(() => x.maskedSelect(x.gt(0)).sum())
    expect(() => picks()).toThrow('whose shape depends on the data, cannot be called inside a compiled step')

    // Instead: all elements, with those that should not count replaced by neutral ones.
    const step = compile(() => x.maskedFill(x.le(0), 0).sum())
    expect(step().item()).toBe(2)
  })

  trap('Math.random()', () => {
    const x = tensor([1, 2])
    const draws = compile(() => x.mul(Math.random()))
    expect(() => calls(8, draws)).toThrow('the compiled step differs from call to call')

    // Instead: rand, whose draws are repeated in every replay.
    const step = compile(() => x.mul(rand([])))
    const seen = calls(7, step).map((y) => numbers(y).join())
    expect(new Set(seen).size).toBe(7)
  })

  trap('a number that changes at every call', () => {
    const x = tensor([1, 2])
    let t = 0
    const counts = compile(() => x.mul(t++))
    expect(() => calls(8, counts)).toThrow('the compiled step differs from call to call')

    // Instead: a tensor that the step itself increments.
    const count = zeros([])
    const step = compile(() => x.mul(noGrad(() => count.add_(1))))
    expect(numbers(calls(7, step)[6])).toEqual([7, 14])
  })

  trap('a tensor kept elsewhere', () => {
    const x = tensor([1, 2])
    let last = x
    const keeps = compile(() => {
      last = x.mul(2)
      return last.sum()
    })
    calls(4, keeps)
    expect(() => last.toArray()).toThrow('a tensor that was made inside a compiled step is used after it')

    // Instead: return it too, or copy it into a tensor created outside.
    const kept = zeros(2)
    const step = compile(() => {
      const y = x.mul(2)
      kept.copy_(y)
      return { y, sum: y.sum() }
    })
    expect([numbers(step().y), numbers(kept)]).toEqual([
      [2, 4],
      [2, 4],
    ])
  })

  trap('writing to an argument', () => {
    const doubles = compile((x: Tensor) => x.mul_(2))
    expect(() => doubles(tensor([1, 2]))).toThrow('argument 0 is written in place inside a compiled step')

    // Instead: return a new tensor; or capture a tensor from outside.
    const step = compile((x: Tensor) => x.mul(2))
    expect(numbers(step(tensor([1, 2])))).toEqual([2, 4])
  })

  trap('setting an option of an optimizer', () => {
    const p = tensor([1, 2], { requiresGrad: true })
    const optimizer = new optim.SGD([p], { lr: 1 })
    const descend = () => {
      optimizer.zeroGrad()
      p.sum().backward()
      optimizer.step()
    }
    const slows = compile(() => {
      optimizer.paramGroups[0].lr /= 2
      descend()
    })
    expect(() => calls(2, slows)).toThrow('lr of a parameter group is set inside a compiled step')

    // Instead: set it between two calls, or use a scheduler, inside or outside.
    optimizer.paramGroups[0].lr = 1
    const scheduler = new optim.lrScheduler.ExponentialLR(optimizer, { gamma: 0.5 })
    const step = compile(() => {
      descend()
      scheduler.step()
    })
    calls(7, step)
    expect(optimizer.paramGroups[0].lr).toBe(0.5 ** 7)
  })

  trap('a tensor that was freed', () => {
    const x = tensor([1, 2])
    const step = compile(() => x.sum())
    calls(4, step)
    x.dispose()
    expect(() => step()).toThrow('a tensor is used after dispose()')

    // Instead: write the new data into the tensor that the step reads, or pass it as an argument.
    const given = compile((batch: Tensor) => batch.sum())
    expect(given(tensor([3, 4])).item()).toBe(7)
  })

  trap('an async step', async () => {
    const x = tensor([1, 2])
    // @ts-expect-error: the type checker refuses it, too.
    const waits = compile(async () => x.sum())
    expect(() => waits()).toThrow('but the result is a Promise')

    // Instead: await before the step, or after it.
    const step = compile((batch: Tensor) => batch.sum())
    const batch = await Promise.resolve(x)
    expect(await step(batch).itemAsync()).toBe(3)
  })
})

test('the guide lists the same traps by the same names', () => {
  const guide = readFileSync(new URL('../../../docs/guide/07-compile.md', import.meta.url), 'utf8')
  const section = guide.split(/^## /m).find((text) => text.startsWith('Traps')) ?? ''
  const listed = Array.from(section.matchAll(/^\| \*\*(.+?)\*\* \|/gm), ([, name]) => name.replaceAll('`', ''))
  expect(listed).toEqual(traps)
})

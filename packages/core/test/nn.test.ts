// Modules: layers as in real PyTorch, texts, state dicts and errors (tools/golden/train.py); finding members; hooks;
// copies.
import { inspect } from 'node:util'
import { js } from '@flambeau/backend-js'
import {
  arange,
  compile,
  deepCopy,
  F,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  rand,
  registerDevice,
  type Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { describe, expect, it, vi } from 'vitest'
import {
  cotangent,
  expectClose,
  expectError,
  type GoldenError,
  type GoldenTensor,
  type Make,
  made,
  makeModule,
  readGolden,
} from './golden-tensors.ts'

useDevice(js())

type Tensors = Readonly<Record<string, GoldenTensor>>
const golden = readGolden<{
  readonly modules: readonly {
    readonly name: string
    readonly make: Make
    readonly seed: number
    readonly train: boolean
    readonly twice: boolean
    readonly state: Tensors
    readonly input: GoldenTensor
    readonly output: GoldenTensor
    readonly inputGrad: GoldenTensor
    readonly grads: Tensors
    readonly after: Tensors
  }[]
  readonly reprs: readonly { readonly make: Make; readonly text: string }[]
  readonly keys: Readonly<Record<string, unknown>>
  readonly errors: Readonly<Record<string, GoldenError>>
}>('nn')

const madeAll = (tensors: Tensors): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([key, value]) => [key, made(value)]))
const values = (x: Tensor | null | undefined): number[] => Array.from(x?.detach().toArray() ?? [])
const norm = () => new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3))

describe('layers as in PyTorch', () => {
  golden.modules.forEach(({ name, make, seed, train, twice, state, input, output, inputGrad, grads, after }, n) => {
    it(`${n}: ${name} ${JSON.stringify(make)}`, () => {
      manualSeed(seed)
      const module = makeModule(make)
      module.loadStateDict(madeAll(state))
      module.train(train)
      const x = made(input, true)
      manualSeed(seed)
      if (twice) module.forward(x.detach().mul(2))
      const y: Tensor = module.forward(x)
      y.backward(cotangent(y))
      expectClose(y, output, 1e-6, 'output')
      expectClose(x.grad, inputGrad, 2e-6, 'gradient of the input')
      for (const [key, wanted] of Object.entries(grads)) expectClose(module.getParameter(key).grad, wanted, 2e-6, key)
      const buffers = new Map(module.namedBuffers())
      expect([...buffers.keys()]).toEqual(Object.keys(after))
      for (const [key, wanted] of Object.entries(after)) expectClose(buffers.get(key), wanted, 1e-6, key)
    })
  })

  it('Identity, Flatten and LogSoftmax', () => {
    const x = rand([2, 3, 4])
    expect(new nn.Identity().forward(x)).toBe(x)
    expect(new nn.Flatten(0, 1).forward(x).shape).toEqual([6, 4])
    expect(values(new nn.LogSoftmax(-1).forward(x))).toEqual(values(F.logSoftmax(x, { dim: 2 })))
  })

  it('a softmax without a dimension warns and uses 1 for matrices', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const x = rand([2, 3])
    expect(values(new nn.Softmax().forward(x))).toEqual(values(F.softmax(x, 1)))
    expect(warn.mock.calls[0][0]).toContain('Implicit dimension choice for softmax has been deprecated.')
    warn.mockRestore()
  })

  it('in-place activations write to their input', () => {
    const x = tensor([-1, 2])
    expect(new nn.ReLU({ inplace: true }).forward(x)).toBe(x)
    expect(values(x)).toEqual([0, 2])
    expect(String(new nn.LeakyReLU(0.5, { inplace: true }))).toBe('LeakyReLU(negative_slope=0.5, inplace=True)')
    expect(String(new nn.ReLU({ inplace: true }))).toBe('ReLU(inplace=True)')
  })

  it('take PyTorch’s arguments by name', () => {
    expect(
      [new nn.LeakyReLU({ negativeSlope: 0.2 }), new nn.Dropout({ p: 0.1 }), new nn.Flatten({ startDim: 2 })].map(
        String,
      ),
    ).toEqual(['LeakyReLU(negative_slope=0.2)', 'Dropout(p=0.1, inplace=False)', 'Flatten(start_dim=2, end_dim=-1)'])
  })

  it('take a dtype', () => {
    const layer = new nn.Linear(2, 3, { dtype: 'float64' })
    expect([layer.weight.dtype, layer.bias?.dtype]).toEqual(['float64', 'float64'])
    expect(new nn.BatchNorm1d(3, { dtype: 'float64' }).runningVar?.dtype).toBe('float64')
  })
})

describe('texts', () => {
  golden.reprs.forEach(({ make, text }, n) => {
    it(`${n}: ${JSON.stringify(make)}`, () => expect(inspect(makeModule(make))).toBe(text))
  })

  it('of a custom class, with several lines', () => {
    class Block extends nn.Module {
      firstLayer = new nn.Linear(1, 2)
      scale = new nn.Parameter(ones(2))
      override extraRepr() {
        return 'a=1\nb=2'
      }
    }
    expect(String(new Block())).toBe(
      'Block(\n  a=1\n  b=2\n  (first_layer): Linear(in_features=1, out_features=2, bias=True)\n)',
    )
  })

  it('of parameters and state dicts', () => {
    const layer = new nn.Linear(1, 1)
    nn.init.ones_(layer.weight)
    expect(String(layer.weight)).toBe('Parameter containing:\ntensor([[1.]], requires_grad=True)')
    expect(String(new nn.ReLU().stateDict())).toBe('OrderedDict()')
    expect(String(layer.stateDict())).toMatch(
      /^OrderedDict\(\[\('weight', tensor\(\[\[1\.\]\]\)\), \('bias', tensor\(\[/,
    )
  })
})

describe('parts', () => {
  class Inner extends nn.Module {
    weight = new nn.Parameter(ones(1))
    mask: Tensor | null = null
    constructor() {
      super()
      this.registerBuffer('mask', zeros(2))
      this.registerBuffer('scratchSpace', zeros(3), { persistent: false })
    }
  }
  class Outer extends nn.Module {
    inProj = new Inner()
    notAPart = 3
    layers = [new nn.Linear(1, 1), new nn.ReLU(), new Inner()]
    ownWeight = new nn.Parameter(ones(2))
    shared = this.inProj
    nothing = null
    tensorOnly = ones(4)
    extra: nn.Parameter[] = [new nn.Parameter(ones(1))]
  }

  it('are own properties in order: parameters of a module first, then those below; each once', () => {
    const module = new Outer()
    expect(module.namedParameters().map(([name]) => name)).toEqual([
      'own_weight',
      'extra.0',
      'in_proj.weight',
      'layers.0.weight',
      'layers.0.bias',
      'layers.2.weight',
    ])
    expect(module.namedParameters('net', false).map(([name]) => name)).toEqual(['net.own_weight', 'net.extra.0'])
    expect(module.parameters()).toHaveLength(6)
    expect(module.parameters(false)[0]).toBe(module.ownWeight)
    expect(module.namedModules().map(([name]) => name)).toEqual(['', 'in_proj', 'layers.0', 'layers.1', 'layers.2'])
    expect(module.namedChildren().map(([name]) => name)).toEqual(['in_proj', 'layers.0', 'layers.1', 'layers.2'])
    expect(module.namedBuffers().map(([name]) => name)).toEqual([
      'in_proj.mask',
      'in_proj.scratch_space',
      'layers.2.mask',
      'layers.2.scratch_space',
    ])
  })

  it('are changed by plain assignment', () => {
    const module = new Outer()
    module.layers.push(new nn.Linear(1, 1, { bias: false }))
    module.ownWeight = new nn.Parameter(zeros(5))
    expect(module.namedParameters().at(-1)?.[0]).toBe('layers.3.weight')
    expect(module.parameters()[0].shape).toEqual([5])
  })

  it('saves declared members under PyTorch’s names in order, and shared modules under both names', () => {
    const keys = [...new Outer().stateDict().keys()]
    expect(keys).toEqual([
      'own_weight',
      'extra.0',
      'in_proj.weight',
      'in_proj.mask',
      'layers.0.weight',
      'layers.0.bias',
      'layers.2.weight',
      'layers.2.mask',
      'shared.weight',
      'shared.mask',
    ])
    expect([...norm().stateDict().keys()]).toEqual(golden.keys['Sequential(Linear, BatchNorm1d)'])
  })

  it('are found by names or properties', () => {
    const module = new Outer()
    expect(module.getSubmodule('')).toBe(module)
    expect(module.getSubmodule('in_proj')).toBe(module.inProj)
    expect(module.getSubmodule('inProj')).toBe(module.inProj)
    expect(module.getSubmodule('layers.2')).toBe(module.layers[2])
    expect(module.getParameter('layers.0.bias')).toBe((module.layers[0] as nn.Linear).bias)
    expect(module.getParameter('extra.0')).toBe(module.extra[0])
    expect(module.getBuffer('layers.2.mask')).toBe((module.layers[2] as Inner).mask)
    const wrong = (fn: () => unknown, message: string) => expectError(fn, { error: 'AttributeError', message })
    wrong(() => module.getSubmodule('layers.7'), 'Outer has no attribute `layers`')
    wrong(() => module.getSubmodule('own_weight'), '`own_weight` is not an nn.Module')
    wrong(() => module.getParameter('in_proj.none'), 'Inner has no attribute `none`')
    wrong(() => module.getParameter('in_proj'), '`in_proj` is not an nn.Parameter')
    wrong(() => module.getBuffer('tensor_only'), '`tensor_only` is not a buffer')
    expectError(() => norm().getSubmodule('2'), golden.errors.getSubmodule)
  })

  it('apply goes from the leaves to the root', () => {
    const names: string[] = []
    new nn.Sequential(new nn.Linear(1, 1), new nn.Sequential(new nn.ReLU())).apply(
      (m) => void names.push(m.constructor.name),
    )
    expect(names).toEqual(['Linear', 'ReLU', 'Sequential', 'Sequential'])
  })

  it('train, eval, requiresGrad_, zeroGrad reach all of them', () => {
    const module = norm()
    expect(module.eval()).toBe(module)
    expect(module.modules().map((m) => m.training)).toEqual([false, false, false])
    expect(
      module
        .train()
        .modules()
        .every((m) => m.training),
    ).toBe(true)
    expectError(() => module.train(1 as never), {
      error: 'ValueError',
      message: 'training mode is expected to be boolean',
    })
    module.requiresGrad_(false)
    expect(module.parameters().some((p) => p.requiresGrad)).toBe(false)
    module.requiresGrad_()
    module
      .forward(rand([3, 2]))
      .sum()
      .backward()
    expect(module.parameters().every((p) => p.grad !== null)).toBe(true)
    module.zeroGrad({ setToNone: false })
    expect(
      module
        .parameters()
        .flatMap((p) => values(p.grad))
        .every((g) => g === 0),
    ).toBe(true)
    module.zeroGrad()
    expect(module.parameters().every((p) => p.grad === null)).toBe(true)
  })

  it('to another dtype: floats only, the same parameters, their gradients too', () => {
    const module = norm()
    const [before] = module.parameters()
    const optimizer = new optim.SGD(module.parameters(), { lr: 0.1 })
    module
      .forward(rand([3, 2]))
      .sum()
      .backward()
    expect(module.double()).toBe(module)
    expect(module.parameters()[0]).toBe(before)
    expect(module.buffers().map((b) => b.dtype)).toEqual(['float64', 'float64', 'int32'])
    expect(before.grad?.dtype).toBe('float64')
    module.zeroGrad()
    module
      .forward(rand([3, 2], { dtype: 'float64' }))
      .pow(2)
      .sum()
      .backward()
    optimizer.step()
    expect(before.dtype).toBe('float64')
    expect(module.float().parameters()[0].dtype).toBe('float32')
    expectError(() => module.to('int32'), {
      error: 'TypeError',
      message: 'nn.Module.to only accepts floating point or complex dtypes, but got desired dtype=torch.int32',
    })
  })

  it('to another device', () => {
    const other = new Proxy(js(), {
      get(target, key) {
        const value = Reflect.get(target, key)
        return key === 'name' ? 'js2' : typeof value === 'function' ? value.bind(target) : value
      },
    })
    registerDevice(other)
    const module = norm()
    const text = String(module.stateDict())
    module.to('js2')
    expect(module.parameters().map((p) => p.device)).toEqual(['js2', 'js2', 'js2', 'js2'])
    expect(module.buffers().map((p) => p.device)).toEqual(['js2', 'js2', 'js2'])
    expect(module.forward(ones(3, 2).to('js2')).device).toBe('js2')
    module.to({ device: 'js', dtype: 'float64' })
    module.float()
    expect(String(module.stateDict())).not.toBe(text) // the batch has moved the running statistics
    expect(module.parameters().map((p) => p.device)).toEqual(['js', 'js', 'js', 'js'])
  })
})

describe('declaring', () => {
  it('refuses names that are taken or impossible', () => {
    const key = (fn: () => unknown, message: string) => expectError(fn, { error: 'KeyError', message })
    key(() => new nn.Module().registerBuffer('a.b', ones(1)), 'buffer name can\'t contain "."')
    key(() => new nn.Module().registerBuffer('', ones(1)), 'buffer name can\'t be empty string ""')
    key(() => new nn.Linear(2, 1).registerParameter('forward', null), "attribute 'forward' already exists")
    key(() => new nn.Linear(2, 1).registerBuffer('weight', null), "attribute 'weight' already exists")
    key(() => new nn.Linear(2, 1).registerModule('weight', new nn.ReLU()), "attribute 'weight' already exists")
    // PyTorch's own words, without the quotes in which Python prints the key of a KeyError.
    expect(golden.errors['registerBuffer with a dot']).toEqual({
      error: 'KeyError',
      message: `'buffer name can\\'t contain "."'`,
    })
    expect(golden.errors['registerParameter twice']).toEqual({
      error: 'KeyError',
      message: `"attribute 'forward' already exists"`,
    })
  })

  it('refuses values that are not modules or parameters', () => {
    const type = (fn: () => unknown, message: string) => expectError(fn, { error: 'TypeError', message })
    type(
      () => new nn.Module().registerBuffer('a', 1 as never),
      "cannot assign 'int' object to buffer 'a' (torch Tensor or None required)",
    )
    type(
      () => new nn.Module().registerParameter('a', ones(1) as never),
      "cannot assign 'torch.FloatTensor' object to parameter 'a' (torch.nn.Parameter or None required)",
    )
    type(() => new nn.Module().registerModule('a', {} as never), 'dict is not a Module subclass')
    type(
      () => new nn.Parameter(1 as never),
      "Parameter.__init__(): argument 'data' (position 1) must be Tensor, not int",
    )
    expect(() => new nn.Parameter(arange(3))).toThrow('floating point')
  })

  it('adds parts by name', () => {
    const module = new nn.Module()
    module.registerModule('subModule', new nn.Linear(1, 1))
    module.registerParameter('gain', new nn.Parameter(ones(1)))
    module.registerParameter('gain', null)
    expect(module.namedParameters().map(([name]) => name)).toEqual(['sub_module.weight', 'sub_module.bias'])
  })

  it('a parameter shares the memory of its tensor', () => {
    const data = zeros(2)
    const parameter = new nn.Parameter(data, false)
    data.add_(1)
    expect(values(parameter)).toEqual([1, 1])
    expect(parameter.requiresGrad).toBe(false)
    expect(new nn.Parameter(ones(2, { requiresGrad: true }).mul(2)).isLeaf).toBe(true)
  })
})

describe('containers', () => {
  const net = (): nn.Sequential => new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU(), new nn.Linear(3, 1))

  it('are read and written by index', () => {
    const model = net()
    expect(model.length).toBe(3)
    expect(model[1]).toBeInstanceOf(nn.ReLU)
    expect(model[3]).toBeUndefined()
    expect(model.at(-1)).toBe(model[2])
    expectError(() => model.at(5), golden.errors['Sequential index'])
    model[1] = new nn.Tanh()
    expect(String(model)).toContain('(1): Tanh()')
    expect([...model].map((m) => m.constructor.name)).toEqual(['Linear', 'Tanh', 'Linear'])
    expect(() => void (model[3] = new nn.Tanh())).toThrow('index 3 is out of range')
    model.append(new nn.Sigmoid())
    expect(model.forward(rand([4, 2])).shape).toEqual([4, 1])
    expect(String(model.slice(1, 3))).toBe(
      'Sequential(\n  (1): Tanh()\n  (2): Linear(in_features=3, out_features=1, bias=True)\n)',
    )
    expect(() => new nn.Sequential(3 as never)).toThrow('int is not a Module subclass')
  })

  it('take names', () => {
    const model = new nn.Sequential({ hiddenLayer: new nn.Linear(2, 3), act: new nn.ReLU() })
    expect(String(model)).toBe(
      'Sequential(\n  (hidden_layer): Linear(in_features=2, out_features=3, bias=True)\n  (act): ReLU()\n)',
    )
    expect([...model.stateDict().keys()]).toEqual(['hidden_layer.weight', 'hidden_layer.bias'])
    expect(model[1]).toBeInstanceOf(nn.ReLU)
    expect(String(new nn.Sequential(new Map([['a', new nn.ReLU()]])))).toBe('Sequential(\n  (a): ReLU()\n)')
  })

  it('ModuleList holds and is not called', () => {
    const list = new nn.ModuleList([new nn.Linear(1, 2)])
    list.append(new nn.ReLU()).extend([new nn.Tanh()])
    list.insert(1, new nn.Sigmoid())
    expect(String(list)).toBe(
      'ModuleList(\n  (0): Linear(in_features=1, out_features=2, bias=True)\n  (1): Sigmoid()\n  (2): ReLU()\n  (3): Tanh()\n)',
    )
    expect(() => list.forward(ones(1))).toThrow('Module [ModuleList] is missing the required "forward" function')
    class Stack extends nn.Module {
      layers = new nn.ModuleList([new nn.Linear(2, 2), new nn.Linear(2, 2)])
      override forward(x: Tensor): Tensor {
        let y = x
        for (const layer of this.layers) y = layer.forward(y)
        return y
      }
    }
    expect([...new Stack().stateDict().keys()]).toEqual([
      'layers.0.weight',
      'layers.0.bias',
      'layers.1.weight',
      'layers.1.bias',
    ])
    expect(new Stack().forward(ones(1, 2)).shape).toEqual([1, 2])
  })
})

describe('state dicts', () => {
  const linear = () => new nn.Linear(2, 1)
  const good = { weight: ones(1, 2), bias: ones(1) }

  it('share memory with the module; a deep copy does not', () => {
    const module = linear()
    const state = module.stateDict()
    const kept = deepCopy(state)
    noGrad(() => module.weight.fill_(7))
    expect(values(state.get('weight'))).toEqual([7, 7])
    expect(state.get('weight')?.requiresGrad).toBe(false)
    expect(values(kept.get('weight'))).not.toEqual([7, 7])
    expect(kept).toBeInstanceOf(nn.StateDict)
    expect(module.stateDict({ keepVars: true, prefix: 'a.' }).get('a.weight')).toBe(module.weight)
  })

  it('go round', () => {
    const [a, b] = [norm(), norm()]
    a.forward(rand([5, 2]))
    expect(String(b.loadStateDict(a.stateDict()))).toBe(golden.keys.compatible)
    expect(String(b.stateDict())).toBe(String(a.stateDict()))
    expect(b.parameters()[0].storage).not.toBe(a.parameters()[0].storage)
    b.loadStateDict(b.stateDict())
    expect(String(b.stateDict())).toBe(String(a.stateDict()))
  })

  it('are converted to the module’s dtype', () => {
    const module = linear()
    module.loadStateDict({ weight: ones(1, 2, { dtype: 'float64' }), bias: ones([1], { dtype: 'int32' }) })
    expect([module.weight.dtype, ...values(module.weight), ...values(module.bias)]).toEqual(['float32', 1, 1, 1])
  })

  const wrong: Readonly<Record<string, () => [nn.Module, nn.StateDictLike]>> = {
    'missing and wrong size': () => [linear(), { weight: ones(1, 3) }],
    unexpected: () => [linear(), { ...good, other: ones(1) }],
    missing: () => [linear(), { bias: ones(1) }],
    'two wrong sizes': () => [linear(), { weight: ones(3), bias: ones(2) }],
    empty: () => [norm(), {}],
    'nested unexpected': () => [
      norm(),
      new Map([...norm().stateDict(), ['0.other', ones(1)] as const, ['x.y', ones(1)] as const]),
    ],
  }
  for (const [key, make] of Object.entries(wrong)) {
    it(`${key}: PyTorch’s error, and nothing is changed`, () => {
      const [module, state] = make()
      const before = String(module.stateDict())
      expectError(() => module.loadStateDict(state), golden.errors[key])
      expect(String(module.stateDict())).toBe(before)
    })
  }

  it('without strict load what fits', () => {
    const module = linear()
    const result = module.loadStateDict({ weight: ones(1, 2), x: ones(1) }, { strict: false })
    expect(String(result)).toBe(golden.keys['incompatible, not strict'])
    expect(result.missingKeys).toEqual(['bias'])
    expect(values(module.weight)).toEqual([1, 1])
    expect(() => module.loadStateDict({ weight: ones(1, 3) }, { strict: false })).toThrow('size mismatch for weight')
  })

  it('with a version miss the batch counter, without one start it at 0', () => {
    const module = norm()
    const state = module.stateDict()
    state.delete('1.num_batches_tracked')
    expect(() => module.loadStateDict(state)).toThrow('Missing key(s) in state_dict: "1.num_batches_tracked". ')
    module.forward(rand([3, 2]))
    expect(String(module.loadStateDict(new Map(state)))).toBe('<All keys matched successfully>')
    expect(module.getBuffer('1.num_batches_tracked').item()).toBe(0)
  })

  it('are maps or objects of tensors', () => {
    expectError(() => linear().loadStateDict(3 as never), {
      error: 'TypeError',
      message: "Expected state_dict to be dict-like, got <class 'int'>.",
    })
    expectError(() => linear().loadStateDict(ones(2) as never), {
      error: 'TypeError',
      message: "Expected state_dict to be dict-like, got <class 'Tensor'>.",
    })
    expect(() => linear().loadStateDict({ ...good, bias: 1 as never })).toThrow(
      `While copying the parameter named "bias", expected torch.Tensor or Tensor-like object from checkpoint but received <class 'int'>`,
    )
  })
})

describe('hooks', () => {
  const log: string[] = []
  const layer = () => {
    const module = new nn.Linear(2, 2)
    nn.init.ones_(module.weight)
    nn.init.zeros_(module.bias as Tensor)
    log.length = 0
    return module
  }

  it('before and after forward, in order, replacing what they return; removed, nothing is left', () => {
    const module = layer()
    const handles = [
      module.registerForwardPreHook((m, args) => void log.push(`pre ${m === module} ${args.length}`)),
      module.registerForwardPreHook((_, [x]) => (x as Tensor).mul(2)),
      module.registerForwardHook((_, [x], y) => {
        log.push(`post ${values(x as Tensor)}`)
        return (y as Tensor).add(1)
      }),
    ]
    expect(values(module.forward(ones(1, 2)))).toEqual([5, 5])
    expect(log).toEqual(['pre true 1', 'post 2,2'])
    handles[2].remove()
    expect(values(module.forward(ones(1, 2)))).toEqual([4, 4])
    handles[1].remove()
    handles[0].remove()
    handles[0].remove()
    expect(Object.hasOwn(module, 'forward')).toBe(false)
    expect(values(module.forward(ones(1, 2)))).toEqual([2, 2])
    expect(log).toHaveLength(3)
  })

  it('run inside of models, are no part of them, and keep a forward of the instance', () => {
    const module = layer()
    const model = new nn.Sequential(module, new nn.ReLU())
    const text = String(model)
    const handle = module.registerForwardHook(() => void log.push('hook'))
    model.forward(ones(1, 2))
    expect(log).toEqual(['hook'])
    expect([String(model), model.parameters().length]).toEqual([text, 2])
    handle.remove()
    const own = (x: Tensor) => x.mul(3)
    module.forward = own
    const again = module.registerForwardHook(() => void log.push('again'))
    expect(values(model.forward(ones(1, 2)))).toEqual([3, 3])
    again.remove()
    expect(module.forward).toBe(own)
  })

  it('see the gradients of inputs and outputs, and may replace those of the inputs', () => {
    const module = layer()
    const x = tensor([[1, 2]], { requiresGrad: true })
    const seen: (readonly (number[] | null)[])[] = []
    const handle = module.registerFullBackwardHook((m, gradInput, gradOutput) => {
      expect(m).toBe(module)
      seen.push(
        gradInput.map((g) => g && values(g)),
        gradOutput.map((g) => g && values(g)),
      )
      return [(gradInput[0] as Tensor).mul(10)]
    })
    module
      .forward(x)
      .mul(tensor([[1, 3]]))
      .sum()
      .backward()
    expect(seen).toEqual([[[4, 4]], [[1, 3]]])
    expect(values(x.grad)).toEqual([40, 40])
    expect(values(module.weight.grad)).toEqual([1, 2, 3, 6])
    handle.remove()
    x.grad = null
    module.forward(x).sum().backward()
    expect(values(x.grad)).toEqual([2, 2])
    expect(seen).toHaveLength(2)
  })

  it('of backward run without a gradient of the inputs, too', () => {
    const module = layer()
    const seen: unknown[] = []
    module.registerFullBackwardHook(
      (_, gradInput, gradOutput) =>
        void seen.push(
          gradInput,
          gradOutput.map((g) => values(g)),
        ),
    )
    module.forward(ones(1, 2)).sum().backward()
    expect(seen).toEqual([[null], [[1, 1]]])
    noGrad(() => module.forward(ones(1, 2)))
    expect(seen).toHaveLength(2)
  })

  it('of backward see several inputs and outputs', () => {
    class Both extends nn.Module {
      override forward(a: Tensor, scale: number, b: Tensor): Tensor[] {
        return [a.mul(scale), a.mul(b)]
      }
    }
    const module = new Both()
    const seen: unknown[] = []
    module.registerFullBackwardHook(
      (_, gradInput, gradOutput) =>
        void seen.push([gradInput, gradOutput].map((gs) => gs.map((g) => g?.item() ?? null))),
    )
    const [a, b] = [tensor(2, { requiresGrad: true }), tensor(5)]
    const [first, second] = module.forward(a, 3, b)
    first.add(second.mul(2)).backward()
    expect(seen).toEqual([
      [
        [13, null, null],
        [1, 2],
      ],
    ])
    expect(a.grad?.item()).toBe(13)
  })

  it('second derivatives pass through them', () => {
    class Cube extends nn.Module {
      override forward(x: Tensor): Tensor {
        return x.pow(3)
      }
    }
    const module = new Cube()
    module.registerFullBackwardHook(() => {})
    const x = tensor(2, { requiresGrad: true })
    module.forward(x).backward(null, { createGraph: true })
    const { grad } = x
    x.grad = null
    grad?.backward()
    expect([grad?.item(), x.grad === null ? null : (x.grad as Tensor).item()]).toEqual([12, 12])
  })
})

describe('copies', () => {
  it('of modules share nothing with the original, and keep modes, hooks and internal sharing', () => {
    class Tied extends nn.Module {
      a = new nn.Linear(2, 2)
      b = new nn.Linear(2, 2)
      runs = 0
      settings = { names: ['x'] }
      constructor() {
        super()
        this.b.weight = this.a.weight
        this.registerBuffer('scale', tensor(2))
      }
      declare scale: Tensor
      override forward(x: Tensor): Tensor {
        this.runs++
        return this.b.forward(this.a.forward(x)).mul(this.scale)
      }
    }
    const module = new Tied()
    const calls: nn.Module[] = []
    module.registerForwardHook((m) => void calls.push(m))
    module.eval()
    const copy = module.clone()
    expect(copy).toBeInstanceOf(Tied)
    expect([copy.b.weight === copy.a.weight, copy.a.weight === module.a.weight]).toEqual([true, false])
    expect(copy.a.weight).toBeInstanceOf(nn.Parameter)
    expect([copy.training, String(copy), String(copy.stateDict())]).toEqual([
      false,
      String(module),
      String(module.stateDict()),
    ])
    noGrad(() => copy.a.weight.fill_(0))
    copy.settings.names.push('y')
    expect(module.settings.names).toEqual(['x'])
    expect(values(module.a.weight)).not.toEqual([0, 0, 0, 0])
    copy.forward(ones(1, 2))
    expect([copy.runs, module.runs]).toEqual([1, 0])
    expect(calls).toEqual([copy])
    expect(copy.namedBuffers().map(([name]) => name)).toEqual(['scale'])
  })

  it('of containers are containers', () => {
    const model: nn.Sequential = new nn.Sequential(new nn.Linear(1, 1), new nn.ReLU())
    const copy = deepCopy(model)
    copy[1] = new nn.Tanh()
    expect([model[1], copy[1]].map(String)).toEqual(['ReLU()', 'Tanh()'])
    expect(copy.forward(ones(1, 1)).shape).toEqual([1, 1])
  })

  it('of tensors: only leaves, with gradients unless they are parameters', () => {
    const x = ones(2, { requiresGrad: true })
    x.sum().backward()
    const [first, second] = deepCopy([x, x])
    expect(first === second).toBe(true)
    expect([first.requiresGrad, ...values(first.grad)]).toEqual([true, 1, 1])
    expect(first.grad === x.grad).toBe(false)
    const p = new nn.Parameter(ones(2))
    p.sum().backward()
    expect(deepCopy(p).grad).toBeNull()
    expectError(() => deepCopy(x.mul(2)), {
      error: 'RuntimeError',
      message: 'Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment',
    })
  })
})

describe('errors of layers', () => {
  const wrong: Readonly<Record<string, () => unknown>> = {
    'no forward': () => new nn.Module().forward(),
    'BatchNorm1d one value': () => new nn.BatchNorm1d(3).forward(ones(1, 3)),
    'BatchNorm1d 4 dimensions': () => new nn.BatchNorm1d(3).forward(ones(1, 3, 1, 1)),
    'BatchNorm1d features': () => new nn.BatchNorm1d(3).forward(ones(2, 4)),
    'Dropout p': () => new nn.Dropout(1.5),
    'Linear sizes': () => new nn.Linear(3, 2).forward(ones(4, 5)),
  }
  for (const [key, fn] of Object.entries(wrong)) it(key, () => expectError(fn, golden.errors[key]))

  it('leave the running statistics unchanged', () => {
    const module = new nn.BatchNorm1d(3)
    const before = String(module.stateDict())
    expect(() => module.forward(ones(1, 3))).toThrow()
    expect(() => module.forward(ones(2, 4))).toThrow()
    expect(String(module.stateDict())).toBe(before)
    module.forward(rand([4, 3]))
    module.resetRunningStats()
    expect(String(module.stateDict())).toBe(before)
  })
})

describe('clipping', () => {
  const leaves = (...gradients: number[][]): Tensor[] =>
    gradients.map((g) => {
      const p = zeros(g.length, { requiresGrad: true })
      p.grad = tensor(g)
      return p
    })

  it('scales all gradients to a common norm', () => {
    const parameters = [...leaves([3, 0], [0, 4]), zeros(1, { requiresGrad: true })]
    expect(nn.utils.clipGradNorm_(parameters, 1).item()).toBe(5)
    expect(parameters.slice(0, 2).map((p) => values(p.grad).map((g) => Number(g.toFixed(5))))).toEqual([
      [0.6, 0],
      [0, 0.8],
    ])
    expect(nn.utils.clipGradNorm_(parameters, 10).item()).toBeCloseTo(1, 5)
    expect(values(parameters[0].grad)[0]).toBeCloseTo(0.6, 5)
  })

  it('by other norms, of one tensor or of none', () => {
    expect(nn.utils.clipGradNorm_(leaves([3, -4]), 100, { normType: 1 }).item()).toBe(7)
    expect(nn.utils.clipGradNorm_(leaves([3, -4], [6]), 3, { normType: Number.POSITIVE_INFINITY }).item()).toBe(6)
    expect(nn.utils.clipGradNorm_(leaves([3, 4])[0], 1).item()).toBe(5)
    expect(nn.utils.clipGradNorm_([], 1).item()).toBe(0)
  })

  it('refuses a norm that is not finite, if asked to', () => {
    const parameters = leaves([Number.NaN])
    expectError(() => nn.utils.clipGradNorm_(parameters, 1, { errorIfNonfinite: true }), {
      error: 'RuntimeError',
      message:
        'The total norm of order 2.0 for gradients from `parameters` is non-finite, so it cannot be clipped. To disable this error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`',
    })
    expect(nn.utils.clipGradNorm_(parameters, 1).item()).toBeNaN()
  })

  it('limits elements', () => {
    const parameters = leaves([3, -4, 0.5])
    nn.utils.clipGradValue_(parameters, 1)
    expect(values(parameters[0].grad)).toEqual([1, -1, 0.5])
  })
})

describe('members', () => {
  it('are found in arrays, maps, sets and plain objects, and saved by their keys', () => {
    class Net extends nn.Module {
      branches = new Map([['left', new nn.Linear(1, 1)]])
      byName = { wide: { first: new nn.Linear(1, 1) }, note: 'x' }
      some = new Set([new nn.Linear(1, 1)])
      list = [[new nn.Linear(1, 1)]]
      loop: unknown[] = []
      constructor() {
        super()
        this.loop.push(this.loop, new nn.Parameter(ones(1)))
      }
    }
    const keys = ['branches.left', 'by_name.wide.first', 'some.0', 'list.0.0'].flatMap((key) => [
      `${key}.weight`,
      `${key}.bias`,
    ])
    const net = new Net()
    expect(net.namedParameters().map(([name]) => name)).toEqual(['loop.1', ...keys])
    expect(net.getSubmodule('byName.wide.first') === net.byName.wide.first).toBe(true)
    const copy = deepCopy(net)
    copy.loadStateDict(new Net().stateDict())
    expect([...copy.stateDict().keys()]).toEqual(['loop.1', ...keys])
    expect(copy.branches.get('left') === net.branches.get('left')).toBe(false)
    expect(String(deepCopy(net).branches.get('left')?.weight)).toBe(String(net.branches.get('left')?.weight))
  })

  it('in #private fields are refused at the first call', () => {
    const teacher = new nn.Linear(1, 1).requiresGrad_(false)
    class Hidden extends nn.Module {
      #layer = new nn.Linear(1, 1)
      override forward(x: Tensor): Tensor {
        return this.#layer.forward(x)
      }
    }
    class Plain extends nn.Module {
      readonly #scale = 2
      private layer = new nn.Linear(1, 1)
      override forward(x: Tensor): Tensor {
        return this.layer.forward(teacher.forward(x)).mul(this.#scale)
      }
    }
    const sentence = 'Hidden calls a Linear that is not one of its members, so its parameters would be neither trained'
    expect(() => new Hidden().forward(ones(1, 1))).toThrow(sentence)
    expect(() => new nn.Sequential(new Plain(), new Hidden()).forward(ones(1, 1))).toThrow(sentence)
    expect(new Plain().forward(ones(1, 1)).shape).toEqual([1, 1])
  })

  it('that are parameters in #private fields are refused, too, at the first call with gradients', () => {
    const shared = new nn.Parameter(ones(1))
    class Hidden extends nn.Module {
      #scale = new nn.Parameter(ones(1))
      override forward(x: Tensor): Tensor {
        return x.mul(this.#scale)
      }
    }
    class Derived extends Hidden {
      override forward(x: Tensor): never {
        return [super.forward(x), x] as never
      }
    }
    class Scaled extends nn.Module {
      readonly #factor = 2
      scale = new nn.Parameter(ones(1))
      override forward(x: Tensor, [weight]: Tensor[], layer: nn.Module): Tensor {
        return layer.forward(x).mul(this.scale).mul(weight).mul(this.#factor)
      }
    }
    const sentence = 'a Parameter that is not one of its members, so it would be neither trained nor saved\nA #private'
    expect(() => new Hidden().forward(ones(1))).toThrow(`Hidden uses ${sentence}`)
    expect(() => new nn.Sequential(new Derived()).forward(ones(1))).toThrow(`Derived uses ${sentence}`)
    expect(() => compile((x: Tensor) => new Hidden().forward(x))(ones(1))).toThrow(`Hidden uses ${sentence}`)
    const late = new Hidden()
    noGrad(() => late.forward(ones(1)))
    expect(() => late.forward(ones(1))).toThrow(sentence)
    const layer = new nn.Linear(1, 1)
    expect(new Scaled().forward(new nn.Parameter(ones(1)).mul(shared), [shared], layer).shape).toEqual([1])
  })

  it('in objects of other classes are lost, as in PyTorch, with a warning', () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {})
    class Helper {
      readonly layer = new nn.Linear(1, 1)
      readonly scale = new nn.Parameter(ones(1))
    }
    class Calling extends nn.Module {
      helper = new Helper()
      override forward(x: Tensor): Tensor {
        return this.helper.layer.forward(x)
      }
    }
    class Using extends Calling {
      override forward(x: Tensor): Tensor {
        return x.mul(this.helper.scale)
      }
    }
    class Both extends Calling {
      own = [this.helper.layer, this.helper.scale]
      override forward(x: Tensor): Tensor {
        return super.forward(x).mul(this.helper.scale)
      }
    }
    for (const module of [new Calling(), new Using(), new Both()])
      for (let call = 0; call < 2; call++) module.forward(ones(1))
    const lines = warned.mock.calls.map(([line]) => String(line))
    warned.mockRestore()
    const end =
      'neither trained nor saved. An object of another class hides it: assign it to a field of the module, too.'
    expect(lines).toEqual([
      `UserWarning: Calling calls a Linear that is not one of its members, so its parameters would be ${end}`,
      `UserWarning: Using uses a Parameter that is not one of its members, so it would be ${end}`,
    ])
  })
})

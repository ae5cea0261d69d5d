// Modules that take other things than one tensor of floats, as in real PyTorch (tools/golden/modules.py), and collections
// of modules and parameters.
import { js } from '@flambeau/backend-js'
import {
  compile,
  deepCopy,
  F,
  grad,
  manualSeed,
  nn,
  ones,
  optim,
  rand,
  Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import { freeing } from '../src/tensor/effects.ts'
import {
  cotangent,
  expectClose,
  expectError,
  type GoldenError,
  type GoldenTensor,
  isGolden,
  type Make,
  made,
  makeModule,
  readGolden,
} from './golden-tensors.ts'

useDevice(js())
// Small gradients are freed as large ones are.
freeing.from = 0

type Tensors = Readonly<Record<string, GoldenTensor>>
type Arg = GoldenTensor | null | readonly Arg[]
interface Call {
  readonly make: Make
  readonly args: readonly Arg[]
}
const golden = readGolden<{
  readonly modules: readonly (Call & {
    readonly text: string
    readonly initial: Tensors
    readonly outputs: readonly GoldenTensor[]
    readonly argGrads: readonly GoldenTensor[]
    readonly grads: Tensors
    readonly after: Tensors
  })[]
  readonly texts: Readonly<Record<string, { readonly text: string; readonly keys: readonly string[] }>>
  readonly assigned: readonly (Partial<GoldenError> & {
    readonly values: readonly (readonly [member: string, value: string])[]
    readonly parameters: readonly string[]
    readonly modules: readonly string[]
    readonly buffers: readonly string[]
  })[]
  readonly errors: readonly (Call & GoldenError)[]
  readonly counts: Readonly<Record<string, string>>
}>('modules')

const argument = (arg: Arg, leaves: Tensor[]): unknown => {
  if (!isGolden(arg)) return arg === null ? null : (arg as readonly Arg[]).map((x) => argument(x, leaves))
  const isFloat = arg.dtype.startsWith('float')
  const x = made(arg, isFloat)
  if (isFloat) leaves.push(x)
  return x
}
const called = (module: nn.Module, args: readonly unknown[]): Tensor[] => {
  const found: unknown = module.forward(...args)
  return found instanceof Tensor ? [found] : Object.values(found as object)
}
/** It reads the class numbers. */
const reading = 'AdaptiveLogSoftmaxWithLoss'
const shapesOf = (arg: Arg): string =>
  isGolden(arg) ? `${arg.dtype}[${arg.shape}]` : arg === null ? 'null' : `[${arg.map(shapesOf)}]`
const title = ({ make, args }: Call): string => `${JSON.stringify(make)} on ${args.map(shapesOf).join(', ')}`

function expectAll(found: Iterable<readonly [string, Tensor]>, wanted: Tensors, tolerance: number, what: string): void {
  const all = new Map(found)
  for (const [key, value] of Object.entries(wanted)) expectClose(all.get(key), value, tolerance, `${what}: ${key}`)
}

describe('modules as in PyTorch', () => {
  golden.modules.forEach((record, n) => {
    const { make, args, text, initial, outputs, argGrads, grads, after } = record
    it(`${n}: ${title(record)}`, () => {
      manualSeed(0)
      const module = makeModule(make)
      expect(String(module)).toBe(text)
      expect([...module.stateDict().keys()]).toEqual(Object.keys(initial))
      expectAll(module.stateDict(), initial, 1e-7, 'initial')
      const leaves: Tensor[] = []
      const given = args.map((arg) => argument(arg, leaves))
      const step = compile(() => called(deepCopied, given))
      const deepCopied = deepCopy(module)
      const found = called(module, given)
      if (make[0] === reading)
        expect(() => step()).toThrow(/^AdaptiveLogSoftmaxWithLoss, which reads the class numbers/)
      else {
        for (let k = 0; k < 4; k++) step()
        step().forEach((y, k) => void expectClose(y, outputs[k], 1e-6, `recorded output ${k}`))
      }
      found.forEach((y, k) => void expectClose(y, outputs[k], 1e-6, `output ${k}`))
      found.reduce((sum, y, k) => sum.add(y.mul(cotangent(y, k)).sum()), zeros([])).backward()
      argGrads.forEach((wanted, k) => void expectClose(leaves[k].grad, wanted, 2e-6, `gradient of input ${k}`))
      const parameters = module.namedParameters().map(([key, p]) => [key, p.grad as Tensor] as const)
      expectAll(parameters, grads, 2e-6, 'gradient')
      expectAll(module.stateDict(), { ...initial, ...after }, 1e-6, 'after')
    })
  })

  golden.errors.forEach((record, n) => {
    it(`${n}: ${title(record)}: ${record.message}`, () => {
      expectError(
        () =>
          called(
            makeModule(record.make),
            record.args.map((arg) => argument(arg, [])),
          ),
        record,
      )
    })
  })
})

class Members extends nn.Module {
  myParameter: unknown = new nn.Parameter(ones(2))
  noParameter: unknown
  myBuffer: unknown
  myModule: unknown = new nn.ReLU()
  plain: unknown = 1
  constructor() {
    super()
    this.registerParameter('noParameter', null)
    this.registerBuffer('myBuffer', ones(2))
  }
  override forward(x: Tensor): Tensor {
    return x
  }
}
const values: Readonly<Record<string, () => unknown>> = {
  tensor: () => ones(2),
  float64: () => ones(2).double(),
  int: () => 3,
  list: () => [1],
  str: () => 'x',
  null: () => null,
  parameter: () => new nn.Parameter(zeros(2)),
  module: () => new nn.Tanh(),
}
const camel = (name: string): string => name.replace(/_(.)/, (_, letter: string) => letter.toUpperCase())
/** After each of these a module refuses what cannot take the place of its members. */
const seen: Readonly<Record<string, (module: Members) => Members>> = {
  'a call': (module) => {
    module.forward(ones(1))
    return module
  },
  'parameters()': (module) => {
    module.parameters()
    return module
  },
  'a copy': (module) => deepCopy(module),
}

describe('members keep their kind, as in PyTorch', () => {
  it.each(Object.entries(seen))('after %s', (_, see) => {
    golden.assigned.forEach(({ values: assigned, message, error, parameters, modules, buffers }) => {
      const module = see(new Members())
      const assign = (): void => {
        for (const [member, value] of assigned) {
          Reflect.set(module, camel(member), values[value]())
          // A property that was plain shows its kind when members are looked for.
          module.namedModules()
        }
      }
      const label = JSON.stringify(assigned)
      if (message === undefined) assign()
      else expectError(assign, { message, error } as GoldenError)
      const names = (all: readonly (readonly [string, unknown])[]): string[] => all.map(([name]) => name)
      const found = {
        parameters: names(module.namedParameters()),
        modules: names(module.namedModules().slice(1)),
        buffers: names(module.namedBuffers()),
      }
      expect(found, label).toEqual({ parameters, modules, buffers })
    })
  })

  it('every layer refuses a tensor in place of its parameters as soon as it is made', () => {
    let count = 0
    for (const { make } of [...golden.modules, ...readGolden<{ layers: readonly Call[] }>('layers').layers]) {
      const module = makeModule(make)
      for (const [name, member] of Object.entries(module)) {
        if (!(member instanceof nn.Parameter)) continue
        count++
        expect(() => Reflect.set(module, name, ones(1)), `${title({ make, args: [] })}: ${name}`).toThrow(
          /^cannot assign 'torch.FloatTensor' as parameter '\w+' \(torch.nn.Parameter or None expected\)\nReplace/,
        )
        expect(Reflect.get(module, name)).toBe(member)
      }
    }
    expect(count).toBeGreaterThan(20)
  })

  it('a layer without a bias refuses a tensor as one, and takes a parameter', () => {
    const layer = new nn.Linear(2, 2, { bias: false })
    expect(() => Reflect.set(layer, 'bias', ones(2))).toThrow(/^cannot assign 'torch.FloatTensor' as parameter 'bias'/)
    layer.bias = new nn.Parameter(ones(2))
    expect([...layer.stateDict().keys()]).toEqual(['weight', 'bias'])
  })

  it('a module of a container is refused by its index, and a deleted member is free', () => {
    const model = new nn.Sequential(new nn.ReLU())
    expect(() => Reflect.set(model, -1, ones(2))).toThrow(/^cannot assign 'torch.FloatTensor' as child module '0'/)
    const module = seen['a call'](new Members())
    Reflect.deleteProperty(module, 'myParameter')
    module.myParameter = 3
    expect([module.parameters(), module.myParameter]).toEqual([[], 3])
  })

  it('tensors that stand in for a while, and computed ones, leave members as they were', () => {
    const layer = new nn.Linear(1, 1, { bias: false })
    const { weight } = layer
    const other = new nn.Parameter(tensor([[3]]))
    expect(nn.utils.stateless.functionalCall(layer, { weight: other }, ones(1, 1)).item()).toBe(3)
    expect(layer.weight).toBe(weight)
    nn.utils.removeWeightNorm(nn.utils.weightNorm(layer))
    expect(layer.parameters()[0]).toBe(layer.weight)
    expect(() => Reflect.set(layer, 'weight', ones(1, 1))).toThrow(/^cannot assign/)
  })
})

describe('a forward pass takes no more arguments than PyTorch’s', () => {
  const given = Array.from({ length: 10 }, () => ones(1))
  for (const [name, message] of Object.entries(golden.counts)) {
    const layer = (nn as unknown as Record<string, abstract new () => nn.Module>)[name]
    if (layer === undefined) continue
    it(name, () => {
      const module: nn.Module = Reflect.construct(nn.Module, [], layer)
      expect(() => module.forward(...given)).toThrow(message)
    })
  }

  it('unless they are undefined, and those of a program’s own modules', () => {
    class Own extends nn.Linear {
      override forward(x: Tensor, ...more: Tensor[]): Tensor {
        return super.forward(more.reduce((sum, y) => sum.add(y), x))
      }
    }
    class Renamed extends nn.Linear {}
    const wrong = new Renamed(1, 1) as nn.Module
    expect(new Own(1, 1).forward(ones(1), ones(1)).shape).toEqual([1])
    expect(wrong.forward(ones(1), undefined).shape).toEqual([1])
    const sentence = 'Renamed.forward() takes 2 positional arguments but 3 were given'
    expect(() => wrong.forward(ones(1), 3)).toThrow(sentence)
    expect(() => compile((x: Tensor) => wrong.forward(x, { bias: false }))(ones(1))).toThrow(sentence)
  })
})

it('a table that is given is shared, and frozen unless told otherwise', () => {
  const table = tensor([[1, 2, 3], [4, 5, 6]]) // biome-ignore format: a table
  const word = tensor([1], { dtype: 'int32' })
  for (const kind of [nn.Embedding, nn.EmbeddingBag]) {
    const [frozen, free] = [kind.fromPretrained(table), kind.fromPretrained(table, { freeze: false })]
    expect([frozen.weight.requiresGrad, free.weight.requiresGrad]).toEqual([false, true])
    expect(frozen.weight.storage).toBe(table.storage)
    expect(() => kind.fromPretrained(ones(3))).toThrow('Embeddings parameter is expected to be 2-dimensional')
  }
  expect(nn.Embedding.fromPretrained(table).forward(word).tolist()).toEqual([[4, 5, 6]])
  expect(() => new nn.Embedding(2, 3, { sparse: true })).toThrow('sparse gradients are not supported')
  expect(() => new nn.Embedding(3, 2, { _weight: table })).toThrow(/^Shape of weight does not match/)
})

it('the gradient of CTC has no gradient, and targets in a row need lengths that are known', () => {
  const logProbs = rand(4, 2, 3).logSoftmax(2).detach().setRequiresGrad(true)
  const rows = tensor([1, 2, 1], { dtype: 'int32' })
  const [first] = grad(F.ctcLoss(logProbs, rows, [4, 3], [2, 1]), [logProbs], { createGraph: true })
  expect(() => grad(first.sum(), [logProbs])).toThrow('derivative for aten::_ctc_loss_backward is not implemented')
  const lengths = tensor([2, 1], { dtype: 'int32' })
  const step = compile((): Tensor => F.ctcLoss(logProbs, rows, [4, 3], lengths))
  expect(() => step()).toThrow(/of targets one after the other, whose shape depends on a tensor of lengths, cannot be/)
  expect(() => F.ctcLoss(logProbs, tensor([[5], [1]], { dtype: 'int32' }), [4, 4], [1, 1])).toThrow(/^Expected targets/)
  expect(() => F.ctcLoss(logProbs, rows, [4, -1], [2, 1])).toThrow(/^Expected input_lengths to have value at least 0/)
})

it('adaptive softmax: all classes, and the most probable one', () => {
  const layer = new nn.AdaptiveLogSoftmaxWithLoss(4, 9, [3, 5], { headBias: true })
  const x = rand(6, 4)
  const all = layer.logProb(x)
  expect(all.exp().sum(1).sub(1).abs().max().item()).toBeLessThan(1e-6)
  for (let c = 0; c < 9; c++) {
    const target = zeros(6).add(c).int()
    expect(layer.forward(x, target).output.sub(all.select(1, c)).abs().max().item()).toBeLessThan(1e-6)
  }
  const head = layer.head.forward(x).argmax(1).toArray()
  const best = all.argmax(1).toArray()
  expect(Array.from(layer.predict(x).toArray())).toEqual(Array.from(head, (c, i) => (c < 3 ? c : best[i])))
})

/** Modules as fields of a Sequential: they run in their order. */
class Transition extends nn.Sequential {
  norm = new nn.LayerNorm(2)
  out = new nn.Linear(2, 3)
}

class Scaled extends nn.Sequential {
  scale = new nn.Parameter(ones(2))
  last = new nn.Linear(2, 3)

  constructor() {
    super(new nn.Linear(2, 2), new nn.Tanh())
  }
}

function built(): nn.Sequential {
  const model = new nn.Sequential(new nn.Linear(2, 2)) as nn.Sequential & { last?: nn.Module }
  model.addModule('relu_1', new nn.ReLU())
  model.addModule('7', new nn.Linear(2, 4))
  model.append(new nn.Tanh())
  model.last = new nn.Linear(4, 5)
  model.append(new nn.Sigmoid())
  model.addModule('relu_1', new nn.ELU())
  model.last = new nn.Linear(4, 6)
  return model
}

/** A block of modules by name, with a forward pass of its own. */
class Dense extends nn.ModuleDict {
  constructor() {
    super()
    for (const name of ['first', 'second']) this.addModule(name, new nn.Linear(2, 2))
  }

  override forward(x: Tensor): Tensor {
    return this.values().reduce((y: Tensor, module) => y.add(module.forward(y)), x)
  }
}

function withModule<M extends nn.Module>(container: M): M {
  container.addModule('more', new nn.Tanh())
  return container
}

class Holder extends nn.Module {
  child: nn.Module | null = new nn.Linear(2, 1)
  other: nn.Module | null = new nn.ReLU()
  none: nn.Module | null = null
}

// Types know what a container holds, so it takes a null only as `any`.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Any = any
const after = (made: nn.Module, ...changes: ((module: Any) => unknown)[]): Any => {
  for (const change of changes) {
    // A property that was plain shows its kind when members are looked for.
    made.namedModules()
    change(made)
  }
  return made
}
const put =
  (key: number | string, value: unknown = null) =>
  (module: Any) => {
    module[key] = value
  }
const pop = (key: number) => (module: Any) => module.pop(key)
const one = (): nn.Linear => new nn.Linear(2, 1)
const three = (): nn.Module[] => [one(), new nn.ReLU(), one()]
const list = (modules: Any = three()): nn.ModuleList => new nn.ModuleList(modules)
const pair = (): nn.Module => new nn.Sequential({ a: one(), b: new nn.ReLU() })

/** What PyTorch prints as None, and modules that were popped. */
const changed: Record<string, () => nn.Module> = {
  'ModuleList, the first taken away': () => after(list(), put(0)),
  'ModuleList, the last taken away': () => after(list(), put(-1)),
  'ModuleList, taken away and replaced': () => after(list(), put(0), put(0, new nn.Tanh())),
  'ModuleList without its only module': () => after(list([one()]), put(0)),
  'ModuleList that is given none': () =>
    after(
      list([null, one()]),
      (m) => m.append(null),
      (m) => m.extend([null, one()]),
      (m) => m.insert(1, null),
    ),
  'ModuleList, a part': () => list().slice(1),
  'Sequential that grows, modules added': () => built().extend([new nn.ELU(), new nn.CELU()]),
  'ModuleList, popped': () => after(list(), put(2), pop(0)),
  'ModuleList, a module by name taken away': () => after(withModule(list([one()])), put('more')),
  'ModuleList, modules by name and a popped one': () =>
    after(withModule(list()), pop(0), (m) => m.extend([new nn.ELU()])),
  'Sequential, the last taken away': () => after(new nn.Sequential(...three()), put(-1)),
  'Sequential, a part with one taken away': () => after(new nn.Sequential(...three()), put(1)).slice(0, 2),
  'Sequential by name, one taken away': () => after(pair(), put('a')),
  'Sequential by name, popped': () => after(pair(), pop(0)),
  'Sequential, extended and inserted into': () =>
    after(
      new nn.Sequential(...three()),
      (m) => m.extend([new nn.Tanh()]),
      (m) => m.insert(1, new nn.ELU()),
    ),
  'Sequential, a field taken away': () => after(new Transition(), put('norm')),
  'Sequential, a field taken away by its index': () => after(new Transition(), put(-1)),
  'Sequential with fields, popped': () => after(new Transition(), pop(-1)),
  'ModuleDict, one taken away': () =>
    after(new nn.ModuleDict({ first: one(), last: new nn.ReLU() }), (m) => m.set('first', null)),
  'ModuleDict that is given none': () =>
    after(
      new nn.ModuleDict({ first: null } as Any),
      (m) => m.update({ second: null }),
      (m) => m.set('third', null),
    ),
  'Module, a child taken away': () => after(new Holder(), put('child')),
  'Module, a child taken away and replaced': () => after(new Holder(), put('child'), put('child', new nn.Tanh())),
  'Module, all children taken away, one added as none': () =>
    after(new Holder(), put('child'), put('other'), (m) => m.registerModule('more', null)),
  'Module, a null that becomes a child': () => after(new Holder(), put('none', new nn.Tanh()), put('none')),
  'Module, a child taken away and deleted': () => after(new Holder(), put('child'), (m) => delete m.child),
}

describe('collections', () => {
  const linear = (): nn.Linear => new nn.Linear(2, 1)
  const collections: Record<string, () => nn.Module> = {
    ModuleDict: () => new nn.ModuleDict({ first: linear(), lastOne: new nn.ReLU() }),
    'ModuleDict of nothing': () => new nn.ModuleDict(),
    ParameterDict: () => new nn.ParameterDict({ left: ones(2, 3), rightOne: ones(2).double() }),
    'ParameterDict of one': () => new nn.ParameterDict(new Map([['left', ones([])]])),
    ParameterList: () => new nn.ParameterList([ones(2, 3), new nn.Parameter(ones(2))]),
    'ParameterList of nothing': () => new nn.ParameterList(),
    'Sequential with fields': () => new Transition(),
    'Sequential with modules and fields': () => new Scaled(),
    'Sequential that grows': built,
    'Sequential that grows, a part': () => built().slice(1, -1),
    'ModuleDict with a forward pass': () => new Dense(),
    ...changed,
    'ModuleList with a module by name': () => withModule(new nn.ModuleList([linear()])),
    'ModuleDict with a module by name': () => withModule(new nn.ModuleDict({ first: linear() })),
  }
  for (const [name, { text, keys }] of Object.entries(golden.texts)) {
    it(`${name} prints and is saved as in PyTorch, and its copy too`, () => {
      const collection = collections[name]()
      for (const one of [collection, deepCopy(collection)]) {
        expect(String(one)).toBe(text)
        expect([...one.stateDict().keys()]).toEqual(keys)
      }
      const copied = deepCopy(collection).parameters()
      expect(collection.parameters().some((p) => copied.includes(p))).toBe(false)
    })
  }

  it('what was taken away keeps its place, and a forward pass that needs it throws PyTorch’s error', () => {
    const model = after(new nn.Sequential(...three()), put(1))
    expect([model.length, model[1], model.at(-2), [...model][1]]).toEqual([3, null, null, null])
    expect(model.namedChildren().map(([name]: [string]) => name)).toEqual(['0', '2'])
    expect(() => model.forward(ones(1, 2))).toThrow("'NoneType' object is not callable\nModule 1 was taken away.")
    expect(() => model.getSubmodule('1')).toThrow('`1` is not an nn.Module')
    expect(() => put(1, 3)(model)).toThrow("cannot assign 'int' as child module '1' (torch.nn.Module or None expected)")
    const state = model.stateDict()
    expect(String(model.loadStateDict(state))).toBe('<All keys matched successfully>')
    model[1] = new nn.Flatten()
    model[2] = new nn.Identity()
    expect(model.forward(ones(1, 2)).shape).toEqual([1, 1])
    const step = compile((x: Tensor) => model.forward(x))
    step(ones(1, 2))
    expect(model.pop(0)).toBeInstanceOf(nn.Linear)
    for (let call = 0; call < 3; call++) expect(step(ones(1, 2)).shape).toEqual([1, 2])
    expect(() => model.pop(2)).toThrow('index 2 is out of range')
    expect(() => model.extend([new nn.ReLU(), 3])).toThrow('int is not a Module subclass')
    expect(() => model.insert(0, 3)).toThrow('int is not a Module subclass')
    expect([model.length, String(model[0])]).toEqual([2, 'Flatten(start_dim=1, end_dim=-1)'])
  })

  it('a Sequential runs its list and then its fields, compiled too, and an added one from the next call on', () => {
    const model = new Transition() as Transition & { act?: nn.Module }
    const x = rand(4, 2)
    const step = compile((v: Tensor) => model.forward(v))
    const byHand = (): Tensor => model.out.forward(model.norm.forward(x))
    for (let i = 0; i < 3; i++) expect(step(x).equal(byHand())).toBe(true)
    model.act = new nn.Tanh()
    for (let i = 0; i < 3; i++) expect(step(x).equal(byHand().tanh())).toBe(true)
    expect([model.length, model[-1], [...model].length]).toEqual([3, model.act, 3])
    model.forward(x).sum().backward()
    expect(model.parameters().every((p) => p.grad !== null)).toBe(true)
  })

  it('a dictionary of modules has PyTorch’s methods, and its modules as properties', () => {
    const [first, second] = [linear(), linear()]
    const layers = new nn.ModuleDict({ first })
    expect(layers.first).toBe(first)
    layers.update({ second }).set('act', new nn.ReLU())
    expect([layers.length, [...layers], layers.keys()]).toEqual([3, layers.keys(), ['first', 'second', 'act']])
    expect([layers.has('second'), layers.get('second'), layers.get('none')]).toEqual([true, second, null])
    expect(layers.items().map(([name]) => name)).toEqual(layers.keys())
    layers.first = second
    expect(layers.values()[0]).toBe(second)
    expect(layers.pop('first')).toBe(second)
    expect([layers.keys(), 'first' in layers]).toEqual([['second', 'act'], false])
    expect(new nn.ModuleDict(layers.items()).keys()).toEqual(['second', 'act'])
    layers.clear()
    expect([layers.length, layers.parameters()]).toEqual([0, []])
  })

  it('what does not belong is refused, and nothing has changed', () => {
    const layers = new nn.ModuleDict({ first: linear() })
    const weights = new nn.ParameterDict({ first: ones(1) })
    const list = new nn.ParameterList([ones(1)])
    const wrong: [() => unknown, string][] = [
      [() => layers.update({ second: linear(), third: 1 as never }), 'int is not a Module subclass'],
      [() => layers.set('a.b', linear()), 'module name can\'t contain ".", got: a.b'],
      [() => layers.update({ second: linear(), keys: linear() }), "attribute 'keys' already exists"],
      [() => layers.update([1] as never), 'ModuleDict update sequence element #0 should be Iterable; isint'],
      [() => layers.update(1 as never), 'ModuleDict.update should be called with an iterable of key/value pairs, but'],
      [() => layers.set(1 as never, linear()), 'module name should be a string. Got int'],
      [() => layers.pop('b'), "'b'"],
      [() => (layers.first = 1 as never), 'int is not a Module subclass'],
      [() => weights.set('x', 1 as never), "cannot assign 'int' object to parameter 'x' of ParameterDict"],
      [() => weights.set(1 as never, ones(1) as never), 'Index given to ParameterDict cannot be used as a key'],
      [() => weights.update(1 as never), 'ParametersDict.update should be called with an iterable of key/value pairs'],
      [() => weights.forward(), 'ParameterDict should not be called.'],
      [() => list.forward(), 'ParameterList should not be called.'],
      [() => list.extend([ones(1), 1 as never]), "cannot assign 'int' object to parameter '2' of ParameterList"],
      [() => list.extend(1 as never), 'ParameterList.extend should be called with an iterable, but got int'],
      [() => list.at(1), 'index 1 is out of range'],
      [() => list.append(zeros(1).int()), 'Only Tensors of floating point and complex dtype can require gradients'],
    ]
    for (const [fn, message] of wrong) expect(fn, message).toThrow(message)
    expect([layers.keys(), weights.keys(), list.length]).toEqual([['first'], ['first'], 1])
  })

  it('tensors become parameters, by name and by number', () => {
    const weights = new nn.ParameterDict({ left: ones(2) })
    weights.set('right', zeros(3) as nn.Parameter)
    const list = new nn.ParameterList([ones(2)]).append(zeros(3)).extend([ones(1)])
    expect([weights.left, weights.get('right'), list[1], list.at(-1)].every((p) => p instanceof nn.Parameter)).toBe(
      true,
    )
    expect(Array.from(list, (p) => p.shape[0])).toEqual([2, 3, 1])
    list[0] = ones(7) as nn.Parameter
    expect(list[0]).toBeInstanceOf(nn.Parameter)
    expect([list.at(0).shape, list.length, list.parameters().length]).toEqual([[7], 3, 3])
  })

  it('dictionaries of parameters have the methods of those of Python', () => {
    const weights = new nn.ParameterDict({ left: ones(2) })
    const { left } = weights
    expect(weights.setdefault('left', zeros(3))).toBe(left)
    const right = weights.setdefault('right', zeros(3))
    expect([right instanceof nn.Parameter, weights.get('right') === right, weights.keys()]).toEqual([
      true,
      true,
      ['left', 'right'],
    ])
    const copy = weights.copy()
    const [name, last] = weights.popitem()
    expect([name, last === right]).toEqual(['right', true])
    expect([copy.keys(), copy.get('left') === left, weights.keys()]).toEqual([['left', 'right'], true, ['left']])
    const made = weights.fromkeys(['a', 'b'], ones(1))
    expect(made.items().map(([name, p]) => [name, p.shape])).toEqual([
      ['a', [1]],
      ['b', [1]],
    ])
    expect(() => new nn.ParameterDict().popitem()).toThrow("'popitem(): dictionary is empty'")
  })

  it('a recorded step sees the members that are there, and those that come later', () => {
    class Model extends nn.Module {
      layers = new nn.ModuleDict({ first: new nn.Linear(2, 2) })
      scales = new nn.ParameterList([ones(2)])
      override forward(x: Tensor): Tensor {
        let y = x
        for (const layer of this.layers.values()) y = layer.forward(y)
        for (const scale of this.scales) y = y.mul(scale)
        return y
      }
    }
    const model = new Model()
    const x = rand(3, 2)
    const step = compile(() => model.forward(x))
    const same = (): void => expect(step().tolist()).toEqual(model.forward(x).tolist())
    for (let k = 0; k < 4; k++) same()
    model.layers.first = new nn.Linear(2, 2)
    same()
    model.scales.append(tensor([2, 3]))
    same()
    model.layers.set('second', new nn.Tanh())
    same()
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 })
    expect(optimizer.paramGroups[0].params.length).toBe(4)
  })
})

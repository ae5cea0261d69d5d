// A tensor without dimensions on js meets tensors of another device in every elementwise op, in each position: the values
// are those of one device, and the gradient comes back to js. All else is refused with PyTorch's sentence.
import { js } from '@flambeau/backend-js'
import * as core from '@flambeau/core'
import { compile, matmul, noGrad, ones, registerDevice, Tensor, tensor, useDevice } from '@flambeau/core'
import type { Backend } from '@flambeau/core/backend'
import { expect, it } from 'vitest'

useDevice(js())
const own = js()
const other = new Proxy(own, {
  get: (_, name) => {
    if (name === 'name') return 'other'
    const value = own[name as keyof Backend]
    return typeof value === 'function' ? value.bind(own) : value
  },
})
registerDevice(other as Backend)

type Fn = (...x: unknown[]) => unknown
const functions = new Map<string, Fn>()
for (const space of [core, core.special])
  for (const [name, fn] of Object.entries(space))
    if (typeof fn === 'function' && 'resolve' in fn) functions.set(name, fn as Fn)
functions.set('where', core.where as Fn)

/** Numbers that are in the domain of all functions, in a dtype. */
const values: readonly [dtype: core.DType, elements: readonly (number | boolean)[], alone: number | boolean][] = [
  ['float32', [0.25, 0.5, 0.75, 0.5], 0.5],
  ['int32', [1, 2, 3, 2], 2],
  ['bool', [true, false, true, true], true],
]

interface Outcome {
  readonly value: Tensor
  readonly grads: readonly (Tensor | null)[]
}
const places = [2, 3].flatMap((count) => Array.from({ length: count }, (_, at) => ({ count, at })))
/** What a function gives for operands of which one is a number on js, and the gradients; the others are on `device`. */
function outcomeOf(name: string, fn: Fn, count: number, at: number, device: string, kind: number): Outcome | undefined {
  const [dtype, elements, alone] = values[kind]
  const operands = Array.from({ length: count }, (_, i) => {
    const asBool = name === 'where' && i === 0
    const [type, all, one] = asBool ? values[2] : [dtype, elements, alone]
    const x = i === at ? tensor(one as number, { dtype: type }) : tensor(all as number[], { dtype: type, device })
    return type === 'float32' ? x.setRequiresGrad(true) : x
  })
  let value: unknown
  try {
    value = fn(...operands)
    if (value instanceof Tensor && value.requiresGrad) value.sum().backward()
  } catch (error) {
    if (/same device/.test((error as Error).message))
      throw new Error(`${name} ${count} ${at} ${dtype}`, { cause: error })
    return undefined
  }
  if (!(value instanceof Tensor)) return undefined
  return { value, grads: operands.map(({ grad }) => grad) }
}

it('every elementwise function takes a number on js, in each place, and returns its gradient to js', () => {
  const taken = new Set<string>()
  for (const [name, fn] of functions)
    for (const { count, at } of places)
      for (const kind of [0, 1, 2]) {
        const wanted = outcomeOf(name, fn, count, at, 'js', kind)
        if (wanted === undefined) continue
        const found = outcomeOf(name, fn, count, at, 'other', kind) as Outcome
        expect([name, found.value.device, String(found.value.cpu().tolist()), found.value.dtype]).toEqual([
          name,
          'other',
          String(wanted.value.tolist()),
          wanted.value.dtype,
        ])
        expect([name, found.grads.map((grad) => grad?.device)]).toEqual([
          name,
          wanted.grads.map((grad, i) => (grad === null ? undefined : i === at ? 'js' : 'other')),
        ])
        const elements = ({ grads }: Outcome): string => String(grads.map((grad) => grad?.cpu().tolist()))
        expect([name, elements(found)]).toEqual([name, elements(wanted)])
        taken.add(name)
      }
  expect(taken.size).toBeGreaterThan(50)
  for (const name of ['mul', 'sub', 'where', 'lerp', 'addcmul', 'lt', 'bitwiseAnd']) expect(taken).toContain(name)
})

it('in-place forms, updates and second gradients take a number on js', () => {
  const x = tensor([1, 2], { device: 'other' })
  const [one, half] = [tensor(1), tensor(0.5, { requiresGrad: true })]
  expect(x.sub_(one).tolist()).toEqual([0, 1])
  expect(x.at(0).add_(one).device).toBe('other')
  expect(x.tolist()).toEqual([1, 1])
  noGrad(() => x.mul_(half))
  const y = tensor([2, 3], { device: 'other' })
  const [dx] = core.grad(y.mul(half).mul(half).sum(), half, { createGraph: true })
  dx.backward()
  expect([dx.item(), half.grad?.item(), half.grad?.device]).toEqual([5, 10, 'js'])
})

it('all else is refused with PyTorch’s sentence, and nothing is changed', () => {
  const x = ones(2, { device: 'other' })
  const [number, row] = [tensor(1), ones(2)]
  const refusal = 'Expected all tensors to be on the same device'
  for (const call of [
    () => x.add(row),
    () => row.add(tensor(1, { device: 'other' })),
    () => number.add_(tensor(1, { device: 'other' })),
    () => row.mul_(tensor(2, { device: 'other' })),
    () => matmul(x, row),
    () => core.cat([x, row]),
  ])
    expect(call).toThrow(refusal)
  expect([number.tolist(), row.tolist(), x.tolist()]).toEqual([1, [1, 1], [1, 1]])
})

it('a compiled step says that it takes tensors of its device only', () => {
  const x = ones(2, { device: 'other' })
  useDevice(other as Backend)
  try {
    const number = tensor(2, { device: 'js' })
    const step = compile(() => x.mul(number))
    expect(() => step()).toThrow('inside a compiled step')
  } finally {
    useDevice(own)
  }
})

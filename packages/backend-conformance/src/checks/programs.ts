// Random programs of creation, views, writes, joins, products, reductions and gradients, compared with PyTorch (the
// head of tools/golden/programs.py describes their format): values, shapes, dtypes, requiresGrad, gradients, and class
// and message of errors.
import { cat, F, grad, noGrad, Slice, stack, Tensor, tensor, where } from '@flambeau/core'
import type { Backend } from '@flambeau/core/backend'
import { readGolden } from '../golden.ts'
import type { Case } from '../subject.ts'
import type { Tolerance } from '../tolerances.ts'

type Argument = string | number | boolean | null | readonly Argument[] | { readonly [key: string]: Argument }
type Instruction = readonly [name: string, ...args: Argument[]]
interface Program {
  readonly p: readonly Instruction[]
  /** A string for a tensor or an error, two for a leaf with a gradient, null for an instruction without a result. */
  readonly r: readonly (string | readonly [string, string] | null)[]
}

type Method = (...args: unknown[]) => unknown
const camel = (name: string): string => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
const method = (x: Tensor, name: string, ...args: unknown[]): unknown =>
  (x as unknown as Record<string, Method>)[name](...args)
const isOptions = (x: unknown): x is Record<string, unknown> =>
  x !== null && typeof x === 'object' && Object.getPrototypeOf(x) === Object.prototype

/** A fixed scalar function of a tensor, whose gradient is the cotangent. */
const scalar = (x: Tensor): Tensor =>
  x.mul(tensor(Array.from({ length: x.numel() }, (_, i) => (((i * 7 + 3) % 11) - 5) / 4)).reshape(x.sizes)).sum()

const range = (x: Tensor, dim: number, slice: ReturnType<typeof Slice>): unknown[] => [
  ...Array.from({ length: dim < 0 ? dim + x.dim() : dim }, () => Slice()),
  slice,
]

/** Runs the instructions of a program; `made` holds the tensors by the instruction that made them. */
class Machine {
  readonly made: (Tensor | undefined)[] = []
  readonly #leaves: Tensor[] = []

  #value(x: Argument): unknown {
    if (typeof x === 'string') return this.made[Number(x.slice(1))]
    if (!Array.isArray(x)) return x
    const [first, rest] = x
    if (first === 'gt') return (this.#value(rest) as Tensor).gt(0)
    if (first === 'tr') return (this.#value(rest) as Tensor).transpose(-1, -2)
    if (first === 'idx') return tensor(rest as number[], { dtype: 'int32' })
    return x.map((y: Argument) => this.#value(y))
  }

  #make([name, ...args]: Instruction): unknown {
    if (name === 'leaf') {
      const [shape, values, wants] = args as [number[], number[], number]
      const leaf = tensor(values).reshape(shape).clone()
      if (wants) leaf.requiresGrad = true
      this.#leaves.push(leaf)
      return leaf
    }
    const given = args.map((x) =>
      isOptions(x) ? Object.fromEntries(Object.entries(x).map(([k, y]) => [camel(k), y])) : this.#value(x),
    )
    const [x, ...rest] = given as [Tensor, ...unknown[]]
    const [a, b, c, d] = rest as number[]
    switch (name) {
      case 'cut':
        return method(x, 'at', ...range(x, a, Slice(b, c, d)))
      case 'put':
        return void method(x, 'setAt', range(x, a, Slice(b, c)), rest[3])
      case 'diag2':
        return x.unfold(0, 2, 2)
      case 'pad':
        return F.pad(x, rest[0] as number[], { value: b })
      case 'quiet_':
        return void noGrad(() => x.mul_(a))
      case 'backward':
        return void scalar(x).backward(undefined, { retainGraph: a === 1 })
      case 'second': {
        const wanted = this.#leaves.filter((leaf) => leaf.requiresGrad)
        const found = grad(scalar(x), wanted, { createGraph: true, allowUnused: true })
        const squares = found.flatMap((g) => (g === null ? [] : [g.mul(g).sum()]))
        // Whether a constant first derivative has a graph depends on how its rule is written.
        if (squares.some((x) => x.requiresGrad))
          squares.reduce((p, q) => p.add(q)).backward(undefined, { retainGraph: true })
        return undefined
      }
      case 'cat':
        return cat(given[0] as Tensor[], a)
      case 'stack':
        return stack(given[0] as Tensor[], a)
      case 'where':
        return where(x, rest[0] as Tensor, rest[1] as Tensor)
    }
    const out = method(x, camel(name), ...rest)
    if (name.endsWith('_')) return undefined
    return out instanceof Tensor ? out : (out as { values: Tensor }).values
  }

  /** Runs one instruction; returns the error that it threw, in the golden file's format. */
  async step(instruction: Instruction, backend: Backend): Promise<string | undefined> {
    this.made.push(undefined)
    try {
      const out = this.#make(instruction)
      // Some backends check only when they synchronize.
      await backend.sync()
      if (out instanceof Tensor) this.made[this.made.length - 1] = out
      return undefined
    } catch (error) {
      const { name, message } = error as Error
      return `!${name}: ${message.split('\n')[0]}`
    }
  }
}

const letters = { float32: 'f', float64: 'f', int32: 'i', uint8: 'u', bool: 'b' }
const numbers: Readonly<Record<string, number>> = {
  n: Number.NaN,
  i: Number.POSITIVE_INFINITY,
  '-i': Number.NEGATIVE_INFINITY,
}

/** The difference between a tensor and its golden string. */
const differs = async (x: Tensor, told: string, [relative, absolute]: Tolerance): Promise<string | undefined> => {
  const [sizes, kind, ...values] = told.split(' ')
  const is = `${x.sizes.join('x')} ${letters[x.dtype]}${x.requiresGrad ? 'g' : ''}`
  if (is !== `${sizes} ${kind}`) return `is "${is}" instead of "${sizes} ${kind}"`
  const data = await noGrad(() => x.detach()).toArrayAsync()
  for (let i = 0; i < values.length; i++) {
    const expected = numbers[values[i]] ?? Number(values[i])
    const ok =
      Object.is(data[i], expected) ||
      data[i] === expected ||
      Math.abs(data[i] - expected) <= absolute + relative * Math.abs(expected)
    if (!ok) return `element ${i} is ${data[i]} instead of ${expected}`
  }
  return data.length === values.length ? undefined : `${data.length} elements instead of ${values.length}`
}

const run = async ({ p, r }: Program, backend: Backend, tolerance: Tolerance): Promise<string | undefined> => {
  const machine = new Machine()
  for (const [at, instruction] of p.entries()) {
    const expected = r[at]
    const thrown = await machine.step(instruction, backend)
    const wanted = typeof expected === 'string' && expected.startsWith('!') ? expected : undefined
    if (thrown !== wanted)
      return `t${at} ${instruction[0]}: ${thrown ?? 'did not throw'} instead of ${wanted ?? 'a result'}`
  }
  for (const [at, expected] of r.entries()) {
    if (expected === null) continue
    const [told, gradient] = typeof expected === 'string' ? [expected] : expected
    if (told.startsWith('!')) continue
    const x = machine.made[at] as Tensor
    const wrong = await differs(x, told, tolerance)
    if (wrong !== undefined) return `t${at} ${p[at][0]}: ${wrong}`
    if (p[at][0] !== 'leaf') continue
    // A gradient of zeros equals a missing one.
    const none = `${told.split(' ')[0]} f ${Array.from({ length: x.numel() }, () => 0).join(' ')}`.trimEnd()
    if (x.grad === null && gradient !== undefined && gradient !== none) return `t${at}: no gradient`
    const off = x.grad && (await differs(x.grad, gradient ?? none, tolerance))
    if (off) return `the gradient of t${at}: ${off}`
  }
  return undefined
}

/** Whether a program only has finite numbers, which every backend supports. */
const finite = ({ r }: Program): boolean =>
  r.flat().every((x) => x === null || x.startsWith('!') || !/ (n|-?i)( |$)/.test(x))

let programs: readonly Program[] | undefined
/** Cases for every `nth` program, grouped by hundreds. */
export const programCases = (
  backend: Backend,
  nth: number,
): readonly (readonly [name: string, cases: readonly Case[]])[] => {
  programs ??= readGolden('programs') as unknown as readonly Program[]
  // Sums of float32 that accumulate in float32 lose some more digits.
  const tolerance: Tolerance = backend.caps.dtypes.has('float64') ? [5e-5, 5e-6] : [5e-4, 1e-4]
  const cases = programs.map((program, i) => ({
    fits: i % nth === 0 && (backend.caps.strictFloat || finite(program)),
    label: `${i} ${JSON.stringify(program.p)}`,
    run: () => run(program, backend, tolerance),
  }))
  const size = 100 * nth
  return Array.from({ length: Math.ceil(cases.length / size) }, (_, k) => [
    `programs › ${k * size} to ${Math.min(cases.length, (k + 1) * size) - 1}`,
    cases.slice(k * size, (k + 1) * size).filter(({ fits }) => fits),
  ])
}

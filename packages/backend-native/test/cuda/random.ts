// Random expressions of all steps over all dtypes with hostile numbers, and every step by itself.
import {
  type Computed,
  type DType,
  dtypes,
  type Expr,
  isFloat,
  newArray,
  type ReduceFn,
  roundTo,
  s,
  stepDef,
} from '@flambeau/core/backend'
import { Dice, drawHeld } from '../../../backend-gpujs/test/drawn.ts'
import { type Call, isHeld } from '../../../backend-gpujs/test/running.ts'

type Build = (...args: readonly Expr[]) => Expr
const builders = s as unknown as Readonly<Record<string, Build>>
const names = (Object.keys(s) as Computed[]).filter(
  (name) => stepDef(name) !== undefined && name !== 'cast' && name !== 'select',
)

const floats = [0, -0, 1, -1, 0.5, -0.3, 2, 1e-40, -1e-42, 1e-7, 88.5, -104, 0.93, 3e9, 2 ** 31, -(2 ** 31), 2 ** 63]
const ends = [1e30, -1e30, 3.4e38, Infinity, -Infinity, Number.NaN, 7, 16777217, Math.SQRT1_2, -2.5, 1e-300, 1e300]
const hostile = [...floats, ...ends]
/** From the smallest to the largest, both signs, near where functions change. */
const spread = [-38, -20, -10, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 8, 12, 20, 38].flatMap((e) => [
  1.1 * 10 ** e,
  -3.3 * 10 ** e,
])
const turns = [
  5e-324,
  -1e-310,
  1 - 2 ** -53,
  1 - 2 ** -24,
  -1 + 1e-9,
  0.99,
  -0.9999,
  3,
  4,
  5,
  -1.5,
  -7,
  12.5,
  171.5,
  1e16,
  709.5,
  -720,
  1.3 * 2 ** 33,
]
const hostileInts = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 255, 31, 32, -33]

/** A number of a dtype, at times one that needs care. */
export function numberOf(dtype: DType, dice: Dice): number {
  if (dtype === 'bool') return dice.int(0, 1)
  if (dtype === 'uint8') return dice.int(0, 255)
  if (dtype === 'int32') return dice.int(0, 2) === 0 ? dice.one(hostileInts) : dice.int(-1000, 1000)
  const x = dice.int(0, 3) === 0 ? dice.one(hostile) : dice.int(-10_000, 10_000) / dice.one([1000, 100, 3000])
  return roundTo(x, dtype)
}

const ofBools = new Set<Computed>(['add', 'mul', 'fma', 'min', 'max'])

/** The dtypes that a step takes. */
const dtypesOf = (step: Computed): readonly DType[] => {
  const { rule } = stepDef(step)
  if (rule === 'floating' || rule === 'rounding') return ['float32', 'float64']
  if (rule === 'bitwise') return ['bool', 'uint8', 'int32']
  if (rule === 'shift') return ['uint8', 'int32']
  // Core computes the others with bools as numbers.
  return rule === 'comparison' || ofBools.has(step) ? dtypes : dtypes.filter((dtype) => dtype !== 'bool')
}

/** Computed expressions over inputs and each other. */
function expressions(dice: Dice, inputs: readonly Expr[], length: number): Expr[] {
  const values = [...inputs]
  const some = (dtype?: DType): Expr => {
    const fit = values.filter((x) => dtype === undefined || x.dtype === dtype)
    if (dtype === undefined || (fit.length > 0 && dice.int(0, 5) > 0)) return dice.one(fit.slice(-4))
    return dice.int(0, 1) === 0 ? s.constant(numberOf(dtype, dice), dtype) : s.cast(some(), dtype)
  }
  while (values.length < inputs.length + length) {
    const what = dice.int(0, 7)
    if (what === 0) values.push(s.cast(some(), dice.one(dtypes)))
    else if (what === 1) {
      const x = some()
      values.push(s.select(some('bool'), x, some(x.dtype)))
    } else {
      const step = dice.one(names)
      const dtype = dice.one(dtypesOf(step))
      values.push(builders[step](...Array.from({ length: stepDef(step).arity }, () => some(dtype))))
    }
  }
  // Constants and inputs may be what a builder returned.
  return [...new Set(values.slice(inputs.length))].filter(({ step }) => step !== 'input' && step !== 'const')
}

/** Operands of a shape, and random expressions over them. */
function drawOver(dice: Dice, shape: readonly number[]): { inputs: Call['inputs']; made: Expr[] } {
  const kinds = Array.from({ length: dice.int(1, 4) }, () => dice.one([...dtypes, 'float32', 'float64'] as DType[]))
  const inputs = kinds.map((dtype, i) =>
    i > 0 && dice.int(0, 4) === 0
      ? { value: numberOf(dtype, dice), dtype }
      : drawHeld(dice, shape, dtype, () => numberOf(dtype, dice)),
  )
  const leaves = kinds.map((dtype, i) => s.input(i, dtype))
  return { inputs, made: withArguments(expressions(dice, leaves, dice.int(2, 12))) }
}

/** A map of all computed steps of a random expression, so that each can be checked by what it was given. */
export function drawMap(seed: number): Call | undefined {
  const dice = new Dice(seed * 104_729)
  // A thread takes four elements at once where there are more than three for each, and then the rest.
  const shape = dice.one([
    [dice.int(769, 900)],
    [dice.int(4, 5), dice.int(193, 210)],
    [dice.int(193, 210), dice.int(4, 5)],
    [2, dice.int(3, 4), dice.int(129, 140)],
  ])
  const { inputs, made } = drawOver(dice, shape)
  const outs = made.slice(-18)
  if (outs.length === 0) return undefined
  return {
    kind: 'map',
    attrs: { outs: outs.map((expr) => ({ expr })) },
    inputs,
    outputs: outs.map(({ dtype }) => ({ sizes: shape, dtype })),
  }
}

/** A random expression and its reduction over some axes, by a thread, a warp or a block for each element. */
export function drawReduced(seed: number): Call | undefined {
  const dice = new Dice(seed * 15_485_863)
  const long = dice.one([dice.int(2, 40), dice.int(33, 200), dice.int(1025, 1400)])
  const shape = dice.one([[long], [3, long], [long, 2], [2, long, 3], [2, 3, dice.int(2, 50)]])
  const { inputs, made } = drawOver(dice, shape)
  const expr = made.at(-1)
  const axes = shape.map((_, d) => d).filter(() => dice.int(0, 1) === 0)
  if (expr === undefined || axes.length === 0) return undefined
  // Core casts bools before it adds them.
  const fn = dice.one<ReduceFn>(expr.dtype === 'bool' ? ['max', 'min'] : ['sum', 'prod', 'max', 'min'])
  const kept = shape.filter((_, d) => !axes.includes(d))
  return {
    kind: 'map',
    attrs: { outs: [{ expr }, { expr, reduce: { fn, axes } }] },
    inputs,
    outputs: [shape, kept].map((sizes) => ({ sizes, dtype: expr.dtype })),
  }
}

/** The expressions and the casts among their arguments, each after what it needs. */
function withArguments(made: readonly Expr[]): Expr[] {
  const found = new Set<Expr>()
  const visit = (x: Expr): void => {
    if (x.step === 'input' || x.step === 'const' || found.has(x)) return
    x.args.forEach(visit)
    found.add(x)
  }
  made.forEach(visit)
  return [...found]
}

/** Every step of every dtype by itself, over numbers that cross with each other. */
export const steps: readonly { readonly name: string; readonly call: Call }[] = names.flatMap((step) =>
  dtypesOf(step).map((dtype) => {
    const { arity } = stepDef(step)
    const dice = new Dice(7)
    const own = isFloat(dtype) ? [...hostile, ...spread, ...turns] : dtype === 'int32' ? hostileInts : []
    // These come last, and those of one operand first as well, because a thread takes what is left over by another loop.
    const [before, count, cross] = arity === 1 ? [own.length, 1000, own.length] : [0, 1000, own.length ** 2]
    const inputs = Array.from({ length: arity }, (_, k) => {
      const data = newArray(dtype, before + count + cross)
      for (let i = 0; i < data.length; i++) {
        const at = i < before ? i : i - before - count
        data[i] =
          at < 0 ? numberOf(dtype, dice) : own[k === 0 ? at % own.length : Math.floor(at / own.length) % own.length]
      }
      return { data, view: { sizes: [data.length], strides: [1], offset: 0, dtype } }
    })
    const expr = builders[step](...inputs.map((_, i) => s.input(i, dtype)))
    const sizes = [before + count + cross]
    return {
      name: `${step} of ${dtype}`,
      call: { kind: 'map' as const, attrs: { outs: [{ expr }] }, inputs, outputs: [{ sizes, dtype: expr.dtype }] },
    }
  }),
)

/** The call, and with its last numbers from other places: not aligned for vectors, and apart. */
export function laidOut(call: Call): Call[] {
  const [{ sizes }] = call.outputs
  const count = 900
  const others = [1, 2].map((step): Call => {
    const inputs = call.inputs.map((x) => {
      if (!isHeld(x)) return x
      const data = newArray(x.view.dtype, 1 + count * step)
      for (let i = 0; i < count; i++) data[1 + i * step] = x.data[sizes[0] - count + i]
      return { data, view: { ...x.view, sizes: [count], strides: [step], offset: 1 } }
    })
    return { ...call, inputs, outputs: call.outputs.map((out) => ({ ...out, sizes: [count] })) }
  })
  return [call, ...others]
}

// The plans of compositions along an axis: softmax and its relatives, the cross entropy of classes, moments. A row is
// the work of a thread, of a warp or of a block, which reads it once for each sum and once more for the result. Few long
// rows are the work of many blocks, by a kernel for each sum. Sums of floats accumulate in double precision.
import {
  type Composite,
  type CompositeKind,
  composites,
  contiguousStrides,
  dtypeSize,
  type Instr,
  type Loops,
  loopsOver,
  numelOf,
  type View,
} from '@flambeau/core/backend'
import { unfetched } from '@flambeau/stream'
import type { Launch, Param, Plan, Planner } from '../plan.ts'
import { accumulators, acrossLanes, append, type Combining, placeOf } from '../text/lanes.ts'
import { declareLoops, declareSteps } from '../text/loops.ts'
import { inTurns } from '../text/turns.ts'
import type { Value } from '../value.ts'
import { begin, type KernelWriter, type MakeWriter, threads } from '../text/writer.ts'
import { planEach } from './elements.ts'
import { each, formOf, lastAxisOf, planReduction, sums } from './reduction.ts'

type Floating = 'float32' | 'float64'
/** Compositions without a kernel here, which core composes of maps and sums. */
export const composed = unfetched
export type Composed = (typeof composed)[number]
/** Those along an axis. */
export type RowKind = Exclude<CompositeKind, 'moments' | Composed>

/** Arithmetic of one dtype. */
const arithmetic = (w: KernelWriter, dtype: Floating) => {
  const step = (name: 'add' | 'sub' | 'mul' | 'div' | 'exp' | 'log' | 'max', ...args: Value[]): Value =>
    w.step(name, dtype, dtype, args)
  return {
    sub: (a: Value, b: Value) => step('sub', a, b),
    mul: (a: Value, b: Value) => step('mul', a, b),
    div: (a: Value, b: Value) => step('div', a, b),
    exp: (x: Value) => step('exp', x),
    log: (x: Value) => step('log', x),
  }
}

/**
 * The largest element, and the sum of exp(x - largest) in double precision: one pass reads both. What came before a larger
 * element is scaled by exp(before - larger).
 */
const softOf = (dtype: Floating): Combining => ({
  dtypes: [dtype, 'float64'],
  initial: (w) => [w.constant(Number.NEGATIVE_INFINITY, dtype), w.constant(0, 'float64')],
  combine: (w, [a, sumA], [b, sumB]) => {
    const { sub, exp } = arithmetic(w, dtype)
    const [most, least] = [w.step('max', dtype, dtype, [a, b]), w.step('min', dtype, dtype, [a, b])]
    // Equal ones may be infinite.
    const scale = w.step('select', dtype, dtype, [
      w.step('eq', 'bool', dtype, [least, most]),
      w.constant(1, dtype),
      exp(sub(least, most)),
    ])
    const isFirst = w.step('eq', 'bool', dtype, [a, most])
    const [one, other] = [w.constant(1, 'float64'), w.step('cast', 'float64', dtype, [scale])]
    const scaled = (sum: Value, factors: readonly [Value, Value]): Value =>
      w.step('mul', 'float64', 'float64', [sum, w.step('select', 'float64', 'float64', [isFirst, ...factors])])
    return [most, w.step('add', 'float64', 'float64', [scaled(sumA, [one, other]), scaled(sumB, [other, one])])]
  },
})

/** A row, as what computes it sees it. */
interface Row {
  readonly w: KernelWriter
  readonly dtype: Floating
  /** The element of an operand that covers all, at position `i` along the axis. */
  element(input: number, i: Value): Value
  /** The element of an operand that has one for the row. */
  ofRow(input: number): Value
  /** The position along the axis that an index names, and whether it counts; whoever made the index has checked it. */
  target(input: number): { readonly at: Value; readonly counts: Value }
}

/** What a kind computes of a row. */
interface Body {
  /** What all elements of some inputs combine to. */
  readonly total?: {
    readonly of: (dtype: Floating) => Combining
    readonly inputs: readonly number[]
    values(row: Row, i: Value): readonly Value[]
  }
  /** The inputs that the result is computed from, element by element; none if it has one element for the row. */
  readonly reads: readonly number[]
  /** What does that: the elements of its outputs, at position `i` along the axis. */
  result(row: Row, totals: readonly Value[]): (i: Value) => readonly Value[]
}

const softTotal: Body['total'] = {
  of: softOf,
  inputs: [0],
  values: (row, i) => [row.element(0, i), row.w.constant(1, 'float64')],
}
/** Of the total: the largest element, the sum of exp(x - largest), and its logarithm. */
function softened({ w, dtype }: Row, [most, total]: readonly Value[]) {
  const { sub, log } = arithmetic(w, dtype)
  // An infinite element makes the sum NaN, as exp(inf - inf) does.
  const sum = w.step('add', dtype, dtype, [w.step('cast', dtype, 'float64', [total]), sub(most, most)])
  return { most, sum, logSum: () => log(sum) }
}
const sumOf: (dtype: Floating) => Combining = () => sums('float64')

const bodies: Readonly<Record<RowKind, Body>> = {
  softmax: {
    total: softTotal,
    reads: [0],
    result: (row, totals) => {
      const { sub, exp, div } = arithmetic(row.w, row.dtype)
      const { most, sum } = softened(row, totals)
      return (i) => [div(exp(sub(row.element(0, i), most)), sum)]
    },
  },
  logSoftmax: {
    total: softTotal,
    reads: [0],
    result: (row, totals) => {
      const { sub } = arithmetic(row.w, row.dtype)
      const { most, logSum } = softened(row, totals)
      const log = logSum()
      return (i) => [sub(sub(row.element(0, i), most), log)]
    },
  },
  softmaxBackward: {
    total: {
      of: sumOf,
      inputs: [0, 1],
      values: (row, i) => {
        const { mul } = arithmetic(row.w, row.dtype)
        return [row.w.step('cast', 'float64', row.dtype, [mul(row.element(0, i), row.element(1, i))])]
      },
    },
    reads: [0, 1],
    result: (row, [total]) => {
      const { sub, mul } = arithmetic(row.w, row.dtype)
      const sum = row.w.step('cast', row.dtype, 'float64', [total])
      return (i) => [mul(sub(row.element(0, i), sum), row.element(1, i))]
    },
  },
  logSoftmaxBackward: {
    total: {
      of: sumOf,
      inputs: [0],
      values: (row, i) => [row.w.step('cast', 'float64', row.dtype, [row.element(0, i)])],
    },
    reads: [0, 1],
    result: (row, [total]) => {
      const { sub, mul, exp } = arithmetic(row.w, row.dtype)
      const sum = row.w.step('cast', row.dtype, 'float64', [total])
      return (i) => [sub(row.element(0, i), mul(exp(row.element(1, i)), sum))]
    },
  },
  crossEntropy: {
    total: softTotal,
    reads: [],
    result: (row, totals) => {
      const { w, dtype } = row
      const { sub } = arithmetic(w, dtype)
      const { most, logSum } = softened(row, totals)
      const log = logSum()
      const { at, counts } = row.target(1)
      const loss = w.variable(w.constant(0, dtype))
      w.when(counts, () => w.set(loss, sub(log, sub(row.element(0, at), most))))
      return () => [loss, most, log]
    },
  },
  crossEntropyBackward: {
    reads: [0],
    result: (row) => {
      const { w, dtype } = row
      const { sub, mul, exp } = arithmetic(w, dtype)
      const { at, counts } = row.target(1)
      const [most, logSum] = [row.ofRow(2), row.ofRow(3)]
      const dy = w.variable(w.constant(0, dtype))
      w.when(counts, () => w.set(dy, row.ofRow(4)))
      return (i) => {
        const share = w.variable(mul(exp(sub(sub(row.element(0, i), most), logSum)), dy))
        // Where the row does not count, dy is 0.
        w.when(w.compare('eq', i, at), () => w.set(share, sub(share, dy)))
        return [share]
      }
    },
  },
}

/** Steps of an operand over the axes but one, and along that one. */
interface Along extends Loops {
  readonly along: readonly number[]
}
function along(x: View, axis: number, rows: readonly (readonly number[])[]): Along {
  const drop = (list: readonly number[]): number[] => list.filter((_, i) => i !== axis)
  const { sizes, steps } = loopsOver(drop(x.sizes), rows.map(drop))
  return { sizes, steps, along: rows.map((row) => row[axis]) }
}

/** The rows of an instruction. */
interface Rows {
  readonly kind: RowKind
  readonly dtype: Floating
  readonly count: number
  readonly length: number
  /** Rows lie along the last axis, so elements side by side are of one row. */
  readonly last: boolean
  readonly inputs: number
  readonly loops: Along
}

/** The operands of a row. */
interface Operands extends Row {
  /** Writes element `i` of the outputs, which either cover all or have one for the row. */
  store(i: Value, values: readonly Value[]): void
}

/** Declares the operands of rows; returns what gives those of row `k`. */
function declareRows(w: KernelWriter, { kind, dtype, inputs, loops }: Rows): (k: Value) => Operands {
  const split = declareLoops(w, loops.sizes)
  const operands = loops.steps.map((steps, i) => ({
    address: w.param(i < inputs ? { is: 'input', input: i } : { is: 'output', output: i - inputs }),
    at: declareSteps(w, steps),
    next: declareSteps(w, [loops.along[i] ?? 0]),
  }))
  const numbers = new Map(
    ((composites[kind] as Composite).numbers ?? []).map((name) => [
      name as string,
      w.param({ is: 'attribute', type: 'int', of: ({ attrs }) => (attrs as Readonly<Record<string, number>>)[name] }),
    ]),
  )
  return (k) => {
    const indices = split(k)
    const starts = operands.map(({ at }) => at(indices))
    const positionOf = (operand: number, i: Value): Value => operands[operand].next([i], starts[operand])
    const loaded = new Map<string, Value>()
    return {
      w,
      dtype,
      element: (input, i) => {
        const key = `${input} ${i.text}`
        const known = loaded.get(key) ?? w.load(dtype, operands[input].address, positionOf(input, i))
        loaded.set(key, known)
        return known
      },
      ofRow: (input) => w.load(dtype, operands[input].address, starts[input]),
      target: (input) => {
        const at = w.load('int32', operands[input].address, starts[input])
        return { at, counts: w.compare('ne', at, numbers.get('ignore') as Value) }
      },
      store: (i, values) => {
        values.forEach((value, output) => {
          w.store(dtype, operands[inputs + output].address, positionOf(inputs + output, i), value)
        })
      },
    }
  }
}

/** One kernel does all, and the lanes of a row share it. */
function planWhole(make: MakeWriter, rows: Rows): Launch {
  const { kind, count, length } = rows
  const { lanes } = formOf(length, rows.last)
  const w = make()
  begin(w)
  const [most, all] = [count, length].map((value) => w.param({ is: 'int', value }))
  const operandsOf = declareRows(w, rows)
  const { item, lane, leads } = placeOf(w, lanes, most)
  const operands = operandsOf(item)
  const { total, reads, result } = bodies[kind]
  const eachElement = (read: readonly number[], use: (i: Value) => void): void =>
    inTurns(
      w,
      lane,
      all,
      w.int(lanes),
      (i) => read.map((input) => operands.element(input, i)),
      (_, i) => use(i),
    )
  let totals: readonly Value[] = []
  if (total !== undefined) {
    const combining = total.of(rows.dtype)
    totals = accumulators(w, combining)
    eachElement(total.inputs, (i) => append(w, combining, totals, total.values(operands, i)))
    acrossLanes(w, lanes, combining, totals)
  }
  const at = result(operands, totals)
  if (reads.length === 0) leads(() => operands.store(w.int(0), at(w.int(0))))
  else eachElement(reads, (i) => operands.store(i, at(i)))
  const { kernel, params } = w.kernel(kind)
  const blocks = Math.ceil((count * lanes) / threads)
  // Each row is read up to three times.
  return {
    kernel,
    grid: [blocks, 1, 1],
    block: threads,
    shared: 0,
    params,
    visits: 3 * count * Math.max(length, lanes),
  }
}

/**
 * The total is a reduction of its own, by as many blocks as its elements need, and a second kernel writes the result: for
 * few rows that are long.
 */
function planSteps(make: MakeWriter, rows: Rows, launches: Launch[], scratch: number[]): void {
  const { kind, dtype, count, length, last } = rows
  const { total, reads, result } = bodies[kind]
  const combining = total?.of(dtype)
  const memory = (combining?.dtypes ?? []).map(
    (dtype): Param => ({ is: 'scratch', scratch: scratch.push(dtypeSize[dtype] * count) - 1 }),
  )
  if (total !== undefined && combining !== undefined) {
    const open = (w: KernelWriter) => {
      const operandsOf = declareRows(w, rows)
      return (k: Value, r: Value): readonly Value[] => total.values(operandsOf(k), r)
    }
    const finish = (w: KernelWriter) => {
      const to = memory.map((param) => w.param(param))
      return (k: Value, values: readonly Value[]): void => {
        values.forEach((value, i) => {
          w.store(combining.dtypes[i], to[i], k, value)
        })
      }
    }
    planReduction(make, { name: kind, count, length, rows: last, combining, open, finish }, launches, scratch)
  }
  const inner = reads.length === 0 ? 1 : length
  const name = reads.length === 0 ? `${kind}Rows` : kind
  launches.push(
    planEach(make, name, count * inner, false, (w) => {
      const split = declareLoops(w, last ? [count, inner] : [inner, count])
      const operandsOf = declareRows(w, rows)
      const from = memory.map((param) => w.param(param))
      return {
        read: (n) => split(n),
        write: (indices) => {
          const [k, i] = last ? indices : [indices[1], indices[0]]
          const operands = operandsOf(k)
          const totals = from.map((address, part) => w.load((combining as Combining).dtypes[part], address, k))
          const at = result(operands, totals)
          operands.store(i, at(i))
        },
      }
    }),
  )
}

/** A lane takes at most so many elements, if there are fewer lanes than keep a large GPU busy. */
const mostTurns = 256
const fewLanes = 2 ** 16

export const planRows =
  <K extends RowKind>(make: MakeWriter, kind: K): Planner<K> =>
  (instr): Plan => {
    const { axis } = instr.attrs as { readonly axis: number }
    const inputs = instr.inputs as readonly View[]
    const [x] = inputs
    const whole = contiguousStrides(x.sizes)
    const perRow = contiguousStrides(x.sizes.map((size, i) => (i === axis ? 1 : size)))
    const results = composites[kind].outputs.map(([, extent]) => (extent === 'all' ? whole : perRow))
    const loops = along(x, axis, [...inputs.map(({ strides }) => strides), ...results])
    const [count, length] = [numelOf(loops.sizes), x.sizes[axis] ?? 1]
    const last = axis === lastAxisOf(x.sizes)
    const rows: Rows = { kind, dtype: x.dtype as Floating, count, length, last, inputs: inputs.length, loops }
    const launches: Launch[] = []
    const scratch: number[] = []
    const { lanes } = formOf(length, last)
    if (count > 0 && length / lanes > mostTurns && count * lanes < fewLanes) planSteps(make, rows, launches, scratch)
    else if (count > 0) launches.push(planWhole(make, rows))
    return { launches, scratch }
  }

/**
 * The mean of the elements at each index of an axis, and the sum of their squared distances from it, by sums of the
 * distances from the first of them and of their squares.
 */
export const planMoments =
  (make: MakeWriter): Planner<'moments'> =>
  ({ attrs: { axis }, inputs: [x] }: Instr<'moments'>): Plan => {
    const launches: Launch[] = []
    const scratch: number[] = []
    const dtype = x.dtype as Floating
    const others = [...x.sizes.keys()].filter((i) => i !== axis)
    const loops = loopsOver(
      others.map((i) => x.sizes[i]),
      [others.map((i) => x.strides[i])],
    )
    const length = numelOf(loops.sizes)
    const address = (w: KernelWriter) => {
      const from = w.param({ is: 'input', input: 0 })
      const step = w.param({ is: 'int', value: x.strides[axis] })
      const load = (at: Value): Value => w.step('cast', 'float64', dtype, [w.load(dtype, from, at)])
      return { first: (k: Value): Value => load(w.index('mul', k, step)), step, load }
    }
    planReduction(
      make,
      {
        name: 'moments',
        count: x.sizes[axis],
        length,
        rows: axis !== lastAxisOf(x.sizes),
        combining: each(
          ['float64', 'float64'],
          (w) => w.constant(0, 'float64'),
          (w, _, a, b) => w.step('add', 'float64', 'float64', [a, b]),
        ),
        open: (w) => {
          const split = declareLoops(w, loops.sizes)
          const { first, step, load } = address(w)
          const at = declareSteps(w, loops.steps[0])
          const { sub, mul } = arithmetic(w, 'float64')
          return (k, r) => {
            const distance = sub(load(at(split(r), w.index('mul', k, step))), first(k))
            return [distance, mul(distance, distance)]
          }
        },
        finish: (w) => {
          const { first } = address(w)
          const [mean, squares] = [0, 1].map((output) => w.param({ is: 'output', output }))
          const n = w.number(w.param({ is: 'attribute', type: 'double', of: () => length }), 'float64')
          const { sub, mul, div } = arithmetic(w, 'float64')
          return (k, [sum, sumOfSquares]) => {
            const average = div(sum, n)
            const around = sub(sumOfSquares, mul(sum, average))
            const store = (to: Value, value: Value): void =>
              w.store(dtype, to, k, w.step('cast', dtype, 'float64', [value]))
            store(mean, w.step('add', 'float64', 'float64', [first(k), average]))
            store(squares, w.step('max', 'float64', 'float64', [around, w.constant(0, 'float64')]))
          }
        },
      },
      launches,
      scratch,
    )
    return { launches, scratch }
  }

// The plans of compositions along an axis: softmax and its relatives, the cross entropy of classes, moments. A row is
// the work of a thread, of a warp or of a block, which reads it once for each sum and once more for the result. Few long
// rows are the work of many blocks, by a kernel for each sum. Sums of floats accumulate in double precision.
import {
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
import type { Launch, Param, Plan, Planner } from '../plan.ts'
import { accumulate, accumulators, acrossLanes, type Combining, placeOf } from '../text/lanes.ts'
import { declareLoops, declareSteps } from '../text/loops.ts'
import { inTurns } from '../text/turns.ts'
import type { Value } from '../value.ts'
import { begin, type KernelWriter, type MakeWriter, threads } from '../text/writer.ts'
import { planEach } from './elements.ts'
import { each, formOf, lastAxisOf, planReduction } from './reduction.ts'

type Floating = 'float32' | 'float64'

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

const sumOf = each(
  ['float64'],
  (w) => w.constant(0, 'float64'),
  (w, _, a, b) => w.step('add', 'float64', 'float64', [a, b]),
)
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
    const isFirst = w.step('ge', 'bool', dtype, [a, b])
    const [one, other] = [w.constant(1, 'float64'), w.step('cast', 'float64', dtype, [scale])]
    const scaled = (sum: Value, factors: readonly [Value, Value]): Value =>
      w.step('mul', 'float64', 'float64', [sum, w.step('select', 'float64', 'float64', [isFirst, ...factors])])
    return [most, w.step('add', 'float64', 'float64', [scaled(sumA, [one, other]), scaled(sumB, [other, one])])]
  },
})

/** A kernel over rows, as the body of one sees it. */
interface Row {
  readonly w: KernelWriter
  readonly dtype: Floating
  /** The element of an operand that covers all, at position `i` along the axis. */
  element(input: number, i: Value): Value
  /** The element of an operand that has one for the row. */
  ofRow(input: number): Value
  /** The position along the axis that an index names, and whether it is one. */
  target(input: number): { readonly at: Value; readonly exists: Value }
  number(name: string): Value
  /** Combines what `f` gives for all elements of the row, from those of some inputs; every lane gets the totals. */
  total(combining: Combining, inputs: readonly number[], f: (i: Value) => readonly Value[]): readonly Value[]
  /** Writes an output that covers all, from the elements of some inputs. */
  write(output: number, inputs: readonly number[], f: (i: Value) => Value): void
  /** Writes an output that has one element for the row. */
  writeRow(output: number, value: Value): void
}

function softened(row: Row): { readonly most: Value; readonly logSum: Value; readonly sum: Value } {
  const { w, dtype } = row
  const { sub, log } = arithmetic(w, dtype)
  const one = w.constant(1, 'float64')
  const [most, total] = row.total(softOf(dtype), [0], (i) => [row.element(0, i), one])
  // An infinite element makes the sum NaN, as exp(inf - inf) does.
  const sum = w.step('add', dtype, dtype, [w.step('cast', dtype, 'float64', [total]), sub(most, most)])
  return { most, sum, logSum: log(sum) }
}

const bodies: Readonly<Record<Exclude<CompositeKind, 'moments'>, (row: Row) => void>> = {
  softmax: (row) => {
    const { sub, exp, div } = arithmetic(row.w, row.dtype)
    const { most, sum } = softened(row)
    row.write(0, [0], (i) => div(exp(sub(row.element(0, i), most)), sum))
  },
  logSoftmax: (row) => {
    const { sub } = arithmetic(row.w, row.dtype)
    const { most, logSum } = softened(row)
    row.write(0, [0], (i) => sub(sub(row.element(0, i), most), logSum))
  },
  softmaxBackward: (row) => {
    const { w, dtype } = row
    const { sub, mul } = arithmetic(w, dtype)
    const [total] = row.total(sumOf, [0, 1], (i) => [
      w.step('cast', 'float64', dtype, [mul(row.element(0, i), row.element(1, i))]),
    ])
    const sum = w.step('cast', dtype, 'float64', [total])
    row.write(0, [0, 1], (i) => mul(sub(row.element(0, i), sum), row.element(1, i)))
  },
  logSoftmaxBackward: (row) => {
    const { w, dtype } = row
    const { sub, mul, exp } = arithmetic(w, dtype)
    const [total] = row.total(sumOf, [0], (i) => [w.step('cast', 'float64', dtype, [row.element(0, i)])])
    const sum = w.step('cast', dtype, 'float64', [total])
    row.write(0, [0, 1], (i) => sub(row.element(0, i), mul(exp(row.element(1, i)), sum)))
  },
  crossEntropy: (row) => {
    const { w, dtype } = row
    const { sub } = arithmetic(w, dtype)
    const { most, logSum } = softened(row)
    const { at, exists } = row.target(1)
    const loss = w.variable(w.constant(0, dtype))
    w.when(exists, () => w.set(loss, sub(logSum, sub(row.element(0, at), most))))
    row.writeRow(0, loss)
    row.writeRow(1, most)
    row.writeRow(2, logSum)
  },
  crossEntropyBackward: (row) => {
    const { w, dtype } = row
    const { sub, mul, exp } = arithmetic(w, dtype)
    const { at, exists } = row.target(1)
    const [most, logSum] = [row.ofRow(2), row.ofRow(3)]
    const dy = w.variable(w.constant(0, dtype))
    w.when(exists, () => w.set(dy, row.ofRow(4)))
    row.write(0, [0], (i) => {
      const share = w.variable(mul(exp(sub(sub(row.element(0, i), most), logSum)), dy))
      w.when(w.both(exists, w.compare('eq', i, at)), () => w.set(share, sub(share, dy)))
      return share
    })
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
  readonly kind: Exclude<CompositeKind, 'moments'>
  readonly dtype: Floating
  readonly count: number
  readonly length: number
  /** Rows lie along the last axis, so elements side by side are of one row. */
  readonly last: boolean
  readonly inputs: number
  readonly loops: Along
}

/** A row without what several lanes or kernels share. */
type Operands = Omit<Row, 'total' | 'write' | 'writeRow'> & {
  /** Writes element `i` of an output that covers all, and the one of an output that has one for the row. */
  store(output: number, i: Value, value: Value): void
  storeRow(output: number, value: Value): void
}

/** Declares the operands of rows; returns what gives those of row `k`. */
function declareRows(w: KernelWriter, { kind, dtype, length, inputs, loops }: Rows): (k: Value) => Operands {
  const split = declareLoops(w, loops.sizes)
  const all = w.param({ is: 'int', value: length })
  const operands = loops.steps.map((steps, i) => ({
    address: w.param(i < inputs ? { is: 'input', input: i } : { is: 'output', output: i - inputs }),
    at: declareSteps(w, steps),
    next: declareSteps(w, [loops.along[i] ?? 0]),
  }))
  const numbers = new Map(
    composites[kind].numbers.map((name) => [
      name as string,
      w.param({ is: 'attribute', type: 'int', of: ({ attrs }) => (attrs as Readonly<Record<string, number>>)[name] }),
    ]),
  )
  return (k) => {
    const indices = split(k)
    const starts = operands.map(({ at }) => at(indices))
    const positionOf = (operand: number, i: Value): Value => operands[operand].next([i], starts[operand])
    const loaded = new Map<string, Value>()
    const number = (name: string): Value => numbers.get(name) as Value
    return {
      w,
      dtype,
      number,
      element: (input, i) => {
        const key = `${input} ${i.text}`
        const known = loaded.get(key) ?? w.load(dtype, operands[input].address, positionOf(input, i))
        loaded.set(key, known)
        return known
      },
      ofRow: (input) => w.load(dtype, operands[input].address, starts[input]),
      target: (input) => {
        const at = w.load('int32', operands[input].address, starts[input])
        const inside = w.both(w.compare('ge', at, w.int(0)), w.compare('lt', at, all))
        return { at, exists: w.both(inside, w.compare('ne', at, number('ignore'))) }
      },
      store: (output, i, value) => {
        const at = inputs + output
        w.store(dtype, operands[at].address, positionOf(at, i), value)
      },
      storeRow: (output, value) => w.store(dtype, operands[inputs + output].address, starts[inputs + output], value),
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
  const { item, exists, lane } = placeOf(w, lanes, most)
  // Lanes beyond the last row work on it as well, because all threads of a block meet; they do not write.
  const operands = operandsOf(w.index('min', item, w.index('sub', most, w.int(1))))
  const eachElement = (read: readonly number[], use: (i: Value) => void): void =>
    inTurns(
      w,
      lane,
      all,
      w.int(lanes),
      (i) => read.map((input) => operands.element(input, i)),
      (_, i) => use(i),
    )
  bodies[kind]({
    ...operands,
    total: (combining, read, f) => {
      const sums = accumulators(w, combining)
      eachElement(read, (i) => accumulate(w, combining, sums, f(i)))
      acrossLanes(w, lanes, combining, sums)
      return sums
    },
    write: (output, read, f) => w.when(exists, () => eachElement(read, (i) => operands.store(output, i, f(i)))),
    writeRow: (output, value) =>
      w.when(w.both(exists, w.compare('eq', lane, w.int(0))), () => operands.storeRow(output, value)),
  })
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
 * Every total is a reduction of its own, by as many blocks as its elements need, and so is what is written: for few rows
 * that are long. The kernel of a step takes the totals of those before it from memory.
 */
function planSteps(make: MakeWriter, rows: Rows, launches: Launch[], scratch: number[]): void {
  const { kind, count, length, last } = rows
  const totals: { readonly combining: Combining; readonly memory: readonly Param[] }[] = []
  let [writes, writesRows] = [false, false]
  /** Runs the body for row `k`, with the totals so far; `act` says what happens where the others come. */
  const body = (operands: Operands, k: Value, known: readonly (readonly Value[])[], act: Partial<Row>): void => {
    let at = 0
    bodies[kind]({
      ...operands,
      write: () => {},
      writeRow: () => {},
      ...act,
      total: (combining, read, f) => {
        const { w } = operands
        if (at < known.length) {
          const addresses = known[at++]
          return combining.dtypes.map((dtype, i) => w.load(dtype, addresses[i], k))
        }
        return act.total?.(combining, read, f) ?? combining.initial(w)
      },
    })
  }
  // What the body does, from a text that nobody runs.
  const trial = make()
  const k = trial.int(0)
  body(declareRows(trial, rows)(k), k, [], {
    total: (combining) => {
      const memory = combining.dtypes.map(
        (dtype): Param => ({ is: 'scratch', scratch: scratch.push(dtypeSize[dtype] * count) - 1 }),
      )
      totals.push({ combining, memory })
      return combining.initial(trial)
    },
    write: () => {
      writes = true
    },
    writeRow: () => {
      writesRows = true
    },
  })
  const declareTotals = (w: KernelWriter, before: number): Value[][] =>
    totals.slice(0, before).map(({ memory }) => memory.map((param) => w.param(param)))
  totals.forEach(({ combining, memory }, step) => {
    const open = (w: KernelWriter) => {
      const operandsOf = declareRows(w, rows)
      const known = declareTotals(w, step)
      return (k: Value, r: Value): readonly Value[] => {
        let found: readonly Value[] | undefined
        body(operandsOf(k), k, known, {
          total: (combining, _, f) => {
            found ??= f(r)
            return combining.initial(w)
          },
        })
        return found as readonly Value[]
      }
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
  })
  const elements = (name: string, inner: number, act: (operands: Operands, i: Value) => Partial<Row>): Launch =>
    planEach(make, name, count * inner, false, (w) => {
      const split = declareLoops(w, last ? [count, inner] : [inner, count])
      const operandsOf = declareRows(w, rows)
      const known = declareTotals(w, totals.length)
      return {
        read: (n) => split(n),
        write: (indices) => {
          const [k, i] = last ? indices : [indices[1], indices[0]]
          const operands = operandsOf(k)
          body(operands, k, known, act(operands, i))
        },
      }
    })
  if (writes)
    launches.push(elements(kind, length, ({ store }, i) => ({ write: (output, _, f) => store(output, i, f(i)) })))
  if (writesRows) launches.push(elements(`${kind}Rows`, 1, ({ storeRow }) => ({ writeRow: storeRow })))
}

/** A lane takes at most so many elements, if there are fewer lanes than keep a large GPU busy. */
const mostTurns = 256
const fewLanes = 2 ** 16

export const planRows =
  <K extends Exclude<CompositeKind, 'moments'>>(make: MakeWriter, kind: K): Planner<K> =>
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

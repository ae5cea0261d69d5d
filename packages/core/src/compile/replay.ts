// Runs planned programs on any backend, one instruction after the other through `run`, for backends that do not compile
// programs themselves. A plan writes to memory that outlives the run only when no check can fail any more; if the
// backend may fail elsewhere, writes are undone.
import {
  type Backend,
  type DeviceBuffer,
  type Instr,
  type Operand,
  type Output,
  type Spec,
  type View,
  withOperands,
} from '../backend/backend.ts'
import { type Bindings, type Executable, isReading, isUse, type Plan, type Program } from '../backend/program.ts'
import { contiguousStrides } from '../base/layout.ts'
import { Device } from '../tensor/device.ts'
import { dispatch, isCertain } from '../tensor/dispatch.ts'
import { UndoLog } from '../tensor/undo.ts'

/** An operand or output whose buffer is set before a run. */
interface Pointed {
  buffer: DeviceBuffer
}

/** A program over its own buffers, placed by a plan with whole buffers. */
export function replay(program: Program, plan: Plan, backend: Backend): Executable {
  const { values } = program
  const arena = new Map<number, DeviceBuffer>()
  const drawn = new Map<number, Output>()
  /** Operands grouped by argument and by result. */
  const args: Pointed[][] = []
  const results: Pointed[][] = []

  function bind<T extends Spec>(value: number, rest: T): T & { buffer: DeviceBuffer } {
    const place = plan.places[value]
    const bound = { ...rest, buffer: undefined as unknown as DeviceBuffer }
    if (place?.in === 'buffer') bound.buffer = place.buffer
    else if (place?.in === 'argument') (args[place.argument] ??= []).push(bound)
    else if (place?.in === 'result') (results[place.result] ??= []).push(bound)
    else if (place?.in === 'draw') {
      const output = drawn.get(place.draw) ?? { ...values[value], buffer: backend.alloc(values[value]) }
      drawn.set(place.draw, output)
      bound.buffer = output.buffer
    } else if (place?.in === 'arena') {
      const buffer = arena.get(place.at) ?? backend.alloc(values[value])
      arena.set(place.at, buffer)
      bound.buffer = buffer
    }
    return bound
  }

  let numbers: Float64Array = new Float64Array(0)
  const instrs = program.instrs.map((instr): Instr => {
    const { inputs, outputs } = instr
    const operands = inputs.map((x): Operand => {
      if (isReading(x)) return { value: () => numbers[x.reading], dtype: x.dtype }
      return isUse(x) ? (bind(x.value, { ...x }) as View) : x
    })
    const outs = outputs.map((value) =>
      bind(value, { ...values[value], strides: contiguousStrides(values[value].sizes) }),
    )
    const places = outputs.map((value) => plan.places[value])
    const donate = inputs.flatMap((x, i) =>
      isUse(x) && places.some((p) => samePlace(p, plan.places[x.value])) ? [i] : [],
    )
    return withOperands({ ...instr, donate }, operands, outs)
  })

  /** The outputs of each instruction that outlive the run. */
  const lasting = instrs.map(({ outputs }, i) =>
    outputs.filter((_, k) => plan.places[program.instrs[i].outputs[k]]?.in === 'buffer'),
  )

  // The same path as eager execution, so that unsupported instructions are adapted or run elsewhere.
  const device = new Device(backend)
  /** The placeholder between runs, so that only the caller holds results and arguments. */
  const nowhere: DeviceBuffer = { backend, length: 0 }
  return {
    run(bindings: Bindings): void {
      numbers = bindings.numbers
      point(args, (i) => bindings.args[i])
      point(results, (i) => bindings.results[i])
      const log = isCertain(device) ? null : new UndoLog()
      try {
        for (const [draw, output] of drawn) backend.write(output, bindings.draws[draw])
        for (let i = 0; i < instrs.length; i++) {
          if (log !== null) for (const output of lasting[i]) log.save(device, output)
          dispatch(device, instrs[i])
        }
      } catch (error) {
        log?.restore()
        throw error
      } finally {
        point(args, () => nowhere)
        point(results, () => nowhere)
      }
    },
  }
}

/**
 * Wraps an executable of a backend that may fail anywhere so that a failure changes nothing: memory from before the run
 * is saved before it is overwritten. It has no `repeat`, because no one would know which run failed.
 */
export function restoring(
  { run, source }: Executable,
  { instrs, values }: Program,
  plan: Plan,
  backend: Backend,
): Executable {
  const device = new Device(backend)
  const lasting = instrs.flatMap(({ outputs }) =>
    outputs.flatMap((value): Output[] => {
      const place = plan.places[value]
      return place?.in === 'buffer' ? [{ ...values[value], buffer: place.buffer }] : []
    }),
  )
  return {
    source,
    run(bindings: Bindings): void {
      const log = new UndoLog()
      for (const output of lasting) log.save(device, output)
      try {
        run(bindings)
      } catch (error) {
        log.restore()
        throw error
      }
    },
  }
}

const point = (bound: readonly Pointed[][], to: (i: number) => DeviceBuffer): void =>
  bound.forEach((views, i) => {
    for (const view of views) view.buffer = to(i)
  })

const samePlace = (a: Plan['places'][number], b: Plan['places'][number]): boolean =>
  a !== undefined &&
  b !== undefined &&
  ((a.in === 'buffer' && b.in === 'buffer' && a.buffer === b.buffer) ||
    (a.in === 'result' && b.in === 'result' && a.result === b.result) ||
    (a.in === 'argument' && b.in === 'argument' && a.argument === b.argument) ||
    (a.in === 'arena' && b.in === 'arena' && a.at === b.at))

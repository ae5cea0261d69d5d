// Runs planned programs on any backend, one instruction after the other through `run`, for backends that do not compile
// programs themselves. A plan writes to memory that outlives the run only when no check can fail any more; if the
// backend may fail elsewhere, writes are undone.
import {
  type Backend,
  type DeviceBuffer,
  type Operand,
  type Output,
  type Spec,
  type View,
  withOperands,
} from '../backend/backend.ts'
import {
  type Bindings,
  type BodyPlan,
  type Executable,
  isReading,
  isUse,
  type KernelInstr,
  type Place,
  type Plan,
  type Program,
  type RepeatInstr,
} from '../backend/program.ts'
import { beginnings, isRepeat, samePlace, windowOf } from '../backend/repetition.ts'
import { contiguousStrides } from '../base/layout.ts'
import { Device } from '../tensor/device.ts'
import { dispatch, isCertain } from '../tensor/dispatch.ts'
import { UndoLog } from '../tensor/undo.ts'

/** An operand whose memory is set before a run, or in every iteration of a repetition. */
interface Pointed {
  buffer: DeviceBuffer
  offset?: number
}

/** A part of a run. */
interface Step {
  /** Its outputs that outlive the run. */
  readonly lasting: readonly Output[]
  run(): void
}

/** The memory of one value: one buffer, or one per iteration of a repetition that wrote to it. */
interface Memory {
  /** Sets the memory of an operand or output, from an element on. */
  point(bound: Pointed, offset: number): void
}

/** A program over its own buffers, placed by a plan with whole buffers. */
export function replay(program: Program, plan: Plan, backend: Backend): Executable {
  // The same path as eager execution, so that unsupported instructions are adapted or run elsewhere.
  const device = new Device(backend)
  /** The placeholder between runs, so that only the caller holds results and arguments. */
  const nowhere: DeviceBuffer = { backend, length: 0 }
  const drawn = new Map<number, Output>()
  /** Operands grouped by argument and by result. */
  const args: Set<Pointed>[] = []
  const results: Set<Pointed>[] = []
  let numbers: Float64Array = new Float64Array(0)

  /** The memory of a program's values; `outside` is the memory of values that belong to the program around it. */
  function memoryIn(
    { values, instrs }: Program,
    places: Plan['places'],
    outside?: (place: Place) => Memory,
  ): (value: number) => Memory {
    const arena = new Map<string, DeviceBuffer>()
    const known = new Map<number, Memory>()
    /** The elements of a piece, for each value that iterations write piece by piece. */
    const pieces = new Map<number, number>()
    for (const instr of instrs) {
      if (!isRepeat(instr)) continue
      const { body, steps } = instr.attrs
      steps.forEach((step, k) => {
        if (step > 0) pieces.set(instr.outputs[body.kept.length + k], step)
      })
    }
    /** The buffer of a place in the arena; `piece` distinguishes several of one place. */
    const buffer = (at: number, spec: Spec, piece: string): DeviceBuffer => {
      const key = `${at} ${piece}`
      const made = arena.get(key) ?? backend.alloc(spec)
      arena.set(key, made)
      return made
    }
    const make = (value: number): Memory => {
      const place = places[value]
      const spec = values[value]
      if (place?.in === 'buffer') return inBuffer(() => place.buffer)
      if (place?.in === 'argument') return changing((args[place.argument] ??= new Set()))
      if (place?.in === 'result' && outside === undefined) return changing((results[place.result] ??= new Set()))
      if (place?.in === 'draw') {
        const output = drawn.get(place.draw) ?? { ...spec, buffer: backend.alloc(spec) }
        drawn.set(place.draw, output)
        return inBuffer(() => output.buffer)
      }
      if (place?.in !== 'arena')
        return place === undefined ? inBuffer(() => nowhere) : (outside as NonNullable<typeof outside>)(place)
      const size = pieces.get(value)
      if (size === undefined) return inBuffer(() => buffer(place.at, spec, ''))
      const piece = { sizes: spec.sizes.slice(1), dtype: spec.dtype }
      return {
        point(bound, offset) {
          const at = Math.floor(offset / size)
          bound.buffer = buffer(place.at, piece, String(at))
          bound.offset = offset - at * size
        },
      }
    }
    return (value) => {
      const memory = known.get(value) ?? make(value)
      known.set(value, memory)
      return memory
    }
  }

  const inBuffer = (buffer: () => DeviceBuffer): Memory => ({
    point(bound, offset) {
      bound.buffer = buffer()
      bound.offset = offset
    },
  })
  const changing = (all: Set<Pointed>): Memory => ({
    point(bound, offset) {
      bound.offset = offset
      all.add(bound)
    },
  })

  /** The steps of a program. The program around it sets `turn`, by which readings move in steps of `step`. */
  function stepsOf(
    { values, instrs }: Program,
    { places, bodies }: Plan,
    memory: (value: number) => Memory,
    reading: (at: number) => number,
    /** Sets the memory that differs between iterations, in each of them. */
    moving: (() => void)[],
  ): Step[] {
    const bind = <T extends Spec>(value: number, rest: T, offset: number): T & { buffer: DeviceBuffer } => {
      const bound = { ...rest, buffer: nowhere, offset }
      const point = (): void => memory(value).point(bound, offset)
      point()
      moving.push(point)
      return bound
    }
    const kernel = (instr: KernelInstr): Step => {
      const { inputs, outputs } = instr
      const operands = inputs.map((x): Operand => {
        if (isReading(x)) return { value: () => reading(x.reading), dtype: x.dtype }
        return isUse(x) ? (bind(x.value, { ...x }, x.offset) as View) : x
      })
      const outs = outputs.map((value) =>
        bind(value, { ...values[value], strides: contiguousStrides(values[value].sizes) }, 0),
      )
      const donate = inputs.flatMap((x, i) =>
        isUse(x) && outputs.some((value) => samePlace(places[value], places[x.value])) ? [i] : [],
      )
      const whole = withOperands({ ...instr, donate }, operands, outs)
      const lasting = outs.filter((_, k) => places[outputs[k]]?.in === 'buffer')
      return { lasting, run: () => dispatch(device, whole) }
    }
    const loop = (instr: RepeatInstr): Step[] => {
      const { times, body, readings } = instr.attrs
      const { plan: inner } = bodies.get(instr) as BodyPlan
      let turn = 0
      const inside = memoryIn(body, inner.places, (place): Memory => {
        const window = windowOf(instr, place)
        const around = memory(window.value)
        return { point: (bound, offset) => around.point(bound, window.offset + turn * window.step + offset) }
      })
      const points: (() => void)[] = []
      const steps = stepsOf(body, inner, inside, (at) => reading(at + turn * readings), points)
      const lasting = instr.outputs.flatMap((value): Output[] =>
        places[value]?.in === 'buffer' ? [bind(value, values[value], 0)] : [],
      )
      const run = (): void => {
        for (turn = 0; turn < times; turn++) {
          for (const point of points) point()
          for (const step of steps) step.run()
        }
      }
      return [...beginnings(instr, { places }).map(kernel), { lasting, run }]
    }
    return instrs.flatMap((instr) => (isRepeat(instr) ? loop(instr) : [kernel(instr)]))
  }

  const steps = stepsOf(program, plan, memoryIn(program, plan.places), (at) => numbers[at], [])
  return {
    run(bindings: Bindings): void {
      numbers = bindings.numbers
      point(args, (i) => bindings.args[i])
      point(results, (i) => bindings.results[i])
      const log = isCertain(device) ? null : new UndoLog()
      try {
        for (const [draw, output] of drawn) backend.write(output, bindings.draws[draw])
        for (const { lasting, run } of steps) {
          if (log !== null) for (const output of lasting) log.save(device, output)
          run()
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
  { run, rest, source }: Executable,
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
    rest,
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

const point = (bound: readonly Set<Pointed>[], to: (i: number) => DeviceBuffer): void =>
  bound.forEach((views, i) => {
    for (const view of views) view.buffer = to(i)
  })

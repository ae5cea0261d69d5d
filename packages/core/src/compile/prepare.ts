// From a recording to something that runs: the passes in order, the plan, and then the backend's own compilation or a
// replay.
import type { Backend } from '../backend/backend.ts'
import { type Executable, type Given, type Plan, type Program, standIn } from '../backend/program.ts'
import { isRepeat } from '../backend/repetition.ts'
import { isSupported } from '../backend/supported.ts'
import { numelOf } from '../base/shape.ts'
import type { Device } from '../tensor/device.ts'
import { plan } from './plan.ts'
import { borders } from './passes/borders.ts'
import { deadCode } from './passes/dead-code.ts'
import { epilogues } from './passes/epilogue.ts'
import { finish } from './passes/finish.ts'
import { inline, recompute } from './passes/inline.ts'
import { merge } from './passes/merge.ts'
import { gatherFirst, scatterLast } from './passes/gather-scatter.ts'
import { repeats } from './passes/repeats.ts'
import { settle } from './passes/settle.ts'
import { subexpressions } from './passes/subexpressions.ts'
import { unfused } from './passes/unfused.ts'
import { replay, restoring } from './replay.ts'

/** A pass turns a program into another one with the same results. */
export interface Pass {
  readonly name: string
  run(program: Program, backend: Backend): Program
  /** What it left unchanged, and why. */
  notes?(program: Program, backend: Backend): readonly string[]
}

export const passes: readonly Pass[] = [
  { name: 'dead code', run: deadCode },
  { name: 'common subexpressions', run: subexpressions },
  { name: 'repeat', run: repeats },
  { name: 'inline', run: inline },
  { name: 'epilogues', run: epilogues },
  { name: 'merge', run: merge },
  { name: 'gather', run: gatherFirst },
  { name: 'inline', run: inline },
  { name: 'finish', run: finish },
  { name: 'recompute', run: recompute, notes: unfused },
  { name: 'scatter', run: scatterLast },
  { name: 'borders', run: borders },
  { name: 'settle', run: settle },
]

export interface Stage {
  readonly name: string
  readonly program: Program
  /** What the pass left unchanged, and why; computed on demand. */
  readonly notes: readonly string[]
}

/** A program ready to run, with the results of every pass. */
export interface Prepared {
  readonly backend: Backend
  readonly program: Program
  readonly plan: Plan
  readonly executable: Executable
  /** Whether the backend compiled the program, or core replays it. */
  readonly compiled: boolean
  /** The program as recorded and after each pass: computed anew, because programs between passes take memory. */
  readonly stages: readonly Stage[]
  /** Replays on backends that wrap the device's own. */
  readonly watched: WeakMap<Backend, Executable>
}

/** Turns constants into memory that is written once. */
function withMemory(program: Program, backend: Backend): Program {
  const given = new Map<number, Given>()
  for (const [value, x] of program.given) {
    if (x.from !== 'constant') given.set(value, x)
    else {
      const spec = program.values[value]
      const buffer = backend.alloc(spec)
      backend.write({ ...spec, buffer }, x.data)
      given.set(value, { from: 'buffer', buffer })
    }
  }
  return { ...program, given }
}

/**
 * Whether the backend compiles the program as a whole; with one unsupported instruction it is replayed, and that
 * instruction runs elsewhere.
 */
const compiles = (program: Program, backend: Backend): boolean =>
  backend.compile !== undefined &&
  program.instrs.every((instr) =>
    isRepeat(instr)
      ? compiles(instr.attrs.body, backend)
      : isSupported(
          backend,
          standIn(program, instr, (value) => ({ backend, length: numelOf(program.values[value].sizes) })),
        ),
  )

/** Runs a pass on a program and on the bodies of its repetitions. */
function throughout(pass: Pass, program: Program, backend: Backend): Program {
  const made = pass.run(program, backend)
  if (!made.instrs.some(isRepeat)) return made
  const instrs = made.instrs.map((instr) =>
    isRepeat(instr) && program.instrs.includes(instr)
      ? { ...instr, attrs: { ...instr.attrs, body: throughout(pass, instr.attrs.body, backend) } }
      : instr,
  )
  return { ...made, instrs }
}

function compile(program: Program, plan: Plan, backend: Backend): Executable {
  const executable = (backend.compile as NonNullable<Backend['compile']>)(program, plan)
  return backend.caps.certain === true ? executable : restoring(executable, program, plan, backend)
}

/** The program as recorded, and after each pass. */
function* stagesOf(recorded: Program, backend: Backend, through: readonly Pass[]): Generator<Stage, void> {
  yield { name: 'recorded', program: recorded, notes: [] }
  let program = recorded
  for (const pass of through) {
    const { name, notes } = pass
    const made = throughout(pass, program, backend)
    yield {
      name,
      program: made,
      get notes() {
        return notes?.(made, backend) ?? []
      },
    }
    program = made
  }
}

/**
 * Runs the passes in order; a program that its backend does not compile gets whole buffers as its arena, and a replay.
 */
export function prepare(recorded: Program, backend: Backend, through: readonly Pass[] = passes): Prepared {
  let program = recorded
  for (const stage of stagesOf(recorded, backend, through)) ({ program } = stage)
  program = withMemory(program, backend)
  const compiled = compiles(program, backend)
  const planned = plan(program, compiled ? 'bytes' : 'buffers')
  const executable = compiled ? compile(program, planned, backend) : replay(program, planned, backend)
  return {
    backend,
    program,
    plan: planned,
    executable,
    compiled,
    get stages() {
      return [...stagesOf(recorded, backend, through)]
    },
    watched: new WeakMap(),
  }
}

/**
 * The executable of a prepared program, which hides the instructions, or, under a profiler, a replay that shows them.
 */
export function executableOn(prepared: Prepared, { own, backend }: Device): Executable {
  if (backend === own) return prepared.executable
  let executable = prepared.watched.get(backend)
  if (executable === undefined) {
    executable = replay(prepared.program, plan(prepared.program, 'buffers'), backend)
    prepared.watched.set(backend, executable)
  }
  return executable
}

// A planned program as one JavaScript function. Its text declares the memory as constants, and a small function for
// each instruction, which V8 optimises separately. A run opens the memory that changed and calls the functions in
// order.
import {
  type Backend,
  beginnings,
  contiguousLayout,
  type Executable,
  garbage,
  type HostBuffer,
  type Instr,
  isReading,
  isRepeat,
  isUse,
  type KernelInstr,
  type Operand,
  type Plan,
  type Program,
  type ProgramInstr,
  type RepeatInstr,
  runtime,
  withOperands,
} from '@flambeau/core/backend'
import { argReduceStep } from '../kernels/arg-reduce.ts'
import { outlineOf } from './outline.ts'
import { offsets } from '../text/along.ts'
import { indented } from '../text/loops.ts'
import { calledIn } from '../kernels/map.ts'
import { panel } from '../kernels/panels.ts'
import { type MapInstr, mapStep, mostStatements, statementsOf, straightStep } from './map.ts'
import { apart, contractStep } from './matmul.ts'
import { moveStep } from './move.ts'
import { ProgramMemory } from './memory.ts'
import { type Outline, ProgramSource } from './source.ts'

/** Instructions that the ordinary kernels run, over the memory of the program. */
class Kernels {
  readonly instrs: Instr[] = []
  readonly hosts: HostBuffer[] = []
  /** The numbers of the run. */
  numbers: Float64Array = new Float64Array(0)
  /** How far the readings have moved in the iterations of a repetition. */
  moved = 0

  add({ memory, program: { values } }: ProgramSource, instr: KernelInstr): string {
    const operands = instr.inputs.map((x): Operand => {
      if (isReading(x)) return { value: () => this.numbers[x.reading + this.moved], dtype: x.dtype }
      return isUse(x) ? { ...x, buffer: memory.host(x.value) } : x
    })
    const outs = instr.outputs.map((value) => ({
      ...values[value],
      ...contiguousLayout(values[value].sizes),
      buffer: memory.host(value),
    }))
    const k = this.instrs.push(withOperands(instr, operands, outs)) - 1
    return `run(instrs[${k}]) // ${instr.origin.name}`
  }
}

let programs = 0

/**
 * After a text of this many characters was written, its pieces are collected: V8 looks among old objects only when there
 * are twice as many, and the first run needs the memory for its arena. In its first runs loops that V8 has not compiled yet
 * make an object of each number (kernels/warming.ts).
 */
const longText = 2 ** 17
/** The runs in which they may. */
const coldRuns = 8

/** Instructions that become one function. */
interface Step {
  readonly instrs: readonly ProgramInstr[]
  /** In straight-line code: whether something else needs a value. */
  readonly leaves?: (value: number) => boolean
  readonly outline?: Outline
}

function stepsOf(source: ProgramSource): Step[] {
  const { instrs, kept, results } = source.program
  const readers = readersOf(source.program)
  const lasting = new Set([...kept.map(({ last }) => last), ...results.map(({ value }) => value)])
  const steps: Step[] = []
  for (let start = 0, end = 0; start < instrs.length; start = end) {
    const straight = straightEnd(source, start)
    end = Math.max(straight, start + 1)
    const taken = instrs.slice(start, end)
    if (straight === start) steps.push({ instrs: taken, outline: outlineOf(source, taken, '') })
    else {
      const to = end
      const leaves = (value: number): boolean =>
        lasting.has(value) || (readers.get(value) ?? []).some((reader) => reader >= to)
      const left = taken.flatMap(({ outputs }) => outputs.map(leaves))
      steps.push({ instrs: taken, leaves, outline: outlineOf(source, taken, `straight ${left}`) })
    }
  }
  return steps
}

/** Writes the functions and the calls of a program, or of the body of a repetition. */
function write(source: ProgramSource, kernels: Kernels): void {
  const steps = stepsOf(source)
  const counts = new Map<string, number>()
  for (const { outline } of steps)
    if (outline !== undefined) counts.set(outline.key, (counts.get(outline.key) ?? 0) + 1)
  for (const { instrs, leaves, outline: own } of steps) {
    const outline = own !== undefined && (counts.get(own.key) as number) > 1 ? own : undefined
    const [instr] = instrs
    if (leaves !== undefined) straightStep(source, instrs as MapInstr[], leaves, outline)
    else if (isRepeat(instr)) writeLoop(source, kernels, instr)
    else if (instr.kind === 'map') mapStep(source, instr, outline)
    else if (instr.kind === 'contract') contractStep(source, instr, outline)
    else if (instr.kind === 'argReduce' && instr.inputs.every(isUse)) argReduceStep(source, instr)
    else if (!moveStep(source, instr)) source.calls.push(kernels.add(source, instr))
  }
}

/** Writes a loop whose iterations call the functions of a body. */
function writeLoop(source: ProgramSource, kernels: Kernels, instr: RepeatInstr): void {
  for (const copy of beginnings(instr, source.memory.plan)) mapStep(source, copy)
  const { readings } = instr.attrs
  const body = source.body(separated(instr.attrs.body), instr)
  const before = kernels.instrs.length
  write(body, kernels)
  const opening = body.memory.binding(kernels.hosts)
  const counts = readings !== 0 && kernels.instrs.length > before
  if (counts) opening.push(`kernels.moved = ${body.moving}`)
  source.loop(body, instr.attrs, opening)
  if (counts) source.calls.push('kernels.moved = 0')
}

/** With those epilogues as instructions that are faster in a loop of their own. */
const separated = (program: Program): Program => ({
  ...program,
  instrs: program.instrs.flatMap((instr) => (instr.kind === 'contract' ? apart(program, instr) : [instr])),
})

/** The program as a function over an arena of its own. */
export function compileProgram(planned: Program, plan: Plan, backend: Backend): Executable {
  const program = separated(planned)
  const source = new ProgramSource(program, new ProgramMemory(program, plan, backend))
  const kernels = new Kernels()
  write(source, kernels)
  const opening = source.memory.binding(kernels.hosts)
  if (kernels.instrs.length > 0) opening.push('kernels.numbers = numbers', 'kernels.moved = 0')
  const text = source.lines(opening).join('\n')
  const make = new Function(
    'run',
    'buffers',
    'kernels',
    'errors',
    'runtime',
    'panel',
    'offsets',
    // V8 treats constants as constant in a function that was made once, so no two texts may be the same.
    `const { instrs, hosts } = kernels\n${calledIn(text)}\n${text}\n//# sourceURL=flambeau-program-${programs++}.js`,
  )
  const run = make(
    (instr: Instr) => backend.run(instr),
    source.memory.constants.buffers,
    kernels,
    source.errors,
    runtime,
    panel,
    offsets,
  )
  const executable = {
    run,
    // A getter, because people rarely ask for the source; V8 keeps a copy, which begins and ends with lines of its own.
    get source() {
      return indented(make.toString().split('\n').slice(4, -2))
    },
  }
  if (text.length >= longText) {
    let runs = 0
    executable.run = (...given: never[]) => {
      if (runs === coldRuns - 1) executable.run = run
      garbage.holding(() => {
        // When nothing needs the pieces of the text any more.
        if (runs++ === 0) garbage.objects()
        run(...given)
      })
    }
  }
  return executable
}

/** The instructions that read each value, by their positions. */
function readersOf({ instrs }: Program): Map<number, number[]> {
  const readers = new Map<number, number[]>()
  instrs.forEach(({ inputs }, i) => {
    for (const x of inputs) {
      if (!isUse(x)) continue
      const known = readers.get(x.value)
      if (known === undefined) readers.set(x.value, [i])
      else known.push(i)
    }
  })
  return readers
}

/** The end of the instructions from `start` on that become one function of straight-line code. */
function straightEnd(source: ProgramSource, start: number): number {
  const { instrs } = source.program
  let statements = 0
  let end = start
  while (end < instrs.length) {
    const more = statementsOf(source, instrs[end])
    if (more === 0 || statements + more > mostStatements) break
    statements += more
    end++
  }
  return end
}

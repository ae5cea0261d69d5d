// A planned program as one JavaScript function. Its text declares the memory as constants and a small function for every
// instruction, which V8 optimises apart from the others; a run opens what changed and calls them in order.
import {
  type Backend,
  contiguousLayout,
  type Executable,
  type HostBuffer,
  type Instr,
  isReading,
  isUse,
  type Operand,
  type Plan,
  type Program,
  type ProgramInstr,
  runtime,
} from '@flambeau/core/backend'
import { runtimeNames } from './map.ts'
import { type MapInstr, mapStep, mostStatements, statementsOf, straightStep } from './map-program.ts'
import { matmulStep } from './matmul-program.ts'
import { moveStep } from './move-program.ts'
import { ProgramMemory } from './program-memory.ts'
import { ProgramSource } from './program-source.ts'

/** Instructions that the ordinary kernels run, over the program's memory. */
class Kernels {
  readonly instrs: Instr[] = []
  readonly hosts: HostBuffer[] = []
  /** The numbers of the run. */
  numbers: Float64Array = new Float64Array(0)

  add(
    { memory, program: { values } }: ProgramSource,
    { kind, attrs, inputs, outputs, check, origin }: ProgramInstr,
  ): string {
    const operands = inputs.map((x): Operand => {
      if (isReading(x)) return { value: () => this.numbers[x.reading], dtype: x.dtype }
      return isUse(x) ? { ...x, buffer: memory.host(x.value) } : x
    })
    const outs = outputs.map((value) => ({
      ...values[value],
      ...contiguousLayout(values[value].shape),
      buffer: memory.host(value),
    }))
    const k = this.instrs.push({ kind, attrs, inputs: operands, outputs: outs, check, origin }) - 1
    return `run(instrs[${k}]) // ${origin.name}`
  }
}

let programs = 0

/** The program as a function over an arena of its own. */
export function compileProgram(program: Program, plan: Plan, backend: Backend): Executable {
  const source = new ProgramSource(program, new ProgramMemory(program, plan, backend))
  const kernels = new Kernels()
  const { instrs } = program
  const readers = readersOf(program)
  for (let i = 0; i < instrs.length; i++) {
    const end = straightEnd(source, i)
    if (end > i) {
      const leaves = (value: number): boolean =>
        plan.places[value]?.in !== 'arena' || (readers.get(value) ?? []).some((reader) => reader < i || reader >= end)
      straightStep(source, instrs.slice(i, end) as MapInstr[], leaves)
      i = end - 1
    } else if (instrs[i].kind === 'map') mapStep(source, instrs[i] as MapInstr)
    else if (instrs[i].kind === 'matmul') matmulStep(source, instrs[i] as ProgramInstr<'matmul'>)
    else if (!moveStep(source, instrs[i])) source.calls.push(kernels.add(source, instrs[i]))
  }
  const opening = source.memory.binding(kernels.hosts)
  if (kernels.instrs.length > 0) opening.push('kernels.numbers = numbers')
  const text = source.text(opening)
  const make = new Function(
    'run',
    'buffers',
    'kernels',
    'errors',
    'runtime',
    // V8 takes constants for constant in a function that was made once, so no two texts may be the same.
    `const { instrs, hosts } = kernels\nconst { ${runtimeNames} } = runtime\n${text}\n//# sourceURL=flambeau-program-${programs++}.js`,
  )
  const run = make((instr: Instr) => backend.run(instr), source.memory.buffers, kernels, source.errors, runtime)
  return { run, source: text }
}

/** Which instructions read a value, by their positions. */
function readersOf({ instrs }: Program): Map<number, number[]> {
  const readers = new Map<number, number[]>()
  instrs.forEach(({ inputs }, i) => {
    for (const x of inputs) if (isUse(x)) readers.set(x.value, [...(readers.get(x.value) ?? []), i])
  })
  return readers
}

/** Where the instructions from `start` on end that become one function of straight-line code. */
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

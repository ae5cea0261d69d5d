// A planned program as one JavaScript function. Its text declares the memory as constants and a small function for every
// instruction, which V8 optimises apart from the others; a run opens what changed and calls them in order.
import {
  type Backend,
  contiguousLayout,
  type Executable,
  type Instr,
  isReading,
  isUse,
  type Operand,
  type Plan,
  type Program,
  type ProgramInstr,
} from '@flambeau/core/backend'
import type { HostBuffer } from './memory.ts'
import { ProgramMemory } from './program-memory.ts'

/** What the text refers to besides its own constants. */
interface Environment {
  readonly instrs: Instr[]
  readonly hosts: HostBuffer[]
  /** The numbers of the run, for the instructions that are run by kernels. */
  readonly numbers: { current: Float64Array }
}

export function compileProgram(program: Program, plan: Plan, backend: Backend): Executable {
  const memory = new ProgramMemory(program, plan, backend)
  const environment: Environment = { instrs: [], hosts: [], numbers: { current: new Float64Array(0) } }
  const calls: string[] = []
  for (const instr of program.instrs) {
    const k = environment.instrs.push(kernelInstr(program, memory, environment, instr)) - 1
    calls.push(`run(instrs[${k}]) // ${instr.origin.name}`)
  }
  const opening = memory.binding(environment.hosts)
  const source = [
    ...memory.declarations,
    'return ({ numbers, draws, args, results }) => {',
    'current.current = numbers',
    ...opening,
    ...calls,
    '}',
  ].join('\n')
  const make = new Function('run', 'buffers', 'instrs', 'hosts', 'current', source)
  const run = make(
    (instr: Instr) => backend.run(instr),
    memory.buffers,
    environment.instrs,
    environment.hosts,
    environment.numbers,
  )
  return { run, source }
}

/** An instruction for the ordinary kernels, over the program's memory. */
function kernelInstr(
  { values }: Program,
  memory: ProgramMemory,
  { numbers }: Environment,
  { kind, attrs, inputs, outputs, check, origin }: ProgramInstr,
): Instr {
  const operands = inputs.map((x): Operand => {
    if (isReading(x)) return { value: () => numbers.current[x.reading], dtype: x.dtype }
    return isUse(x) ? { ...x, buffer: memory.host(x.value) } : x
  })
  const outs = outputs.map((value) => ({
    ...values[value],
    ...contiguousLayout(values[value].shape),
    buffer: memory.host(value),
  }))
  return { kind, attrs, inputs: operands, outputs: outs, check, origin }
}

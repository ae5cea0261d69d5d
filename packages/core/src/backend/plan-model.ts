// The model that tests and the checked backend check plans with: the memory of a program as ranges with owners, written
// and read instruction by instruction. It shares no code with the planner.
import { dtypeSize } from '../base/dtype.ts'
import { numelOf } from '../base/shape.ts'
import { isUse, type Place, type Plan, type Program, type ProgramInstr, type RepeatInstr, type Use } from './program.ts'
import { isRepeat, operandOf } from './repetition.ts'

interface Range {
  readonly memory: unknown
  readonly from: number
  readonly to: number
}

export const bytesOf = ({ values }: Program, value: number): number =>
  numelOf(values[value].sizes) * dtypeSize[values[value].dtype]

function rangeOf(program: Program, plan: Plan, value: number): Range {
  const place: Place | undefined = plan.places[value]
  const bytes = bytesOf(program, value)
  if (place?.in === 'arena') return { memory: 'arena', from: place.at, to: place.at + bytes }
  // Constants get their memory after settling.
  const memory = place === undefined ? value : place.in === 'buffer' ? place.buffer : JSON.stringify(place)
  return { memory, from: 0, to: bytes }
}

const overlap = (a: Range, b: Range): boolean => a.memory === b.memory && a.from < b.to && b.from < a.to

const wholeRow = (program: Program, use: Use): boolean => {
  let step = 1
  for (let d = use.sizes.length - 1; d >= 0; d--) {
    if (use.sizes[d] !== 1 && use.strides[d] !== step) return false
    step *= use.sizes[d]
  }
  return use.offset === 0 && step === numelOf(program.values[use.value].sizes)
}

/** Why output `k` must not be written over an input; undefined if it may. */
function hazard(program: Program, plan: Plan, instr: ProgramInstr, k: number): string | undefined {
  const out = rangeOf(program, plan, instr.outputs[k])
  for (const [i, x] of instr.inputs.entries()) {
    if (!isUse(x) || numelOf(x.sizes) === 0) continue
    const range = rangeOf(program, plan, x.value)
    if (!overlap(out, range)) continue
    const inMap = instr.kind === 'map' && instr.attrs.outs[k].reduce === undefined
    const base =
      instr.kind === 'repeat'
        ? k < instr.attrs.body.kept.length && operandOf(instr, k) === i
        : (instr.kind === 'assign' || instr.kind === 'scatter') && i === 0
    const together = out.from === range.from && out.to === range.to && wholeRow(program, x)
    if (!together || !(inMap || base)) return `v${instr.outputs[k]} is written while v${x.value} is read`
  }
  return undefined
}

/** The fault in the body of a repetition: in its plan, or in its arena, which no other value may share meanwhile. */
function wrongInside(
  program: Program,
  plan: Plan,
  instr: RepeatInstr,
  owners: { value: number; range: Range }[],
): string | undefined {
  const body = plan.bodies.get(instr)
  if (body === undefined) return 'the body of a repetition has no plan'
  const { at, plan: inner } = body
  const arena = { memory: 'arena', from: at, to: at + inner.bytes }
  if (arena.to > plan.bytes && inner.bytes > 0) return 'the arena of a body is outside of the arena around it'
  for (const value of [...instr.outputs, ...instr.inputs.map((x) => x.value)]) {
    if (overlap(arena, rangeOf(program, plan, value))) return `v${value} is in the arena of the body`
  }
  for (let i = owners.length - 1; i >= 0; i--) if (overlap(owners[i].range, arena)) owners.splice(i, 1)
  const wrong = wrongIn(instr.attrs.body, inner)
  return wrong === undefined ? undefined : `in the body, ${wrong}`
}

/**
 * The fault of a plan: a value that is read, kept or returned while its memory holds another one; undefined if there is
 * none.
 */
export function wrongIn(program: Program, plan: Plan): string | undefined {
  const owners: { value: number; range: Range }[] = []
  const write = (value: number): void => {
    const range = rangeOf(program, plan, value)
    for (let i = owners.length - 1; i >= 0; i--) if (overlap(owners[i].range, range)) owners.splice(i, 1)
    owners.push({ value, range })
  }
  const holds = (value: number): boolean => owners.some((owner) => owner.value === value)
  for (const value of program.given.keys()) if (bytesOf(program, value) > 0) write(value)
  for (const [at, instr] of program.instrs.entries()) {
    for (const x of instr.inputs) {
      if (isUse(x) && numelOf(x.sizes) > 0 && !holds(x.value)) return `instruction ${at} reads v${x.value}, overwritten`
    }
    const inside = isRepeat(instr) ? wrongInside(program, plan, instr, owners) : undefined
    if (inside !== undefined) return `instruction ${at}: ${inside}`
    for (const k of instr.outputs.keys()) {
      const wrong = hazard(program, plan, instr, k)
      if (wrong !== undefined) return `instruction ${at}: ${wrong}`
    }
    instr.outputs.forEach(write)
    const lost = instr.outputs.find((value) => !holds(value))
    if (lost !== undefined) return `instruction ${at} writes two outputs over each other: v${lost}`
  }
  for (const { first, last } of program.kept) {
    if (!holds(last) || rangeOf(program, plan, first).memory !== rangeOf(program, plan, last).memory)
      return `v${last} is not in the place of v${first} at the end`
  }
  const gone = program.results.find(({ value, sizes }) => numelOf(sizes) > 0 && !holds(value))
  if (gone !== undefined) return `v${gone.value} is returned and was overwritten`
  const outside = plan.places.findIndex(
    (place, value) => place?.in === 'arena' && end(program, plan, value) > plan.bytes,
  )
  if (outside >= 0) return `v${outside} is outside of the arena`
  const given = [...program.given].filter(([value]) => !program.kept.some(({ first }) => first === value))
  const written = given.find(([value]) => bytesOf(program, value) > 0 && !holds(value))
  return written === undefined ? undefined : `v${written[0]}, not the step's, was overwritten`
}

const end = (program: Program, plan: Plan, value: number): number => rangeOf(program, plan, value).to

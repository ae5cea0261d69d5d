// Describes the program that compile() made of a step: before and after each pass, its memory, and how it runs; and as
// a flowchart.
import type { BodyPlan, Plan, Program } from '../backend/program.ts'
import { isRepeat } from '../backend/repetition.ts'
import { dtypeSize } from '../base/dtype.ts'
import { numelOf } from '../base/shape.ts'
import { usesOf } from './alias.ts'
import { leastArena } from './plan.ts'
import type { Prepared } from './prepare.ts'
import { givenText, programText, valueText } from './text.ts'

const counted = (n: number, what: string): string => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`
const indented = (lines: readonly string[], by = '  '): string[] => lines.map((line) => `${by}${line}`)

/**
 * Lines that only one of two programs has; values keep their numbers, so an unchanged instruction gives the same line.
 */
function changes(before: Program, after: Program): string[] {
  const [old, now] = [before, after].map((program) => programText(program).split('\n'))
  const [was, is] = [new Set(old), new Set(now)]
  return [
    ...indented(
      old.filter((line) => !is.has(line)),
      '- ',
    ),
    ...indented(
      now.filter((line) => !was.has(line)),
      '+ ',
    ),
  ]
}

const countChange = (before: number, after: number): string =>
  before === after ? `still ${counted(after, 'instruction')}` : `${counted(before, 'instruction')}, then ${after}`

function passesText(stages: Prepared['stages']): string[] {
  const [{ program: recorded }] = stages
  const lines = [
    `As recorded: ${counted(recorded.instrs.length, 'instruction')}`,
    ...indented(programText(recorded).split('\n')),
  ]
  for (let i = 1; i < stages.length; i++) {
    const { name, program, notes = [] } = stages[i]
    const before = stages[i - 1].program
    const found = changes(before, program)
    lines.push('')
    if (found.length === 0) lines.push(`${name}: nothing to do`)
    else lines.push(`${name}: ${countChange(before.instrs.length, program.instrs.length)}`)
    lines.push(...indented([...found, ...notes]))
  }
  return lines
}

/** The values in the arena of a program and of the bodies in it: their bytes and places. */
function insideOf({ instrs, values }: Program, { places, bodies }: Plan, from = 0): { bytes: number; at: number }[] {
  return instrs.flatMap((instr) => {
    const own = instr.outputs.flatMap((value) => {
      const place = places[value]
      const { sizes, dtype } = values[value]
      return place?.in === 'arena' ? [{ bytes: numelOf(sizes) * dtypeSize[dtype], at: from + place.at }] : []
    })
    if (!isRepeat(instr)) return own
    const { plan, at } = bodies.get(instr) as BodyPlan
    return [...own, ...insideOf(instr.attrs.body, plan, from + at)]
  })
}

function memoryText({ program, plan, compiled }: Prepared): string {
  const inside = insideOf(program, plan)
  if (inside.length === 0) return 'Memory: nothing but what was there before and what leaves the step'
  const apart = inside.reduce((sum, { bytes }) => sum + bytes, 0)
  const places = new Set(inside.map(({ at }) => at)).size
  const holder = compiled ? 'an arena' : counted(places, 'buffer')
  return (
    `Memory: ${counted(inside.length, 'value')} inside the step, ${counted(apart, 'byte')}, in ${holder} of ` +
    `${counted(plan.bytes, 'byte')}; at most ${leastArena(program).toLocaleString('en')} are in use at one time`
  )
}

/** The number of kernels in a run; those of a repetition count in every iteration. */
const kernelsOf = ({ instrs }: Program): number =>
  instrs.reduce((sum, instr) => sum + (isRepeat(instr) ? instr.attrs.times * kernelsOf(instr.attrs.body) : 1), 0)

function runText({ backend, executable, program, compiled }: Prepared): string {
  const { source } = executable
  if (!compiled) return `Run: by ${counted(kernelsOf(program), 'kernel')} of ${backend.name}, one after the other`
  return `Run: compiled by ${backend.name}${source === undefined ? '' : `, ${counted(source.length, 'character')} of source`}`
}

/** The program of a step as recorded, the changes of each pass, the final program, its memory, and how it runs. */
export function explain(prepared: Prepared): string {
  const { program, plan, stages } = prepared
  return [
    ...passesText(stages),
    '',
    `As it runs: ${counted(program.instrs.length, 'instruction')}; @ says where a value lies`,
    ...indented(programText(program, plan).split('\n')),
    '',
    memoryText(prepared),
    runText(prepared),
  ].join('\n')
}

const label = (text: string): string => `"${text.replaceAll('"', '&quot;')}"`

/**
 * The final program as a Mermaid flowchart: boxes are instructions, arrows values, rounded boxes inputs and outputs.
 */
export function graph({ program }: Prepared): string {
  const source = new Map<number, string>()
  const lines: string[] = []
  const node = (id: string, text: string, rounded: boolean): void =>
    void lines.push(rounded ? `${id}([${label(text)}])` : `${id}[${label(text)}]`)
  const edge = (value: number, to: string): void => {
    const text = program.given.has(value) ? '' : ` -- ${label(valueText(program, value))}`
    lines.push(`${source.get(value)}${text} --> ${to}`)
  }

  for (const [value, given] of program.given) {
    source.set(value, `v${value}`)
    node(`v${value}`, `${valueText(program, value)}: ${givenText(given)}`, true)
  }
  program.instrs.forEach((instr, i) => {
    const kind = isRepeat(instr) ? `${instr.attrs.times} times` : instr.kind
    node(`i${i}`, instr.origin.name === kind ? kind : `${instr.origin.name} (${kind})`, false)
    for (const value of new Set(usesOf(instr).map((use) => use.value))) edge(value, `i${i}`)
    for (const value of instr.outputs) source.set(value, `i${i}`)
  })
  for (const { first, last } of program.kept) {
    node(`k${first}`, `kept in place of v${first}`, true)
    edge(last, `k${first}`)
  }
  program.results.forEach(({ value }, i) => {
    node(`r${i}`, `result ${i}`, true)
    edge(value, `r${i}`)
  })
  return ['flowchart TD', ...indented(lines)].join('\n')
}

// A program as readable text, one line per instruction, for `explain()` and the tests of passes.
import type { MapOut } from '../backend/backend.ts'
import {
  type Given,
  type HostStep,
  isReading,
  isUse,
  type Place,
  type Plan,
  type Program,
  type KernelInstr,
  type ProgramInstr,
  type ProgramOperand,
  type RepeatInstr,
} from '../backend/program.ts'
import { isContiguous } from '../base/layout.ts'
import { numelOf, type Shape, sameShape } from '../base/shape.ts'
import { type Expr, exprString, topological } from '../expr/expr.ts'

const listed = (xs: Shape): string => xs.join(', ')

function operandText(program: Program, x: ProgramOperand): string {
  if (isReading(x)) return `reading ${x.reading}`
  if (!isUse(x)) return String(x.value)
  const { sizes } = program.values[x.value]
  const whole = x.offset === 0 && isContiguous(x) && numelOf(sizes) === numelOf(x.sizes)
  if (whole) return sameShape(sizes, x.sizes) ? `v${x.value}` : `v${x.value} as [${listed(x.sizes)}]`
  const offset = x.offset === 0 ? '' : ` from ${x.offset}`
  return `v${x.value} as [${listed(x.sizes)}] by (${listed(x.strides)})${offset}`
}

/** Expressions with a name for each node that is used more than once. */
function exprsText(roots: readonly Expr[]): { readonly shared: readonly string[]; readonly texts: readonly string[] } {
  const order = topological(roots)
  const uses = new Map<Expr, number>()
  for (const x of [...order.flatMap((node) => node.args), ...roots]) uses.set(x, (uses.get(x) ?? 0) + 1)
  const names = new Map<Expr, string>()
  const shared: string[] = []
  for (const x of order) {
    if (x.args.length === 0 || (uses.get(x) as number) < 2) continue
    const text = exprString(x, names)
    names.set(x, `t${shared.length}`)
    shared.push(`${names.get(x)} = ${text}`)
  }
  return { shared, texts: roots.map((root) => exprString(root, names)) }
}

function mapText(outs: readonly MapOut[]): string {
  const { shared, texts } = exprsText(outs.map((out) => out.expr))
  const parts = outs.map(({ reduce }, k) => {
    if (reduce === undefined) return texts[k]
    const { fn, axes, post } = reduce
    const reduced = `${fn} over ${listed(axes)} of ${texts[k]}`
    if (post === undefined) return reduced
    return exprString(post, new Map(topological([post]).flatMap((x) => (x.step === 'input' ? [[x, reduced]] : []))))
  })
  return [...shared, ...parts].join('; ')
}

function attrsText({ kind, attrs }: KernelInstr): string {
  if (kind === 'map') return ` { ${mapText(attrs.outs)} }`
  const { post, ...counts } = attrs as { readonly post?: Expr; readonly batch?: number; readonly sum?: number }
  // Most contractions multiply two matrices.
  const rest = kind === 'contract' && counts.batch === 0 && counts.sum === 1 ? {} : counts
  const parts = Object.entries(rest).map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
  if (post !== undefined) parts.push(mapText([{ expr: post }]))
  return parts.length === 0 ? '' : ` { ${parts.join('; ')} }`
}

function placeText(place: Place | undefined): string {
  if (place === undefined) return ''
  if (place.in === 'buffer') return ' @buffer'
  if (place.in === 'arena') return ` @${place.at}`
  if (place.in === 'argument') return ` @argument ${place.argument}`
  if (place.in === 'operand') return ` @operand ${place.operand}`
  return place.in === 'draw' ? ` @draw ${place.draw}` : ` @result ${place.result}`
}

export function givenText(given: Given): string {
  if (given.from === 'buffer') return 'memory from before the step'
  if (given.from === 'argument') return `argument ${given.argument}`
  if (given.from === 'draw') return `draw ${given.draw}`
  if (given.from === 'operand') return `operand ${given.operand}`
  const { data } = given
  return `constant ${data.length > 4 ? `${data.slice(0, 4).join(', ')}, ...` : data.join(', ')}`
}

function hostText(step: HostStep): string {
  if (step.kind === 'effect' || step.kind === 'stream') return step.kind
  return step.kind === 'reading' ? `reading ${step.reading}` : `draw ${step.draw}`
}

/** A repetition: its inputs and outputs, then its body, whose values have numbers of their own. */
function repeatText(program: Program, instr: RepeatInstr, outputs: string, plan?: Plan): string {
  const { times, body, moves, steps, readings } = instr.attrs
  const inputs = instr.inputs.map(
    (x, i) => `${operandText(program, x)}${moves[i] === 0 ? '' : ` moving by ${moves[i]}`}`,
  )
  const rest = steps.map((step) => (step === 0 ? 'the last' : `moving by ${step}`))
  const out = [...body.kept.map(() => 'kept'), ...rest].join(', ')
  const read = readings === 0 ? '' : `, readings moving by ${readings}`
  const planned = plan?.bodies.get(instr)
  const arena = (planned?.plan.bytes ?? 0) === 0 ? '' : `, arena @${planned?.at}`
  const inner = programText(body, planned?.plan).split('\n')
  return [
    `${outputs} = repeat ${times} times (${inputs.join(', ')}) { outputs: ${out}${read}${arena} }  # ${instr.origin.name}`,
    ...inner.map((line) => `  | ${line}`),
  ].join('\n')
}

/** An instruction of a program in one line; a repetition has further lines for the instructions of its body. */
export function instrText(program: Program, instr: ProgramInstr, plan?: Plan): string {
  const outputs = instr.outputs.map((value) => `${valueText(program, value)}${placeText(plan?.places[value])}`)
  if (instr.kind === 'repeat') return repeatText(program, instr, outputs.join('; '), plan)
  const inputs = instr.inputs.map((x) => operandText(program, x)).join(', ')
  const check = instr.check === undefined ? '' : ` check ${exprString(instr.check.expr)}`
  return `${outputs.join('; ')} = ${instr.kind}(${inputs})${attrsText(instr)}${check}  # ${instr.origin.name}`
}

export const valueText = ({ values }: Program, value: number): string =>
  `v${value} ${values[value].dtype}[${listed(values[value].sizes)}]`

/** A program, with the places of its values if a plan is given, as readable text. */
export function programText(program: Program, plan?: Plan): string {
  const { given, host, instrs, kept, results } = program
  return [
    ...[...given].map(([value, x]) => `${valueText(program, value)}: ${givenText(x)}`),
    ...(host.length === 0 ? [] : [`host: ${host.map(hostText).join(', ')}`]),
    ...instrs.map((instr) => instrText(program, instr, plan)),
    ...kept.map(({ first, last }) => `kept: v${last} in place of v${first}`),
    ...(results.length === 0 ? [] : [`results: ${results.map((use) => operandText(program, use)).join('; ')}`]),
  ].join('\n')
}

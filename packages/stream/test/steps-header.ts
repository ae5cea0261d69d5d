// The C++ vocabulary of scalar steps, as native/src/steps.h has it: numbers by the table of this package, everything else
// by core's records. tools/steps.mjs writes it, tables.test.ts compares.
import { type Computed, stepDef } from '@flambeau/core/backend'
import { steps } from '../src/expression.ts'
import { header } from './header.ts'

/** Words that C++ keeps to itself. */
const kept: Readonly<Record<string, string>> = { const: 'constant', and: 'and_', or: 'or_', xor: 'xor_', not: 'not_' }
const nameOf = (step: string): string => kept[step] ?? step

const wrapped = (words: readonly string[], indent: string, end = ''): string[] => {
  const lines: string[] = []
  let line = indent
  for (const word of words) {
    if (line.length + word.length + end.length > 118 && line !== indent) {
      lines.push(line.trimEnd() + end)
      line = indent
    }
    line += `${word} `
  }
  return [...lines, line.trimEnd()]
}

interface Info {
  readonly step: string
  readonly operands: number
  readonly rule: string
  readonly work: string
}

function infoOf(step: string): Info {
  if (step === 'const') return { step: 'constant', operands: 0, rule: 'constant', work: 'simple' }
  const { arity, rule, work } = stepDef(step as Computed)
  // Core leaves whole numbers alone before they come here.
  return { step: nameOf(step), operands: arity, rule: rule === 'rounding' ? 'floating' : rule, work }
}

export function stepsHeader(): string {
  const names = Object.keys(steps) as (keyof typeof steps)[]
  const infos = names.sort((a, b) => steps[a] - steps[b]).map(infoOf)
  const rules = [...new Set(infos.map(({ rule }) => rule))]
  const works = ['simple', 'remainder', 'call']
  const cases = rules.flatMap((rule) => {
    const of = infos.filter((info) => info.rule === rule)
    const labels = of.map(({ step }, i) => `case Step::${step}${i === of.length - 1 ? '' : ':'}`)
    return [`#define CASES_OF_${rule} \\`, ...wrapped(labels, '  ', ' \\')]
  })
  return header(
    [
      'The scalar steps of expressions: written by tools/steps.mjs, from the records in packages/core/src/expr/steps and the',
      'numbers in packages/stream/src/expression.ts. Change those, never this.',
    ],
    [
      'enum class Step : int32_t {',
      ...wrapped([...infos.map(({ step }) => `${step},`), 'count'], '  '),
      '};',
      '',
      "/** Which dtypes a step takes and gives: StepRule in core's expr/step.ts. */",
      `enum class Rule : int32_t { ${rules.join(', ')} };`,
      '/** How much work it is. */',
      `enum class Work : int32_t { ${works.join(', ')} };`,
      '',
      'struct StepInfo {',
      '  int32_t operands;',
      '  Rule rule;',
      '  Work work;',
      '};',
      'constexpr StepInfo stepInfos[] = {',
      ...infos.map(({ step, operands, rule, work }) => `  {${operands}, Rule::${rule}, Work::${work}},  // ${step}`),
      '};',
      'constexpr StepInfo info_of(Step step) { return stepInfos[static_cast<int32_t>(step)]; }',
      '',
      '// The steps of each rule, for switches that name the steps of the others.',
      ...cases,
    ],
  )
}

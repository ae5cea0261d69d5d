// The matrix: one cell for every op and applicable check. A cell runs all samples of the op and fails with the list of
// those that went wrong. Each check declares what it tests, so that core's own code is not tested once per backend.
// Cells are plain data, so that a test of the suite itself can run them without vitest.
import { type Backend, CheckedBackend } from '@flambeau/core/backend'
import * as grads from './checks/gradients.ts'
import * as layouts from './checks/layouts.ts'
import { backendCells } from './checks/backend.ts'
import { claimCells } from './checks/claims.ts'
import { compositeCases } from './checks/composites.ts'
import * as derived from './checks/derived.ts'
import { nothingKept } from './checks/memory.ts'
import { programCases } from './checks/programs.ts'
import * as random from './checks/random.ts'
import * as variants from './checks/variants.ts'
import * as values from './checks/values.ts'
import * as views from './checks/views.ts'
import { type Case, type Check, type Cell, type Subject, subjectsOf, type Variant } from './subject.ts'

/**
 * What a check tests: `core`, the code above any backend; `backend`, how a backend handles instructions and memory;
 * `kernels`, the numbers that its kernels compute.
 */
export type Level = 'core' | 'backend' | 'kernels'
const levels: readonly Level[] = ['core', 'backend', 'kernels']

export interface CellOptions {
  /**
   * Run the checks from this level on; by default `core`, which is all. Use `backend` for a second backend beside one
   * that ran all checks, `kernels` for other kernels of the same backend, which get each layout of inputs, and a step,
   * for every fourth op, of one sample for each combination of dtypes.
   */
  readonly level?: Level
  /** Whether results must be equal in the last bit for every layout and mode; false compares within the tolerance. */
  readonly bitwise?: boolean
  /** Other ways to perform a call (compiled, another device, ...), each compared with the plain one. */
  readonly variants?: Readonly<Record<string, Variant>>
  /**
   * For a backend without float64: a reference backend to compare gradients with, from level `backend` on. Those of its other
   * kernels are compared with PyTorch's alone.
   */
  readonly reference?: Backend
  /** Names of the checks to run; by default all. */
  readonly checks?: readonly string[]
  /** Names of the ops to check; by default all, and the compositions that the backend has kernels for. */
  readonly ops?: readonly string[]
  /** How many random shapes to draw for each op. */
  readonly runs?: number
  /** Run every n-th random program, none for Infinity; by default every tenth at level `kernels`, otherwise all. */
  readonly nthProgram?: number
}

/** Every check of an op, with its level. */
const leveled: Readonly<Record<string, readonly [Level, Check]>> = {
  'golden values': ['kernels', values.golden],
  'golden gradients': ['kernels', values.gradients],
  // At level `kernels`, because kernels also refuse indices and values.
  errors: ['kernels', values.errors],
  method: ['core', values.method],
  'in place': ['backend', values.inPlace],
  'write through': ['backend', views.throughViews],
  gradcheck: ['backend', grads.first],
  gradgradcheck: ['core', grads.second],
  'transposed inputs': ['kernels', layouts.equalFrom('transposed')],
  'sliced inputs': ['kernels', layouts.equalFrom('sliced')],
  'flipped inputs': ['kernels', layouts.equalFrom('flipped')],
  'expanded inputs': ['kernels', layouts.expanded],
  'special values': ['kernels', derived.specialValues],
  nothing: ['kernels', derived.nothing],
  'random shapes': ['backend', random.shapes],
  compiled: ['backend', variants.compiled],
  'compiled gradients': ['core', variants.compiledGradients],
  'compiled training': ['kernels', variants.compiledTraining],
}
/** At level `kernels` each op gets one of these in turn, unless `checks` names them. */
const inTurn = ['transposed inputs', 'sliced inputs', 'flipped inputs', 'expanded inputs']

/**
 * What replaces a check there. Layouts are for what reads elements, and steps for the kernels of several ops: kernels of an
 * op's own are run by other checks, with all samples.
 */
const once: Readonly<Record<string, readonly [Level, Check]>> = Object.fromEntries([
  ...inTurn.map((name) => [name, ['kernels', layouts.once(leveled[name][1])]]),
  ...Object.entries(variants.once).map(([name, check]) => [name, ['kernels', check]]),
])

export const checks: Readonly<Record<string, Check>> = Object.fromEntries(
  Object.entries(leveled).map(([name, [, check]]) => [name, check]),
)

/**
 * All cells of a backend, which becomes the current device whenever one of them runs. If it is a checked backend, an
 * error that it detects fails the cell, even if the cell caught the error.
 */
export const cellsOf = (backend: Backend, options: CellOptions = {}): Cell[] => {
  const from = levels.indexOf(options.level ?? 'core')
  const takesTurns = options.level === 'kernels' && options.checks === undefined
  const wanted = (name: string, level: Level) =>
    levels.indexOf(level) >= from && (options.checks?.includes(name) ?? true)
  const all: readonly (readonly [name: string, check: Check])[] = [
    ...Object.entries(takesTurns ? { ...leveled, ...once } : leveled).flatMap(([name, [level, check]]) =>
      wanted(name, level) ? [[name, check] as const] : [],
    ),
    ...Object.entries({
      'gradients like the reference': grads.likeReference(options.reference),
      ...Object.fromEntries(
        Object.entries(options.variants ?? {}).map(([name, variant]) => [name, variants.like(variant)]),
      ),
    }).filter(([name]) => wanted(name, name === 'gradients like the reference' ? 'backend' : 'kernels')),
  ]
  const checked = backend instanceof CheckedBackend ? backend : undefined
  const inner = checked?.inner ?? backend
  const subjects = subjectsOf(backend, {
    core: from === 0,
    bitwise: options.bitwise ?? true,
    runs: options.runs ?? 30,
  }).filter(({ op }) => options.ops?.includes(op) ?? true)
  const cell = (name: string, cases: readonly Case[]): Cell[] =>
    cases.length === 0 ? [] : [{ name, run: () => runCases(cases, checked) }]
  const isTurn = (name: string, i: number): boolean =>
    !takesTurns || !inTurn.includes(name) || inTurn[i % inTurn.length] === name
  /** Every fourth op of a family that has steps, from its first one on, because the ops of a family are computed alike. */
  const counts = new Map<string, number>()
  const isFourth = (name: string, { family }: Subject): boolean => {
    if (!takesTurns || !(name in variants.once) || options.ops !== undefined) return true
    const count = counts.get(`${family} ${name}`) ?? 0
    counts.set(`${family} ${name}`, count + 1)
    return count % 4 === 0
  }
  const cells = subjects.flatMap((subject, i) =>
    all.flatMap(([name, check]) => {
      const cases = isTurn(name, i) ? check(subject) : []
      return cases.length > 0 && isFourth(name, subject) ? cell(`${subject.op} › ${name}`, cases) : []
    }),
  )
  const memory = wanted('memory', 'backend') ? cell('memory', nothingKept(subjects)) : []
  const nth = options.nthProgram ?? (options.level === 'kernels' ? 10 : 1)
  const programs = programCases(backend, nth).flatMap(([name, cases]) => cell(name, cases))
  const composites =
    wanted('composites', 'kernels') && options.ops === undefined
      ? compositeCases(backend).flatMap(([name, cases]) => cell(name, cases))
      : []
  return [...backendCells(inner), ...claimCells(inner), ...composites, ...cells, ...memory, ...programs]
}

const runCases = async (cases: readonly Case[], checked: CheckedBackend | undefined): Promise<void> => {
  const failed: string[] = []
  for (const { label, run } of cases) {
    if (checked) checked.found.length = 0
    try {
      const wrong = await run()
      if (wrong !== undefined) failed.push(`${label}: ${wrong}`)
    } catch (error) {
      failed.push(`${label}: threw ${describe(error)}`)
    }
    for (const wrong of checked?.found ?? []) failed.push(`${label}: ${wrong}`)
  }
  if (failed.length > 0) throw new Error(`${failed.length} of ${cases.length} cases\n  ${failed.join('\n  ')}`)
}

const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const where = error.stack?.split('\n').find((line) => /^\s+at .*\/src\//.test(line) && !line.includes('conformance'))
  return `${error.name}: ${error.message}${where ? ` (${where.trim()})` : ''}`
}

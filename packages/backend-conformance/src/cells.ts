// The matrix: one cell for every op and check that apply to each other. A cell runs all of the op's samples and fails with
// the list of those that went wrong. Cells are plain data, so that a test of the suite itself can run them without vitest.
import { type Backend, CheckedBackend } from '@flambeau/core/backend'
import * as grads from './checks/gradients.ts'
import * as layouts from './checks/layouts.ts'
import { backendCells } from './checks/backend.ts'
import { claimCells } from './checks/claims.ts'
import * as derived from './checks/derived.ts'
import { nothingKept } from './checks/memory.ts'
import { programCases } from './checks/programs.ts'
import * as random from './checks/random.ts'
import * as variants from './checks/variants.ts'
import * as values from './checks/values.ts'
import * as views from './checks/views.ts'
import { type Case, type Check, type Cell, subjectsOf, type Variant } from './subject.ts'

export interface CellOptions {
  /** Results must not depend on layout or mode in the last bit either; false: to tolerance. */
  readonly bitwise?: boolean
  /** Other ways to perform a call (compiled, another device, ...), each compared with the plain one. */
  readonly variants?: Readonly<Record<string, Variant>>
  /** For a backend without float64: one whose gradients its own are compared with. */
  readonly reference?: Backend
  /** Names of the checks to run; all unless given. */
  readonly checks?: readonly string[]
  /** Names of the ops to run them for; all unless given. */
  readonly ops?: readonly string[]
  /** Draws of each op's random shapes. */
  readonly runs?: number
  /** Of the random programs every so many-th is run; all unless given, none for Infinity. */
  readonly nthProgram?: number
}

export const checks: Readonly<Record<string, Check>> = {
  'golden values': values.golden,
  'golden gradients': values.gradients,
  errors: values.errors,
  method: values.method,
  'in place': values.inPlace,
  'write through': views.throughViews,
  gradcheck: grads.first,
  gradgradcheck: grads.second,
  'transposed inputs': layouts.equalFrom('transposed'),
  'sliced inputs': layouts.equalFrom('sliced'),
  'flipped inputs': layouts.equalFrom('flipped'),
  'expanded inputs': layouts.expanded,
  'special values': derived.specialValues,
  nothing: derived.nothing,
  'random shapes': random.shapes,
  compiled: variants.compiled,
  'compiled gradients': variants.compiledGradients,
  'compiled training': variants.compiledTraining,
  memory: nothingKept,
}

/**
 * All cells of a backend that is the current device whenever one of them runs. Where it is a checked one, what that found
 * fails the cell in which it was found, also when an error of it was caught there.
 */
export const cellsOf = (backend: Backend, options: CellOptions = {}): Cell[] => {
  const all = [
    ...Object.entries(checks),
    ['gradients like the reference', grads.likeReference(options.reference)] as const,
    ...Object.entries(options.variants ?? {}).map(([name, variant]) => [name, variants.like(variant)] as const),
  ]
  const checked = backend instanceof CheckedBackend ? backend : undefined
  const inner = checked?.inner ?? backend
  const wanted = (name: string) => options.checks?.includes(name) ?? true
  const subjects = subjectsOf(backend, { bitwise: options.bitwise ?? true, runs: options.runs ?? 30 })
  const cells = subjects.flatMap((subject) =>
    options.ops?.includes(subject.op) === false
      ? []
      : all
          .filter(([name]) => wanted(name))
          .flatMap(([name, check]) => {
            const cases = check(subject)
            return cases.length === 0 ? [] : [{ name: `${subject.op} › ${name}`, run: () => runCases(cases, checked) }]
          }),
  )
  const programs = programCases(backend, options.nthProgram ?? 1).map(([name, cases]) => ({
    name,
    run: () => runCases(cases, checked),
  }))
  return [...backendCells(inner), ...claimCells(inner), ...cells, ...programs]
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

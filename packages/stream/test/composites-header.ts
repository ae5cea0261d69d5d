// The C++ vocabulary of compositions, as native/src/composites.h has it: numbers by the list of this package, everything
// else by core's records. tools/steps.mjs writes it, tables.test.ts compares.
import { composites, type Composite } from '@flambeau/core/backend'
import { fetched, kernels, namesOf } from '../src/encode-composite.ts'
import { header } from './header.ts'

/** Lines of each kernel, of which WebAssembly lacks the last. */
const guarded = (lines: readonly (readonly string[])[]): readonly string[] => [
  ...lines.slice(0, fetched.length).flat(),
  '#if !defined(__wasm__)',
  ...lines.slice(fetched.length).flat(),
  '#endif',
]

export function compositesHeader(): string {
  const records = kernels.map((kind) => {
    const record: Composite = composites[kind]
    const pairs = record.pairs?.length ?? 0
    return { kind, ...record, names: namesOf(kind), numbers: 2 * pairs + (record.numbers?.length ?? 0) }
  })
  const operands = records.map(({ inputs, outputs }) => [...inputs, ...outputs])
  const lengths = operands.map(({ length }) => length)
  const numbers = records.map((record) => record.numbers)
  const constants = (count: number): readonly string[] => [
    `constexpr int32_t maxCompositeOperands = ${Math.max(...lengths.slice(0, count))};`,
    `constexpr int32_t maxCompositeNumbers = ${Math.max(...numbers.slice(0, count))};`,
  ]
  return header(
    [
      'The compositions that are kernels: written by tools/steps.mjs, from the records in packages/core/src/backend/composites.ts',
      'and the list in packages/stream/src/encode-composite.ts. Change those, never this.',
    ],
    [
      'enum class Composite : int32_t {',
      ...guarded(kernels.map((kind) => [`  ${kind},`])),
      '  count',
      '};',
      '',
      "/** How much of [outer, n, inner] an operand is: Extent in core's backend/composites.ts. */",
      'enum class Extent : int32_t { all, row, rowOrOne, index, each, slice, channel, one, plane, weight, planes };',
      '',
      '/** The most operands, and the most numbers besides sizes, of one of these. */',
      '#if defined(__wasm__)',
      ...constants(fetched.length),
      '#else',
      ...constants(kernels.length),
      '#endif',
      '',
      '/** Inputs, then outputs. */',
      'struct CompositeInfo {',
      '  const char* name;',
      '  int32_t operands, numbers;',
      '  Extent extents[maxCompositeOperands];',
      '};',
      'constexpr CompositeInfo compositeInfos[] = {',
      ...guarded(
        records.map(({ kind, names, numbers }, i) => {
          const extents = operands[i].map(([, extent]) => `Extent::${extent}`).join(', ')
          const all = [...operands[i].map(([name]) => name), ...names].join(', ')
          return [`  // ${all}`, `  {"${kind}", ${operands[i].length}, ${numbers}, {${extents}}},`]
        }),
      ),
      '};',
      'constexpr const CompositeInfo& info_of(Composite kind) { return compositeInfos[static_cast<int32_t>(kind)]; }',
    ],
  )
}

// The reference tables of the documentation, computed from the definitions: each op of the table as its samples run it,
// and each step of the expression language. tools/tables.mjs writes the pages; tables.test.ts compares them with these
// results.
import { js } from '@flambeau/backend-js'
import { setFallback, Tensor, useDevice } from '@flambeau/core'
import { type Backend, type Computed, exprString, s, stepDef } from '@flambeau/core/backend'
import { callOp, inMemory, prepareCall, writes } from '../src/call.ts'
import { families, prepared } from '../src/samples/index.ts'
import { watched, wrapped } from '../src/watched.ts'

const page = (title: string, about: readonly string[], tables: readonly (readonly string[])[]): string =>
  [`# ${title}`, '', ...about, '', ...tables.flatMap((lines) => [...lines, ''])].join('\n')
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const code = (text: string): string => `\`${text}\``
const list = (texts: Iterable<string>): string => [...texts].map(code).join(', ')

/** The kinds of instructions that a backend received; `written` for elements that came from the host. */
const seen = new Set<string>()
const watching = (): Backend => {
  const inner = js()
  return wrapped(watched(inner, true, seen), {
    write(out, data) {
      seen.add('written')
      inner.write(out, data)
    },
  })
}

type Node = NonNullable<Tensor['node']>

/** The nodes behind results, the last one first, without the leaves. */
const nodesOf = (results: readonly unknown[]): Node[] => {
  const found = new Set<Node>()
  const visit = (node: Node | null): void => {
    if (node === null || node.leaf !== null || found.has(node)) return
    found.add(node)
    node.edges.forEach(visit)
  }
  for (const x of results) if (x instanceof Tensor) visit(x.node)
  return [...found]
}

/** The names of the inputs and outputs that a node saved. */
const savedBy = ({ saved, edges }: Node): string[] =>
  (saved ?? []).flatMap((value, i) => {
    if (value?.wrapped === true) return []
    return [i < edges.length ? `input ${i}` : `output ${i - edges.length}`]
  })

/** Runs the samples of an op; returns the kinds of all their instructions, and the nodes of each call. */
const observe = (op: string): { readonly kinds: readonly string[]; readonly calls: readonly (readonly Node[])[] } => {
  const kinds = new Set<string>()
  const calls = prepared(op).samples.map((sample) => {
    const { args } = prepareCall(sample, inMemory('contiguous'))
    seen.clear()
    const results = callOp(op, args, sample.seed)
    for (const kind of seen) kinds.add(kind)
    // An op that writes runs on a copy of its first argument.
    return nodesOf(results).filter(({ name }) => !(writes(op) && name === 'CloneBackward0'))
  })
  return { kinds: [...kinds], calls: calls.filter((nodes) => nodes.length > 0) }
}

const namesOf = (nodes: readonly Node[]): Set<string> => new Set(nodes.map(({ name }) => name))

const opLine = (op: string): string => {
  const { kinds, calls } = observe(op)
  // If some calls leave nodes of a single name, the others have more because of a cast or a broadcast before the op.
  const single = calls.filter((nodes) => namesOf(nodes).size === 1)
  const nodes = (single.length > 0 ? single : calls).flat()
  const saved = nodes.flatMap((node) => savedBy(node).map((x) => (single.length > 0 ? x : `${node.name} ${x}`)))
  const gradient = calls.length === 0 ? 'none' : single.length > 0 ? 'its own' : 'composed'
  return row(
    code(op),
    kinds.length === 0 ? 'a view' : list(kinds),
    gradient,
    list(namesOf(nodes)),
    [...new Set(saved)].sort().join(', '),
  )
}

/** The page of ops. */
export const opsPage = (): string => {
  useDevice(watching())
  setFallback(js())
  const tables = Object.entries(families).map(([family, ops]) => [
    `## ${family[0].toUpperCase()}${family.slice(1)}`,
    '',
    row('op', 'lowers to', 'gradient', 'nodes', 'saves'),
    row('---', '---', '---', '---', '---'),
    ...Object.keys(ops).sort().map(opLine),
  ])
  useDevice(js())
  return page(
    'Ops',
    [
      'Every op with samples in the conformance suite, as those samples run it. `node tools/tables.mjs` writes this page, and the',
      'tests compare it. Do not edit it.',
      '',
      '- **lowers to**: the kinds of instructions that a backend without kernels of compositions gets; `written` for elements that',
      '  the host writes. A view gets none, because it is a layout.',
      '- **gradient**: `its own` if the op has a rule, and leaves one kind of node; `composed` if the ops that it consists of leave',
      '  theirs; `none` if no gradient flows.',
      '- **nodes**: the names that `grad_fn` prints.',
      '- **saves**: the operands and results that the rules keep for backward. What is not listed may be written to.',
    ],
    tables,
  )
}

const dtypesOf: Readonly<Record<string, string>> = {
  cast: 'any, to any',
  arithmetic: 'any',
  floating: 'floats',
  rounding: 'floats; integers stay as they are',
  comparison: 'any, to bool',
  bitwise: 'bool and integers',
  shift: 'integers',
  select: 'a bool, then any',
}

const stepNames = (Object.keys(s) as Computed[]).filter((name) => (stepDef(name) as unknown) !== undefined).sort()

const stepLine = (step: Computed): string => {
  const { arity, rule, cost, work, slope, real } = stepDef(step)
  const names = ['x', 'y', 'z'].slice(0, arity)
  const inputs = names.map((_, i) => s.input(i, rule === 'select' && i === 0 ? 'bool' : 'float64'))
  const [dy, result] = [s.input(arity, 'float64'), s.input(arity + 1, 'float64')]
  const words = [...names, 'dy', 'result']
  const named = (text: string): string => text.replaceAll(/\bx(\d)\b/g, (_, i) => words[Number(i)])
  const slopes = (slope?.(s, dy, inputs, result) ?? []).map((found) =>
    found === undefined ? '0' : code(named(exprString(found))),
  )
  return row(
    code(step),
    String(arity),
    dtypesOf[rule],
    slopes.length === 0 ? '0' : slopes.join('; '),
    cost === Infinity ? 'never' : String(cost),
    work,
    code(real.source(names)).replaceAll('|', '\\|'),
  )
}

/** The page of steps. */
export const stepsPage = (): string =>
  page(
    'Steps',
    [
      'Every step of the expression language, from its definition in `packages/core/src/expr/steps`. `node tools/tables.mjs` writes',
      'this page, and the tests compare it. Do not edit it.',
      '',
      '- **derivatives**: of each operand, times `dy`, the gradient of the result; 0 if nothing flows.',
      '- **again**: what computing the step a second time costs, in additions, against a pass over memory; `never` if compile must not.',
      '- **work**: what a step is to a backend; loops are cut so that a `call` stands alone.',
      '- **JavaScript**: the step in double precision. float32 and integers may have another form.',
    ],
    [
      [
        row('step', 'operands', 'dtypes', 'derivatives', 'again', 'work', 'JavaScript'),
        row('---', '---', '---', '---', '---', '---', '---'),
        ...stepNames.sort().map(stepLine),
      ],
    ],
  )

/** The pages, by their paths in docs/. */
export const pages: Readonly<Record<string, () => string>> = {
  'internals/ops.md': opsPage,
  'internals/steps.md': stepsPage,
}

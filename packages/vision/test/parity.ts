// What "equal to torchvision" means: the golden values of the models, how near ours must be, and the page of the
// documentation that says so. models.test.ts holds the models to it; tools/tables.mjs writes the page.
import { readFileSync } from 'node:fs'

export type Numbers = readonly number[]

/** A model with options, as torchvision computes it (tools/golden/models.py says what the fields are). */
export interface Member {
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
  readonly sizes: Numbers
  readonly digest: string
  readonly bits: string
  readonly evaluated: Numbers
  readonly outputs: readonly Numbers[]
  readonly loss: number
  readonly grads: readonly Numbers[]
  readonly text: string | null
  readonly macs: number
  readonly floats: number
}

export interface Golden {
  readonly full: Readonly<Record<string, readonly [parameters: number, entries: number, digest: string]>>
  readonly members: readonly Member[]
}

const read = (root: URL, path: string) => JSON.parse(readFileSync(new URL(path, root), 'utf8'))
export const goldenOf = (root: URL): Golden => read(root, 'packages/vision/test/golden/models.json')
/** The names of torchvision's models. */
const torchvisionOf = (root: URL): readonly string[] => read(root, 'tools/test/golden/names.json')['torchvision.models']
const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** How far a number may be from PyTorch's, as a share of the largest of its tensor. */
export const shares = {
  /** Scores in evaluation, in float32. */
  scores: 1e-4,
  /** Scores, loss and gradients of a training step, in float64. */
  training: 1e-6,
} as const

/** Members that are small enough for js; the others run on native. */
const onJs = ['lenet5', 'alexnet', 'resnet18 narrow']
export const runsOnJs = ({ name, options }: Member): boolean =>
  onJs.includes(name) || onJs.includes(`${name}${'width' in options ? ' narrow' : ''}`)

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const code = (text: string): string => `\`${text}\``
const within = (share: number): string => `within ${share}`

const literal = (value: unknown): string =>
  Array.isArray(value) ? `[${value.map(literal).join(', ')}]` : typeof value === 'string' ? `'${value}'` : String(value)

const call = ({ name, options }: Member): string => {
  const given = Object.entries(options).map(([key, value]) => `${key}: ${literal(value)}`)
  return given.length === 0 ? `${name}()` : `${name}({ ${given.join(', ')} })`
}

const wholeLine = (
  [name, [parameters, entries]]: [string, readonly [number, number, string]],
  torchvision: readonly string[],
): string =>
  row(
    code(name),
    torchvision.includes(snake(name)) ? 'torchvision' : 'its paper, written in PyTorch',
    parameters.toLocaleString('en-US'),
    String(entries),
    'the same',
  )

const memberLine = (member: Member): string => {
  const { text, outputs, sizes } = member
  return row(
    code(call(member)),
    sizes.join(' x '),
    'the same bits',
    text === null ? '' : 'the same',
    within(shares.scores),
    outputs.length > 1 ? `${outputs.length - 1}, ${within(shares.training)}` : 'none',
    within(shares.training),
    'the same',
    runsOnJs(member) ? 'js' : 'native',
  )
}

/** The page about parity. */
export function parityPage(root: URL): string {
  const golden = goldenOf(root)
  const torchvision = torchvisionOf(root)
  return [
    '# Parity with torchvision',
    '',
    'Every model of `@flambeau/vision` beside torchvision 0.14.1 on PyTorch 1.13.1, as `packages/vision/test/models.test.ts` holds',
    'them. `node tools/tables.mjs` writes this page from the golden values and the bounds of that test, and a test compares it. Do',
    'not edit it.',
    '',
    '## Whole models',
    '',
    row('model', 'beside', 'parameters', 'entries of the state dict', 'their keys, order and shapes'),
    row('---', '---', '---:', '---:', '---'),
    ...Object.entries(golden.full).map((each) => wholeLine(each, torchvision)),
    '',
    '## Numbers',
    '',
    'Members of the families that are made after `manualSeed(0)`; those with a `width` have fewer channels, because a test has to be',
    'short, and are made by the code of the whole ones. Bounds are shares of the largest element.',
    '',
    '- **initial weights**: all bits.',
    '- **logits**: scores in evaluation, in float32.',
    '- **auxiliary logits**, **gradients**: of one training step, in float64, because in float32 gradients of deep networks are',
    "  uncertain by up to 1 %, PyTorch's included. Of each gradient its norm, largest and first element.",
    '- **multiply-adds**: as torchinfo counts them, with the sizes of all outputs.',
    '',
    row(
      'model',
      'images',
      'initial weights',
      'printing',
      'logits',
      'auxiliary logits',
      'gradients',
      'multiply-adds',
      'on',
    ),
    row('---', '---', '---', '---', '---', '---', '---', '---', '---'),
    ...golden.members.map(memberLine),
    '',
  ].join('\n')
}

/** The pages, by their paths in docs/. */
export const pages: Readonly<Record<string, (root: URL) => string>> = { 'internals/parity.md': parityPage }

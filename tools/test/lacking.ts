// What PyTorch and torchvision have, for images and training, and flambeau lacks: the page of the guide that lists it, from
// the names of Python's modules (tools/golden/names.py) and what the packages export. tools/tables.mjs writes the page.
import { readFileSync } from 'node:fs'
import * as core from '../../packages/core/src/index.ts'
import * as data from '../../packages/data/src/index.ts'
import * as vision from '../../packages/vision/src/index.ts'

const { models, transforms } = vision

/** The namespace with each module's names: as one writes it, and what it holds; null for a module that is lacking as a whole. */
const places: Readonly<Record<string, readonly [as: string, holds: object] | null>> = {
  'torch.nn': ['nn', core.nn],
  'torch.nn.functional': ['F', core.F],
  'torch.nn.init': ['nn.init', core.nn.init],
  'torch.nn.utils': ['nn.utils', core.nn.utils],
  'torch.utils.data': ['@flambeau/data', data],
  'torchvision.models': ['models', models],
  'torchvision.transforms': ['transforms', transforms],
  'torchvision.transforms.functional': ['transforms.functional', transforms.functional],
  'torchvision.datasets': ['datasets', vision.datasets],
  'torchvision.io': ['io', vision.io],
  'torchvision.ops': null,
  'torchvision.utils': ['utils', vision.utils],
}

/** What is there under another name, by module and name. */
export const otherwise: Readonly<Record<string, string>> = {
  'torch.nn.functional celu_': '`F.celu(x, { inplace: true })`',
  'torch.nn.functional elu_': '`F.elu(x, { inplace: true })`',
  'torch.nn.functional hardtanh_': '`F.hardtanh(x, { inplace: true })`',
  'torch.nn.functional leaky_relu_': '`F.leakyRelu(x, { inplace: true })`, `x.leakyRelu_()`',
  'torch.nn.functional relu_': '`F.relu(x, { inplace: true })`, `x.relu_()`',
  'torch.nn.functional rrelu_': '`F.rrelu(x, { inplace: true })`',
  'torch.nn.functional selu_': '`F.selu(x, { inplace: true })`',
  'torch.nn.functional threshold_': '`F.threshold(x, t, value, { inplace: true })`',
  'torch.nn.functional native_channel_shuffle': '`F.channelShuffle`',
  ...Object.fromEntries(
    ['adaptive_max', 'max', 'fractional_max'].flatMap((kind) =>
      [1, 2, 3].map((dims) => [
        `torch.nn.functional ${kind}_pool${dims}d_with_indices`,
        `\`F.${camel(`${kind}_pool${dims}d`)}(x, …, { returnIndices: true })\``,
      ]),
    ),
  ),
  'torch.nn.functional upsample': '`F.interpolate`',
  'torch.nn.functional upsample_bilinear': "`F.interpolate(x, { mode: 'bilinear', alignCorners: true })`",
  'torch.nn.functional upsample_nearest': "`F.interpolate(x, { mode: 'nearest' })`",
  ...Object.fromEntries(
    'constant dirac eye kaiming_normal kaiming_uniform normal orthogonal sparse uniform xavier_normal xavier_uniform'
      .split(' ')
      .map((name) => [`torch.nn.init ${name}`, `\`nn.init.${camel(name)}_\``]),
  ),
  'torch.nn.utils clip_grad_norm': '`nn.utils.clipGradNorm_`',
  'torchvision.io ImageReadMode': "strings: `'RGB'`, `'L'`, …",
  'torchvision.io decode_jpeg': '`io.decodeImage`',
  'torchvision.io decode_png': '`io.decodeImage`',
  'torchvision.transforms.functional InterpolationMode': '`transforms.InterpolationMode`',
}

/** A name of Python as it is here: in camel case, but for an underscore between two digits. */
export function camel(name: string): string {
  return /^[A-Z]/.test(name)
    ? name
    : name.replaceAll(/(?<=[^_])_([a-z]|(?<!\d_)\d)/g, (_, letter: string) => letter.toUpperCase())
}

interface Found {
  readonly of: number
  readonly lacking: readonly string[]
  readonly renamed: readonly (readonly [name: string, here: string])[]
}

/** Compares a module's names with what is here. */
function compared(module: string, names: readonly string[]): Found {
  const holds = places[module]?.[1] ?? {}
  const absent = names.filter((name) => !(camel(name) in holds))
  const isRenamed = (name: string): boolean => `${module} ${name}` in otherwise
  return {
    of: names.length,
    lacking: absent.filter((name) => !isRenamed(name)),
    renamed: absent.filter(isRenamed).map((name) => [name, otherwise[`${module} ${name}`]] as const),
  }
}

const code = (name: string): string => `\`${name}\``
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`

/** The page of what is lacking. */
export function lackingPage(root: URL): string {
  const golden: Readonly<Record<string, readonly string[]>> = JSON.parse(
    readFileSync(new URL('tools/test/golden/names.json', root), 'utf8'),
  )
  const found = Object.entries(golden).map(([module, names]) => [module, compared(module, names)] as const)
  const known = found.flatMap(([module, { renamed }]) => renamed.map(([name]) => `${module} ${name}`))
  const stale = Object.keys(otherwise).find((name) => !known.includes(name))
  if (stale !== undefined && !/pool\dd_with_indices$/.test(stale))
    throw new Error(`${stale} needs no other name any more`)
  return [
    '# What is lacking',
    '',
    'The public classes and functions of PyTorch 1.13.1 and torchvision 0.14.1 for layers, training and images, and which of them',
    'flambeau lacks. `node tools/tables.mjs` writes this page from the names in Python and the exports here, and a test compares it.',
    'Do not edit it. The enumerations of pretrained weights are left out: nothing is downloaded, and `weights` takes a file or a state dict.',
    '',
    row('module', 'here', 'has', 'of'),
    row('---', '---', '---:', '---:'),
    ...found.map(([module, { of, lacking }]) =>
      row(
        code(module),
        places[module] === null ? '' : code(places[module]?.[0] ?? ''),
        String(of - lacking.length),
        String(of),
      ),
    ),
    ...found.flatMap(([module, { lacking, renamed, of }]) => [
      '',
      `## ${module}`,
      '',
      lacking.length === 0
        ? 'Nothing is lacking.'
        : `${lacking.length === of ? 'All of it' : 'Lacking'}: ${lacking.map(code).join(', ')}.`,
      ...(renamed.length === 0
        ? []
        : ['', row('Python', 'here'), row('---', '---'), ...renamed.map(([name, here]) => row(code(name), here))]),
    ]),
    '',
  ].join('\n')
}

/** The pages, by their paths in docs/. */
export const pages: Readonly<Record<string, (root: URL) => string>> = { 'guide/12-what-is-lacking.md': lackingPage }

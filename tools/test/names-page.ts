// The page of names: every public name of PyTorch (tools/golden/public_names.py), what it is called here, and why it is
// missing if it is. tools/tables.mjs writes the page.
import { readFileSync } from 'node:fs'
import * as data from '../../packages/data/src/index.ts'
import * as flambeau from '../../packages/flambeau/src/index.ts'
import { camel, otherwise as elsewhere } from './lacking.ts'

const { autograd, F, nn, optim, Tensor } = flambeau
/** Parts that not every version has. */
const { distributions = {}, fft = {}, linalg = {} } = flambeau as unknown as Record<string, object>

const leaf = flambeau.tensor([1], { requiresGrad: true })
const layer = new nn.Linear(1, 1)
/** Where each module's names are: as one writes it, and the objects that hold them. */
const places: Readonly<Record<string, readonly [as: string, ...holds: readonly object[]]>> = {
  torch: ['', flambeau],
  'torch.Tensor': ['x.', Tensor.prototype, leaf],
  'torch.Tensor, in place': ['x.', Tensor.prototype],
  'torch.nn': ['nn.', nn],
  'torch.nn.Module': ['module.', layer],
  'torch.nn.functional': ['F.', F],
  'torch.nn.init': ['nn.init.', nn.init],
  'torch.nn.utils': ['nn.utils.', nn.utils],
  'torch.optim': ['optim.', optim],
  'torch.optim.Optimizer': ['optimizer.', new optim.SGD(layer.parameters(), { lr: 1 })],
  'torch.optim.lr_scheduler': ['optim.lrScheduler.', optim.lrScheduler],
  'torch.autograd': ['autograd.', autograd],
  'torch.autograd.functional': ['autograd.functional.', autograd.functional],
  'torch.distributions': ['distributions.', distributions],
  'torch.linalg': ['linalg.', linalg],
  'torch.special': ['special.', flambeau.special],
  'torch.fft': ['fft.', fft],
  'torch.random': ['random.', flambeau.random],
  'torch.utils.data': ['@flambeau/data ', data],
  'torch.utils.checkpoint': ['utils.checkpoint.', flambeau.utils.checkpoint],
}

/** Names that differ on purpose, by module and name. */
const otherwise: Readonly<Record<string, string>> = {
  ...elsewhere,
  'torch e': '`Math.E`',
  'torch inf': '`Infinity`',
  'torch nan': '`NaN`',
  'torch pi': '`Math.PI`',
  'torch dtype': 'the type `DType`',
  'torch Size': 'what `x.size()` returns',
  'torch set_printoptions': '`setPrintOptions`',
}
/** Names that mean something else here. */
const others = new Set(['torch.Tensor storage'])

/** Why a name is missing, by its words; of torch itself and Tensor, some are deprecated in favour of other modules. */
const reasons: readonly (readonly [why: string, words: RegExp])[] = [
  [
    'complex numbers',
    /complex|view_as_real|^c(double|float|half)$|conj|^(imag|real|isreal|polar|H|mH|adjoint|angle|is_neg|resolve_neg|eig|eigvals)$|^i?[hr]?fft|^i?stft$/,
  ],
  ['quantised numbers', /quant(?!ile)|^q_|^qu?int\d|int_repr|qscheme/],
  [
    'sparse tensors',
    /[sS]parse(?!_$)|as_sparse_|coalesce|(crow|ccol|row|col)_indices|^(hsmm|hspmm|smm|sspaddmm|dsmm|spmm|saddmm|values|indices|to_dense|dense_dim)$/,
  ],
  ['numbers of 8 or 16 bits', /^(half|short|char|bfloat16|float16|int8|int16)$/],
  ['named dimensions', /^(align_(as|to)|names|has_names|refine_names|rename_?|name)$/],
  [
    'devices that are not here',
    /cuda|xpu|mkldnn|vulkan|^(is_)?(ipu|cpu|mps|ort|meta)$|pin_memory|is_pinned|record_stream|autocast|get_device|device_states|SyncBatchNorm|memory_format|float32_matmul/,
  ],
  [
    'several processes',
    /[Dd]istributed|DataParallel|share_memory|is_shared|DataPipe|DataLoader2|DataChunk|datapipe|non_deterministic/,
  ],
  [
    'memory that PyTorch manages itself',
    /^(data_ptr|storage.*|set_|resize_?|resize_as_?|(from|to)_dlpack|is_set_to|(new_)?empty_strided|as_subclass|layout|output_nr|is_nested|to_padded_tensor|to_empty|frombuffer|narrow_copy)$/,
  ],
  [
    "settings of PyTorch's own runtime",
    /determinis|num_(interop_)?threads|flush_denormal|warn_always|default_tensor_type|check_nan_enabled|set_anomaly_enabled/,
  ],
  [
    'deprecated',
    /^(volatile|reinforce|new|Container|NLLLoss2d|CrossMapLRN2d|symeig|triangular_solve|chain_matmul|register_backward_hook|norm_except_dim)$/,
  ],
]
const toLinalg = /^torch(\.Tensor)? (eig|lstsq|solve|matrix_rank|lu|lu_solve|qr)$/
const reasonOf = (module: string, name: string): string | undefined =>
  toLinalg.test(`${module} ${name}`)
    ? 'deprecated'
    : reasons.find(([, words]) => words.test(name.slice(name.lastIndexOf('.') + 1)))?.[0]

/** Families that the share of everyday names leaves out, because they are asked for by themselves. */
const families =
  /conv|pool|^(un)?fold|lppool|RNN|LSTM|GRU|^rnn|rnn\.|Transformer|Multihead|attention|fft|stft|window|Unpool|Pool|Conv|Unfold|Fold/

interface Name {
  readonly name: string
  /** What it is called here; undefined if it is missing. */
  readonly here: string | undefined
  readonly reason: string | undefined
}

/** Whether an object has a property at the end of a path; the property itself is not read. */
function has(space: object, [first, ...rest]: readonly string[]): boolean {
  if (!(first in space)) return false
  if (rest.length === 0) return true
  const part: unknown = space[first as keyof typeof space]
  return typeof part === 'object' && part !== null && has(part, rest)
}

/** A module's names with their states. */
function statesOf(module: string, names: readonly string[]): Name[] {
  const [as, ...holds] = places[module]
  return names.map((name) => {
    const key = `${module} ${name}`
    const path = name.split('.').map(camel)
    const isHere = holds.some((space) => has(space, path))
    const here = isHere && !others.has(key) ? `\`${as}${path.join('.')}\`` : otherwise[key]
    return { name, here, reason: here === undefined ? reasonOf(module, name) : undefined }
  })
}

const share = (has: number, of: number): string => (of === 0 ? '' : `${((100 * has) / of).toFixed(1)} %`)
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`

/** The number of names that are here, and that count. */
function counted(states: readonly Name[]): { has: number; of: number; everyday: { has: number; of: number } } {
  const found = (list: readonly Name[]): number => list.filter(({ here }) => here !== undefined).length
  const everyday = states.filter(
    ({ name, here, reason }) => !families.test(name) && (here !== undefined || reason === undefined),
  )
  return { has: found(states), of: states.length, everyday: { has: found(everyday), of: everyday.length } }
}

/** All modules with their names. */
function allStates(root: URL): readonly (readonly [module: string, states: readonly Name[]])[] {
  const file = new URL('tools/test/golden/public-names.json', root)
  const golden: Readonly<Record<string, readonly string[]>> = JSON.parse(readFileSync(file, 'utf8'))
  return Object.entries(golden).map(([module, names]) => [module, statesOf(module, names)] as const)
}

/** Modules whose names do not count as everyday. */
const uncounted = ['torch.fft']

/** The page of names. */
export function namesPage(root: URL): string {
  const modules = allStates(root)
  const counts = modules.map(([module, states]) => ({ module, ...counted(states) }))
  const total = (list: readonly { has: number; of: number }[]): [has: number, of: number] => [
    list.reduce((sum, { has }) => sum + has, 0),
    list.reduce((sum, { of }) => sum + of, 0),
  ]
  const all = total(counts)
  const everyday = total(counts.filter(({ module }) => !uncounted.includes(module)).map((each) => each.everyday))
  const known = new Set([
    ...modules.flatMap(([, states]) => states.map(({ name }) => camel(name))),
    ...Object.values(places).map(([as]) => as.split('.')[0]),
  ])
  const own = Object.keys(flambeau)
    .filter((name) => !known.has(name))
    .sort()
  return [
    '# Names',
    '',
    'Every public name of PyTorch 1.13.1, what it is called here, and if it is missing, why. `node tools/tables.mjs` writes this page',
    "from PyTorch's modules and the packages, and a test compares it. Do not edit it. `x` is a tensor.",
    '',
    'A name is *missing* without a reason where nobody has written it yet. *Everyday* are the names without a reason to be missing,',
    'except for those of convolution, pooling, recurrence, attention and Fourier transforms.',
    '',
    row('module', 'names', 'here', '', 'everyday', 'here', ''),
    row('---', '---:', '---:', '---:', '---:', '---:', '---:'),
    ...counts.map(({ module, has, of, everyday: e }) =>
      uncounted.includes(module)
        ? row(`[${module}](#${anchor(module)})`, String(of), String(has), share(has, of), '', '', '')
        : row(
            `[${module}](#${anchor(module)})`,
            String(of),
            String(has),
            share(has, of),
            String(e.of),
            String(e.has),
            share(e.has, e.of),
          ),
    ),
    row(
      'together',
      String(all[1]),
      String(all[0]),
      share(...all),
      String(everyday[1]),
      String(everyday[0]),
      share(...everyday),
    ),
    '',
    ...modules.flatMap(([module, states]) => [
      `## ${module}`,
      '',
      row('PyTorch', 'flambeau', 'state'),
      row('---', '---', '---'),
      ...states.map(({ name, here, reason }) =>
        row(
          `\`${name}\``,
          here ?? '',
          here !== undefined ? 'here' : reason === undefined ? 'missing' : `missing: ${reason}`,
        ),
      ),
      '',
    ]),
    "## Flambeau's own names",
    '',
    'What the package exports besides; the functions of tensors are methods in PyTorch.',
    '',
    `${own.map((name) => `\`${name}\``).join(', ')}.`,
    '',
  ].join('\n')
}

const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(/\s/g, '-')

/** The pages, by their paths in docs/. */
export const pages: Readonly<Record<string, (root: URL) => string>> = { 'names.md': namesPage }

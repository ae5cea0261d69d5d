// Compares the parameters of functions with those of PyTorch (tools/golden/parameters.py): each of PyTorch's is tried
// at its position and by its name. A symbol is no valid argument, so the error says which parameter took it.
import { readFileSync } from 'node:fs'
import type { Entry } from './door.ts'

const file = new URL('../../packages/core/test/golden/parameters.json', import.meta.url)
const golden: Readonly<Record<string, readonly string[]>> = JSON.parse(readFileSync(file, 'utf8'))

const camelCase = (name: string): string =>
  name.replace(/(?<=.)_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
const folded = (name: string): string => name.replace(/(?<=.)_(?=.)/g, '').toLowerCase()
const byName = new Map(
  Object.entries(golden).map(([key, overloads]) => {
    const dot = key.indexOf('.')
    return [key.slice(0, dot + 1) + folded(key.slice(dot + 1)), [key, overloads] as [string, readonly string[]]]
  }),
)

/** PyTorch's function of an entry's name, which may go on after it: 'arange from'. */
function counterpart(entry: string): [name: string, overloads: readonly string[]] | undefined {
  const path = entry.replace(/^new /, '').split(' ')[0].replace(/^x\./, 'Tensor.')
  const dot = path.indexOf('.')
  const scopes = dot >= 0 ? [path.slice(0, dot + 1)] : ['torch.', 'autograd.', 'functional.']
  return scopes.map((scope) => byName.get(scope + folded(path.slice(dot + 1)))).find((found) => found !== undefined)
}

const probe = Symbol('probe')

/**
 * The parameters of PyTorch that a function takes neither at their position nor by their name. One that is required may
 * have another name, and what a function works on is given by position; where PyTorch has several overloads, a position
 * may have the name of any.
 */
function faultsOf({ fn, params, on }: Entry, overloads: readonly string[]): string[] {
  const places = params.filter((p) => !p.named)
  const good = (n: number): unknown[] => places.slice(0, n).map((p) => (p.kind.includes('?') ? undefined : p.good()))
  /** The arguments from a place on that must be given. */
  const rest = (from: number): unknown[] => places.slice(from).flatMap((p) => (p.kind.includes('?') ? [] : [p.good()]))
  const messageOf = (args: readonly unknown[]): string => {
    try {
      fn(...(on === undefined ? [] : [on()]), ...args)
    } catch (error) {
      return (error as Error).message
    }
    return 'it is taken'
  }
  const sentence = (message: string): string => message.split('\n')[0].replace(/ \(position \d+\)/, '')
  const byOption = (name: string): string => {
    const args = good(places.length)
    while (args.length > 0 && args[args.length - 1] === undefined) args.pop()
    return messageOf([...args, { [name]: probe }])
  }
  const isTaken = (message: string): boolean =>
    !/^it is taken|unexpected keyword|positional argument|takes no/.test(message)

  const faults = new Set<string>()
  const expected: Map<string, boolean>[] = []
  for (const overload of overloads) {
    for (const [i, word] of overload.split(' ').filter(Boolean).entries()) {
      const name = word.replace(/[*?]/g, '')
      const optional = word.endsWith('?')
      if (!word.startsWith('*')) (expected[i] ??= new Map()).set(name, optional)
      if (!optional || name === '...') continue
      const message = byOption(camelCase(name))
      if (!isTaken(message)) faults.add(name)
      else if (name !== camelCase(name) && !byOption(name).includes(`Did you mean ${camelCase(name)}?`))
        faults.add(`${name} has no hint`)
      const numpy = numpyNames[name]
      if (numpy !== undefined && sentence(byOption(numpy)) !== sentence(message)) faults.add(numpy)
    }
  }
  for (const [i, names] of expected.entries()) {
    if (names.has('...') || (i === 0 && [...names.keys()].some((name) => subjects.has(name)))) continue
    const message = [good(i), places.slice(0, i).map((p) => p.good())]
      .map((args) => messageOf([...Object.assign(args, { length: i }), probe, ...rest(i + 1)]))
      .reduce((found, other) => (isTaken(found) ? found : other))
    const taken = folded(/argument '(\w+)'/.exec(message)?.[1] ?? '')
    const isSame = (name: string): boolean =>
      folded(name) === taken || sentence(message) === sentence(byOption(camelCase(name)))
    if (!isTaken(message) || ![...names].some(([name, optional]) => !optional || isSame(name)))
      faults.add([...names.keys()].join('|'))
  }
  return [...faults]
}
const subjects = new Set(['input', 'tensor', 'tensors', 'optimizer', 'params', 'a', 'self', 'x'])
const numpyNames: Readonly<Record<string, string>> = { dim: 'axis', keepdim: 'keepdims' }

const notMade = 'it is not made'
const withFunction = 'takes a function in place of with'
const printing = 'by name only'
/** What flambeau's functions do not take, and why: parameters, and names without a hint. */
const lacking: Readonly<Record<string, readonly [names: string, because: string]>> = {
  'torch.is_tensor': ['obj', 'it takes any value'],
  'data.default_convert': ['data', 'it takes any value'],
  'Tensor.to': ['dtype, device, copy', 'its first argument says by its value what it is; by name it takes all'],
  'torch.gather': ['sparse_grad', 'there are no sparse tensors'],
  'Tensor.gather': ['sparse_grad', 'there are no sparse tensors'],
  'torch.tril_indices': ['requires_grad', 'integers have no gradient'],
  'torch.triu_indices': ['requires_grad', 'integers have no gradient'],
  'nn.ModuleDict': ['modules', 'an object has the modules by their names'],
  'nn.ParameterDict': ['parameters', 'an object has the parameters by their names'],
  'nn.Hardtanh': ['min_value, max_value', 'deprecated: min_val, max_val'],
  'autograd.backward': [
    'grad_variables, inputs',
    'grad_variables is deprecated, and inputs, which comes after it, by name',
  ],
  'autograd.grad': ['is_grads_batched', notMade],
  'autograd.gradcheck': [
    'check_sparse_nnz, check_undefined_grad, check_grad_dtypes, check_batched_grad, check_batched_forward_grad, check_forward_ad, check_backward_ad',
    notMade,
  ],
  'autograd.gradgradcheck': [
    'gen_non_contig_grad_outputs, check_undefined_grad, check_grad_dtypes, check_batched_grad, check_fwd_over_rev, check_rev_over_rev',
    notMade,
  ],
  'torch.lobpcg': ['tracker, ortho_iparams, ortho_fparams, ortho_bparams', 'the iteration is not open to others'],
  'linalg.svd': ['driver', 'there is one algorithm'],
  'linalg.svdvals': ['driver', 'there is one algorithm'],
  'linalg.lu_solve': ['left, adjoint', notMade],
  'torch.inference_mode': ['mode', withFunction],
  'autograd.detect_anomaly': ['check_nan', withFunction],
  'torch.set_printoptions': [
    'precision, threshold, edgeitems, linewidth, profile, sci_mode, sci_mode has no hint',
    printing,
  ],
  'Module.named_modules': ['memo, remove_duplicate, prefix', 'memo is for its own recursion; prefix comes first'],
  'Module.state_dict': ['destination', 'deprecated'],
  'data.DataLoader': ['pin_memory_device', 'there is one device for memory of the host'],
  'ReduceLROnPlateau.step': ['epoch', 'deprecated'],
}

/** The faults of all entries; an entry of another overload of the same function may lack what one has. */
export function parameterFaults(entries: ReadonlyMap<string, Entry>): string[] {
  const found = new Map<string, Set<string>>()
  for (const [name, entry] of entries) {
    const other = counterpart(name)
    if (other === undefined) continue
    const faults = faultsOf(entry, other[1])
    const others = found.get(other[0]) ?? new Set(faults)
    found.set(other[0], new Set(faults.filter((fault) => others.has(fault))))
  }
  const faults = [...found].flatMap(([name, all]) => [...all].map((fault) => `${name} ${fault}`))
  const excused = Object.entries(lacking).flatMap(([name, [all]]) => all.split(', ').map((one) => `${name} ${one}`))
  const unused = excused.filter((one) => found.has(one.split(' ')[0]) && !faults.includes(one))
  return [...faults.filter((fault) => !excused.includes(fault)), ...unused.map((one) => `${one} is not lacking`)]
}

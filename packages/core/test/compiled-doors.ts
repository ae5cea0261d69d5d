// Every public function inside a compiled step, called as the tests of wrong arguments call it: it is recorded, so that a
// replay computes from the tensors as they are then, or it is refused with a sentence. It is never silently constant.
import { js } from '@flambeau/backend-js'
import { compile, manualSeed, nn, noGrad, optim, Tensor } from '@flambeau/core'
import { argumentsOf, type Entry } from '../../../tools/test/door.ts'

/** The tensors in a value, and the other values in it as a text. */
function parts(value: unknown): { readonly tensors: Tensor[]; readonly rest: string } {
  const tensors: Tensor[] = []
  const rest: string[] = []
  const visit = (x: unknown, depth: number): void => {
    if (x instanceof Tensor) tensors.push(x)
    else if (x instanceof nn.Module) tensors.push(...x.parameters(), ...x.buffers())
    else if (x instanceof optim.Optimizer || x === null || typeof x !== 'object') {
      if (typeof x === 'number' || typeof x === 'boolean' || typeof x === 'string') rest.push(String(x))
    } else if (depth < 4) for (const part of Array.isArray(x) ? x : Object.values(x)) visit(part, depth + 1)
  }
  visit(value, 0)
  return { tensors, rest: rest.join(' ') }
}

/** Other elements of the same kind in the same tensors: those that were there, backwards. */
function turn(values: readonly unknown[]): void {
  noGrad(() => {
    for (const x of new Set(parts(values).tensors)) {
      if (x.storage.freed || x.elements < 2) continue
      x.copy_(
        x
          .detach()
          .clone()
          .view(-1)
          .flip(0)
          .view(x.shape as number[]),
      )
    }
  })
}

const texts = (tensors: readonly Tensor[]): string[] =>
  tensors.map((x) => `${x.dtype} ${x.shape} ${x.detach().toArray()}`)

interface Trace {
  readonly results: readonly string[]
  readonly rest: string
}

/** What the last of some calls gives after the arguments have changed. */
function traced({ fn, params, on }: Entry, isCompiled: boolean): Trace {
  manualSeed(0)
  const values = params.map((p) => p.good())
  const target = on === undefined ? [] : [on()]
  const args = [...target, ...argumentsOf(params, values)]
  let rest = ''
  const call = (): Tensor[] => {
    const found = parts(fn(...args))
    rest = found.rest
    return found.tensors
  }
  const step = isCompiled ? compile(call) : call
  // Recorded, recorded and compared, replayed.
  for (let i = 0; i < 3; i++) step()
  turn([...target, ...values])
  const results = texts(step())
  return { results: [...results, ...texts(parts([...target, ...values]).tensors)], rest }
}

/** 'recorded', 'refused', 'not called' if it cannot be called again with the same arguments, or what is wrong. */
function verdictOf(entry: Entry): string {
  let wanted: Trace
  try {
    wanted = traced(entry, false)
  } catch {
    return 'not called'
  }
  try {
    const found = traced(entry, true)
    if (found.rest !== wanted.rest) return `a constant: ${found.rest}, not ${wanted.rest}`
    const at = wanted.results.findIndex((text, i) => text !== found.results[i])
    return at < 0 ? 'recorded' : `${found.results[at]}, not ${wanted.results[at]}`
  } catch (error) {
    const { message } = error as Error
    return message.includes('compiled step') ? 'refused' : message.split('\n')[0]
  }
}

/** What answers for the program, not for the tensors: devices, and times. */
const ofTheHost = ['profile', 'useDevice', 'registerDevice', 'Profile.table']

/**
 * The names of the functions by their behaviour in a compiled step. An alias, or a method that is a function as well, is
 * called once. Programs are replayed kernel by kernel, which takes no time to compile.
 */
export function verdictsOf(entries: ReadonlyMap<string, Entry>): Map<string, string[]> {
  const found = new Map<string, string[]>()
  const seen = new Set<unknown>()
  const backend = js() as { compile: unknown }
  const { compile: kept } = backend
  backend.compile = undefined
  try {
    for (const [name, entry] of entries) {
      const isMethod = name.startsWith('x.') && entries.has(name.slice(2))
      if (ofTheHost.includes(name) || isMethod || seen.has(entry.fn)) continue
      seen.add(entry.fn)
      const verdict = verdictOf(entry)
      found.set(verdict, [...(found.get(verdict) ?? []), name])
    }
  } finally {
    backend.compile = kept
  }
  return found
}

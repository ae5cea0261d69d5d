// State dicts: names to tensors in PyTorch's order, and the messages of loading one.
import { inspect } from '../base/inspect.ts'
import { RuntimeError, TypeError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { to } from '../ops/create/convert.ts'
import { revived, type TensorJSON } from '../ops/create/json.ts'
import { clone } from '../ops/views/views.ts'
import { copy_ } from '../ops/write/write.ts'
import { checkWritable } from '../tensor/in-place.ts'
import { noGrad } from '../tensor/mode.ts'
import { formatOrderedDict, formatSize, reprString } from '../tensor/print.ts'
import { checkAlive, detached, Tensor } from '../tensor/tensor.ts'
import { isTensor } from '../tensor/signature.ts'
import { atomically } from '../tensor/undo.ts'
import { pythonRepr } from './names.ts'
import { isUninitialized, materialize } from './uninitialized.ts'

/** Names to tensors, in the order of the modules; it prints like PyTorch's `OrderedDict`. */
export class StateDict extends Map<string, Tensor> {
  /** The version of each module's state, by the module's name; null for a dict that `stateDict()` did not make. */
  versions: Map<string, number> | null = null

  /** Names to tensors, with the versions of the modules as `_metadata`; `loadStateDict` accepts it. */
  toJSON(): Record<string, unknown> {
    const versions = Array.from(this.versions ?? [], ([name, version]) => [name, { version }])
    return {
      ...Object.fromEntries(Array.from(this, ([key, x]) => [key, isTensor(x) ? x.toJSON() : x])),
      ...(this.versions === null ? {} : { [metadata]: Object.fromEntries(versions) }),
    }
  }

  override toString(): string {
    const text = (x: unknown): string => (isTensor(x) || typeof x !== 'object' ? pythonRepr(x) : JSON.stringify(x))
    return formatOrderedDict(Array.from(this, ([key, value]) => [key, text(value)] as const))
  }
  [Symbol.for(inspect)](): string {
    return this.toString()
  }
}

/** What a class keeps in a state dict beside tensors, for its modules' own `setExtraState`. */
export const extraState = '_extra_state'

/** The key for the versions in JSON; no parameter has this name. */
const metadata = '_metadata'

/** A state dict, or any map or plain object from names to tensors or to their JSON. */
export type StateDictLike = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor | TensorJSON>>

/** The versions in a state dict's JSON. */
function versionsOf(given: unknown): Map<string, number> | null {
  if (typeof given !== 'object' || given === null) return null
  const entries = Object.entries(given as Record<string, { version?: unknown } | null>)
  return new Map(entries.flatMap(([name, x]) => (typeof x?.version === 'number' ? [[name, x.version] as const] : [])))
}

/** A copy that may be changed, with the versions if the dict has them. */
export function asStateDict(dict: unknown): StateDict {
  if (typeof dict !== 'object' || dict === null || Array.isArray(dict) || dict instanceof Tensor) {
    throw new TypeError(
      `Expected state_dict to be dict-like, got <class '${typeName(dict)}'>.`,
      'Pass what stateDict() returned, a Map or a plain object of tensors.',
    )
  }
  if (dict instanceof Map) {
    const copy = new StateDict(dict)
    if (dict instanceof StateDict) copy.versions = dict.versions
    return copy
  }
  const { [metadata]: versions, ...entries } = dict as Readonly<Record<string, unknown>>
  const copy = new StateDict(Object.entries(revived(entries) as Record<string, Tensor>))
  copy.versions = versionsOf(versions)
  return copy
}

/** The mismatches when a state dict was loaded without `strict`. */
export class IncompatibleKeys {
  readonly missingKeys: string[]
  readonly unexpectedKeys: string[]

  constructor(missingKeys: string[], unexpectedKeys: string[]) {
    this.missingKeys = missingKeys
    this.unexpectedKeys = unexpectedKeys
  }

  toString(): string {
    if (this.missingKeys.length === 0 && this.unexpectedKeys.length === 0) return '<All keys matched successfully>'
    const list = (keys: readonly string[]): string => `[${keys.map(reprString).join(', ')}]`
    return `_IncompatibleKeys(missing_keys=${list(this.missingKeys)}, unexpected_keys=${list(this.unexpectedKeys)})`
  }
  [Symbol.for(inspect)](): string {
    return this.toString()
  }
}

type Named<T> = readonly [name: string, value: T]

/** Compares a state dict with the tensors of a module, before anything is copied. */
export class Loading {
  readonly #state: StateDict
  readonly #missing: string[] = []
  readonly #unexpected: string[] = []
  readonly #errors: string[] = []
  readonly #copies: (readonly [target: Tensor, source: Tensor])[] = []
  readonly #extras: (() => void)[] = []

  constructor(state: StateDict) {
    this.#state = state
  }

  /** Compares the entries under a module's path with its own state; those of its children are for them. */
  compare(
    path: string,
    own: readonly Named<Tensor>[],
    children: readonly Named<unknown>[],
    setExtra: ((state: unknown) => void) | null,
  ): void {
    for (const [key, tensor] of own) this.#match(path + key, tensor)
    if (setExtra !== null) {
      const key = path + extraState
      if (this.#state.has(key)) this.#extras.push(() => setExtra(this.#state.get(key)))
      else this.#missing.push(key)
    }
    for (const key of this.#state.keys()) {
      if (!key.startsWith(path)) continue
      const name = key.slice(path.length)
      const known =
        (setExtra !== null && name === extraState) ||
        own.some(([k]) => k === name) ||
        children.some(([k]) => name.startsWith(`${k}.`))
      if (!known) this.#unexpected.push(key)
    }
  }

  /**
   * Copies all that matched, and calls the hooks, which may take keys away; throws PyTorch's error for problems, with
   * nothing changed.
   */
  complete(strict: boolean, name: string, hooks: readonly ((keys: IncompatibleKeys) => void)[]): IncompatibleKeys {
    const check = (keysToo: boolean): void => {
      const problems = this.#problems(keysToo)
      if (problems.length > 0)
        throw new RuntimeError(`Error(s) in loading state_dict for ${name}:\n\t${problems.join('\n\t')}`)
    }
    check(strict && hooks.length === 0)
    const keys = new IncompatibleKeys(this.#missing, this.#unexpected)
    const mayFail = hooks.length > 0 || this.#extras.length > 0
    const targets = !mayFail ? [] : this.#copies.map(([target]) => target).filter((x) => !isUninitialized(x))
    const before = targets.map((x) => clone(detached(x)))
    noGrad(() => this.#copy())
    try {
      for (const set of this.#extras) set()
      for (const hook of hooks) hook(keys)
      check(strict)
    } catch (error) {
      noGrad(() => targets.forEach((x, i) => void copy_(x, before[i])))
      throw error
    }
    return keys
  }

  /** Records the outcome for one tensor: a copy to make, an error, or nothing. */
  #match(key: string, target: Tensor): void {
    const source: unknown = this.#state.get(key)
    if (source === undefined) {
      this.#missing.push(key)
      return
    }
    if (!isTensor(source)) {
      this.#errors.push(
        `While copying the parameter named "${key}", expected torch.Tensor or Tensor-like object from checkpoint but received <class '${typeName(source)}'>`,
      )
      return
    }
    if (isUninitialized(target)) {
      if (!isUninitialized(source)) this.#copies.push([target, source])
      return
    }
    const sizes = source.shape
    // Very old versions of PyTorch saved scalars as vectors of one element.
    const scalar = target.dim() === 0 && sizes.length === 1 && sizes[0] === 1
    if (!scalar && String(sizes) !== String(target.sizes)) {
      this.#errors.push(
        `size mismatch for ${key}: copying a param with shape ${formatSize(sizes)} from checkpoint, the shape in current model is ${formatSize(target.sizes)}.`,
      )
      return
    }
    this.#copies.push([target, scalar ? new Tensor(source.storage, [], [], source.offset, source.dtype) : source])
  }

  /** Copies all matches, or none if a tensor was freed or cannot be written. */
  #copy(): void {
    const ready = this.#copies.map(([target, source]) => {
      if (!isUninitialized(target)) checkWritable(target, [])
      const { dtype, device } = target
      return [target, to(source, { dtype, device })] as const
    })
    for (const [target, source] of ready) {
      if (!isUninitialized(target)) checkAlive(target)
      checkAlive(source)
    }
    for (const [target, source] of ready) if (isUninitialized(target)) materialize(target, source.sizes)
    const targets = ready.map(([target]) => target)
    atomically(targets, () => {
      for (const [target, source] of ready) copy_(target, source)
    })
  }

  /** The lines of PyTorch's error; empty if all is well. */
  #problems(strict: boolean): string[] {
    const quoted = (keys: readonly string[]): string => keys.map((key) => `"${key}"`).join(', ')
    const lines = [...this.#errors]
    if (strict && this.#unexpected.length > 0)
      lines.unshift(`Unexpected key(s) in state_dict: ${quoted(this.#unexpected)}. `)
    if (strict && this.#missing.length > 0) lines.unshift(`Missing key(s) in state_dict: ${quoted(this.#missing)}. `)
    return lines
  }
}

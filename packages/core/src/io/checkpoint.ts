// Checkpoints of a training: one file for a step, in a folder. A checkpoint is a tree with a name for each part of the
// training, and with an entry of its own for the step, the state of the default generator, and a digest of everything,
// by which a file that was damaged on the disk is recognized. What is loaded is put into all parts or into none.
import { dtypeOfArray } from '../base/dtype.ts'
import { KeyError, RuntimeError, TypeError, ValueError } from '../base/errors.ts'
import { warn } from '../base/warn.ts'
import { deepCopy } from '../nn/copy.ts'
import { clone } from '../ops/views/views.ts'
import { copy_ } from '../ops/write/write.ts'
import { defaultGenerator } from '../random/generator.ts'
import { noGrad } from '../tensor/mode.ts'
import { isTensor } from '../tensor/signature.ts'
import { detached, type Tensor } from '../tensor/tensor.ts'
import type { Folder } from './files.ts'
import { type CheckpointFile, folderOf, type LoadedCheckpoint } from './folder.ts'
import { load, save } from './index.ts'
import { piecesOf } from './tensors.ts'
import { isArray, isRecord, prepared, type Saved } from './tree.ts'

type Parts = Readonly<Record<string, unknown>>

const nameOf = (step: number): string => `checkpoint-${step}.safetensors`
/** The name of the entry that is not a part. */
const own = 'checkpoint'

async function listed(folder: Folder): Promise<CheckpointFile[]> {
  const steps = (await folder.names()).flatMap((name) => {
    const [, digits] = /^checkpoint-(\d+)\.safetensors$/.exec(name) ?? []
    return digits !== undefined && nameOf(Number(digits)) === name ? [Number(digits)] : []
  })
  return steps.sort((a, b) => a - b).map((step) => ({ step, path: folder.pathOf(nameOf(step)) }))
}

/** See `Checkpoint.list` in ../io.ts. */
export const list = async (given: unknown): Promise<CheckpointFile[]> => listed(folderOf(given))

// ---- saving ----

/** See `Checkpoint.save` in ../io.ts. */
export async function saveCheckpoint(given: unknown, parts: Parts, step: number, keep: number | null): Promise<string> {
  const folder = folderOf(given)
  const tree = prepared({ ...parts, [own]: { step, random: defaultGenerator.getState() } }) as Record<string, Saved>
  const digest = await digestOf(tree)
  await folder.make()
  await folder.sweep(/^checkpoint-\d+\.safetensors\./)
  const name = nameOf(step)
  await folder.write(name, (target) => save({ ...tree, [own]: { ...(tree[own] as object), digest } }, target))
  if (keep === null) return folder.pathOf(name)
  const others = (await listed(folder)).filter((file) => file.step !== step)
  for (const old of others.slice(0, Math.max(0, others.length + 1 - keep))) await folder.remove(nameOf(old.step))
  return folder.pathOf(name)
}

/** A digest that any change of a word changes; two changes cancel each other once in 2^32 times. */
async function digestOf(tree: Saved): Promise<number> {
  let digest = 0
  const word = (x: number): void => {
    digest = Math.imul(digest ^ x, 0x9e3779b1)
    digest ^= digest >>> 15
  }
  const bytes = (all: Uint8Array): void => {
    const aligned = all.byteOffset % 4 === 0 ? all : all.slice()
    const whole = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2)
    for (let i = 0; i < whole.length; i++) word(whole[i])
    for (let i = 4 * whole.length; i < aligned.length; i++) word(aligned[i])
  }
  const text = (x: string): void => {
    for (let i = 0; i < x.length; i++) word(x.charCodeAt(i))
    word(-1)
  }
  const add = async (x: Saved, path: string): Promise<void> => {
    if (isTensor(x)) {
      text(`${path} ${x.dtype} [${x.sizes}]`)
      for await (const piece of piecesOf(x)) bytes(piece)
    } else if (isArray(x)) {
      text(`${path} ${dtypeOfArray(x)} [${x.length}]`)
      bytes(new Uint8Array(x.buffer, x.byteOffset, x.byteLength))
    } else if (typeof x !== 'object' || x === null) {
      text(`${path} ${typeof x} ${Object.is(x, -0) ? '-0' : x}`)
    } else {
      const entries = Array.isArray(x)
        ? x.map((item, i) => [i, item] as const)
        : isRecord(x)
          ? Object.entries(x)
          : [...x]
      text(`${path} ${entries.length}`)
      for (const [key, item] of entries as readonly (readonly [string | number, Saved])[])
        await add(item, `${path}.${key}`)
    }
  }
  await add(tree, '')
  return digest
}

// ---- loading ----

/** See `Checkpoint.load` in ../io.ts. */
export async function loadCheckpoint(
  given: unknown,
  parts: Parts,
  wanted: number | undefined,
): Promise<LoadedCheckpoint | null> {
  const folder = folderOf(given)
  const files = await listed(folder)
  if (wanted !== undefined && !files.some(({ step }) => step === wanted)) {
    const there = files.length === 0 ? 'none is there' : `there are ${files.map(({ step }) => step).join(', ')}`
    throw new ValueError(`${folder.name}: there is no checkpoint of step ${wanted}`, `Of the steps, ${there}.`)
  }
  let last: unknown
  for (const { step, path } of files.reverse()) {
    if (wanted !== undefined && step !== wanted) continue
    let tree: Parts
    try {
      tree = await read(folder, step, path)
    } catch (error) {
      if (wanted !== undefined) throw error
      warn(`${path} is left out, and the checkpoint before it is taken: ${(error as Error).message}`)
      last = error
      continue
    }
    const { [own]: _, ...state } = tree
    restore(parts, tree)
    return { step, path, state }
  }
  if (last === undefined) return null
  throw new RuntimeError(`${folder.name}: none of its checkpoints can be read`, (last as Error).message)
}

/** The tree of a file; throws if it is damaged, or no checkpoint of this step. */
async function read(folder: Folder, step: number, path: string): Promise<Parts> {
  const tree = (await load(await folder.source(nameOf(step)))) as Record<string, Saved>
  const info = tree instanceof Map || typeof tree !== 'object' ? undefined : tree[own]
  if (info === undefined || !isRecord(info) || info.step !== step || !(info.random instanceof Uint8Array))
    throw new ValueError(`${path}: is no checkpoint of step ${step}`, 'Checkpoint.save(step) makes them.')
  const { digest, ...rest } = info
  if ((await digestOf({ ...tree, [own]: rest })) !== digest)
    throw new ValueError(`${path}: its elements are not those that were saved`, 'The file is damaged.')
  return tree
}

interface WithDict {
  stateDict(): unknown
  loadStateDict(state: unknown): unknown
}
interface WithState {
  getState(): unknown
  setState(state: unknown): unknown
}
const hasMethods = (x: unknown, ...names: readonly string[]): boolean =>
  typeof x === 'object' && x !== null && names.every((name) => typeof (x as Parts)[name] === 'function')
const isPlain = (x: unknown): x is Parts | readonly unknown[] =>
  Array.isArray(x) ||
  (typeof x === 'object' && x !== null && [Object.prototype, null].includes(Object.getPrototypeOf(x)))
const withDict = (x: unknown): x is WithDict => hasMethods(x, 'stateDict', 'loadStateDict')
const withState = (x: unknown): x is WithState => hasMethods(x, 'getState', 'setState')
const isStateful = (x: unknown): boolean =>
  withDict(x) || withState(x) || isTensor(x) || (isPlain(x) && Object.values(x).some(isStateful))

/** Something that a saved state is put into. */
interface Place {
  /** The size of its state, roughly. */
  readonly bytes: number
  put(): void
  /** Returns what puts the current state back. */
  keep(): () => void
}

/**
 * Puts a saved tree into all parts, or into none: if one of them refuses its state, those before it get theirs back. The
 * largest comes last, so that no copy of it is needed.
 */
function restore(parts: Parts, tree: Parts): void {
  const places: Place[] = []
  const random = tree[own] as { readonly random: Uint8Array }
  placesIn(parts, tree, '', places)
  places.push(placeOf(defaultGenerator, random.random))
  places.sort((a, b) => a.bytes - b.bytes)
  const undo: (() => void)[] = []
  try {
    places.forEach((place, i) => {
      if (i < places.length - 1) undo.push(place.keep())
      place.put()
    })
  } catch (error) {
    for (const back of undo.reverse()) back()
    throw error
  }
}

/** The places of the members of an object or array; throws for one that has no state in the tree. */
function placesIn(holder: Parts | readonly unknown[], saved: unknown, path: string, places: Place[]): void {
  for (const [key, value] of Object.entries(holder)) {
    if (value === undefined) continue
    const name = path === '' ? key : `${path}.${key}`
    if (typeof saved !== 'object' || saved === null || !Object.hasOwn(saved, key)) {
      throw new KeyError(
        `'${name}'`,
        `The checkpoint has no state of ${name}; it has ${Object.keys(saved ?? {})
          .filter((each) => each !== own)
          .join(', ')}.`,
      )
    }
    const state: unknown = (saved as Parts)[key]
    if (withDict(value) || withState(value) || isTensor(value)) places.push(placeOf(value, state))
    else if (isStateful(value)) placesIn(value as Parts, state, name, places)
    else {
      const { set, writable } = Object.getOwnPropertyDescriptor(holder, key) as PropertyDescriptor
      if (set === undefined && writable !== true) continue
      const assign = (x: unknown) => () => void Reflect.set(holder, key, x)
      places.push({ bytes: 0, put: assign(state), keep: () => assign(value) })
    }
  }
}

function placeOf(target: WithDict | WithState | Tensor, state: unknown): Place {
  const bytes = bytesIn(state)
  if (isTensor(target)) {
    const write = (x: unknown): void => {
      if (!isTensor(x)) throw new TypeError('a tensor was no tensor when the checkpoint was saved')
      if (String(x.sizes) !== String(target.sizes) || x.dtype !== target.dtype)
        throw new ValueError(
          `a tensor of ${x.dtype} [${x.sizes}] does not fit one of ${target.dtype} [${target.sizes}]`,
        )
      noGrad(() => copy_(target, x))
    }
    return {
      bytes,
      put: () => write(state),
      keep: () => {
        const before = noGrad(() => clone(detached(target)))
        return () => write(before)
      },
    }
  }
  if (withDict(target)) {
    return {
      bytes,
      put: () => void target.loadStateDict(state),
      keep: () => {
        const before = deepCopy(target.stateDict())
        return () => void target.loadStateDict(before)
      },
    }
  }
  return {
    bytes,
    put: () => void target.setState(state),
    keep: () => {
      const before = target.getState()
      return () => void target.setState(before)
    },
  }
}

function bytesIn(state: unknown): number {
  if (isTensor(state)) return 8 * state.elements
  if (typeof state !== 'object' || state === null) return 8
  if (ArrayBuffer.isView(state)) return state.byteLength
  const items = state instanceof Map ? [...state.values()] : Object.values(state)
  return items.reduce<number>((sum, item) => sum + bytesIn(item), 0)
}

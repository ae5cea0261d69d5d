// Reads the values that tools/golden/golden.py computed with real PyTorch. Every entry carries the key of its sample,
// so a sample that has changed since is an error, never a comparison with the values of another call.
import { readFileSync } from 'node:fs'
import type { Expected } from './compare.ts'
import type { DType } from './sample.ts'

type Encoded = readonly (number | string)[]
interface Output {
  readonly dtype: DType
  readonly shape: readonly number[]
  /** null for uninitialized elements. */
  readonly data: Encoded | null
}
interface Golden {
  readonly key: string
  readonly outs: readonly (Output | { readonly value: unknown })[]
  readonly grads?: readonly (Encoded | null)[]
}
export interface GoldenError {
  readonly key: string
  readonly error: string
  readonly message: string
}
interface GoldenOp {
  readonly samples: readonly Golden[]
  readonly derived: readonly (Golden | GoldenError)[]
  readonly errors: readonly GoldenError[]
}

const words: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  '-0': -0,
}
/** Numbers as golden files write them. */
export const decode = (data: Encoded, dtype: DType = 'float64'): number[] =>
  data.map((x) => (typeof x === 'string' ? words[x] : dtype === 'float32' ? Math.fround(x) : x))

const files = new Map<string, Readonly<Record<string, GoldenOp>>>()
export const readGolden = (name: string): Readonly<Record<string, unknown>> =>
  JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8'))

const opIn = (family: string, op: string): GoldenOp => {
  if (!files.has(family)) files.set(family, readGolden(family) as Readonly<Record<string, GoldenOp>>)
  return files.get(family)?.[op] ?? { samples: [], derived: [], errors: [] }
}

const byKey = <R extends { readonly key: string }>(entries: readonly R[], key: string, label: string): R => {
  const found = entries.find((entry) => entry.key === key)
  if (!found) throw new Error(`no golden for ${label} (key ${key}): run \`pnpm golden\``)
  return found
}

export const goldenOf = (family: string, op: string, sample: { key: string; label: string }) =>
  decoded(byKey(opIn(family, op).samples, sample.key, sample.label))

/** The results or the error of a derived sample. */
export const derivedGoldenOf = (family: string, op: string, sample: { key: string; label: string }) => {
  const found = byKey(opIn(family, op).derived, sample.key, sample.label)
  return 'error' in found ? found : decoded(found)
}

const decoded = ({ outs, grads }: Golden) => {
  return {
    outs: outs.map(
      (out): Expected => ('data' in out ? { ...out, values: out.data && decode(out.data, out.dtype) } : out),
    ),
    grads: grads?.map((grad) => (grad === null ? null : decode(grad))),
  }
}

export const goldenErrorOf = (family: string, op: string, sample: { key: string; label: string }): GoldenError =>
  byKey(opIn(family, op).errors, sample.key, sample.label)

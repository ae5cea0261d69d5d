// Prepares an op's samples: fills in values, adds a label and a key to each, and defines the shape of a table entry.
import type { Property } from './property.ts'
import { deriveFrom, type Derivation, derivations } from './derived.ts'
import { type ErrorSample, keyOf, labelOf, resolve, type Sample } from './sample.ts'

/** The suite's data about one op. */
export interface OpSamples {
  readonly samples: readonly Sample[]
  readonly errors: readonly ErrorSample[]
  /** Random cases compared with plain loops, or the reason why there are none. */
  readonly property: Property | { readonly none: string }
}

export type Ready<S> = S & { readonly key: string; readonly label: string }
export interface Prepared {
  readonly op: string
  readonly samples: readonly Ready<Sample>[]
  readonly errors: readonly Ready<ErrorSample>[]
  /** The first suitable sample, with other values and sizes. */
  readonly derived: readonly Derived[]
}
/** PyTorch decides whether it gives results or an error. */
export type Derived = Ready<Sample> & { readonly derivation: Derivation }

/** Makes an entry of the table. */
export const op = (
  samples: readonly Sample[],
  property: Property | { readonly none: string },
  errors: readonly ErrorSample[] = [],
): OpSamples => ({ samples, errors, property })

const ready = <S extends Sample | ErrorSample>(name: string, sample: S): Ready<S> => {
  const filled = resolve(name, sample)
  const { args, kwargs, seed } = filled as Sample
  return { ...filled, key: keyOf({ args, kwargs, seed }), label: labelOf(filled) }
}

export const prepare = (name: string, entry: OpSamples): Prepared => ({
  op: name,
  samples: entry.samples.map((sample) => ready(name, sample)),
  errors: entry.errors.map((sample) => ready(name, sample)),
  derived: derivations.flatMap((derivation) => {
    for (const sample of entry.samples) {
      const made = deriveFrom(resolve(name, sample), derivation)
      if (made === undefined) continue
      const filled = ready(name, made)
      return { ...filled, derivation, label: `${filled.label}, ${derivation}` }
    }
    return []
  }),
})

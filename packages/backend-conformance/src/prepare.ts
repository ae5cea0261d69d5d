// Makes an op's samples ready to run: values filled in, a label and a key on each, and the shape of an entry of the table.
import type { Property } from './property.ts'
import { deriveFrom, type Derivation, derivations } from './derived.ts'
import { type ErrorSample, keyOf, labelOf, resolve, type Sample } from './sample.ts'

/** What the suite knows about one op. */
export interface OpSamples {
  readonly samples: readonly Sample[]
  readonly errors: readonly ErrorSample[]
  /** Random cases against plain loops, or why there are none. */
  readonly property: Property | { readonly none: string }
}

export type Ready<S> = S & { readonly key: string; readonly label: string }
export interface Prepared {
  readonly op: string
  readonly samples: readonly Ready<Sample>[]
  readonly errors: readonly Ready<ErrorSample>[]
  /** The first sample that can be, with other values and sizes. */
  readonly derived: readonly Derived[]
}
/** What comes of it, PyTorch says: results, or an error. */
export type Derived = Ready<Sample> & { readonly derivation: Derivation }

/** An entry of the table. */
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

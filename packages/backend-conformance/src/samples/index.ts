// All samples, one entry for every op of the table: a missing entry does not compile.
import { activations } from './activations.ts'
import { arrangements } from './arrangements.ts'
import { contractions } from './contractions.ts'
import { convolutions } from './convolutions.ts'
import { copies } from './copies.ts'
import { creation } from './creation.ts'
import { elementwise } from './elementwise.ts'
import { functions } from './functions.ts'
import { images } from './images.ts'
import { indexing } from './indexing.ts'
import { joins } from './joins.ts'
import { logic } from './logic.ts'
import { losses } from './losses.ts'
import { matmul } from './matmul.ts'
import { norms } from './norms.ts'
import { order } from './order.ts'
import { parts } from './parts.ts'
import { pooling } from './pooling.ts'
import { positions } from './positions.ts'
import { reductions } from './reductions.ts'
import { statistics } from './statistics.ts'
import { views } from './views.ts'
import type { F, linalg, ops, special } from '@flambeau/core'
import { type OpSamples, type Prepared, prepare } from '../prepare.ts'

export const families = {
  activations,
  arrangements,
  contractions,
  convolutions,
  copies,
  creation,
  elementwise,
  functions,
  images,
  indexing,
  joins,
  logic,
  losses,
  matmul,
  norms,
  order,
  parts,
  pooling,
  positions,
  reductions,
  statistics,
  views,
} as const

/** The functions of a namespace, by their names with its own in front. */
type Within<N extends string, M> = { [K in keyof M & string as `${N}.${K}`]: M[K] }
/** Names of functions that have samples under another one. */
type Renamed = keyof typeof ops | 'expit' | 'gammaln' | 'multigammaln' | 'psi'
/** Those that run in JavaScript on every device, of which core's tests have the golden values. */
type OnHost =
  | (
      | 'LinAlgError'
      | 'cholesky'
      | 'choleskyEx'
      | 'cond'
      | 'det'
      | 'eigh'
      | 'eigvalsh'
      | 'inv'
      | 'invEx'
      | 'lstsq'
      | 'lu'
    )
  | ('householderProduct' | 'ldlFactor' | 'ldlFactorEx' | 'ldlSolve' | 'luFactorEx' | 'solveEx')
  | ('luFactor' | 'luSolve' | 'matrixExp' | 'matrixRank' | 'pinv' | 'qr' | 'slogdet' | 'solve' | 'solveTriangular')
  | ('svd' | 'svdvals' | 'tensorinv' | 'tensorsolve')
/** The same of the namespace `special`, and two other names of its functions. */
type Special =
  | ('airyAi' | 'modifiedBesselI0' | 'modifiedBesselI1' | 'gammainc' | 'gammaincc' | 'sphericalBesselJ0' | 'zeta')
  | `${'bessel' | 'modifiedBessel' | 'scaledModifiedBessel'}${'J' | 'K' | 'Y'}${0 | 1}`
  | `${string}Polynomial${string}`
type Table = typeof ops &
  typeof F &
  Within<'special', Omit<typeof special, Renamed | Special>> &
  Within<'linalg', Omit<typeof linalg, 'matmul' | 'matrixPower' | OnHost>>
/** Exports beside the ops. */
type Other = 'Slice' | 'ValuesAndIndices' | 'getRngState' | 'initialSeed' | 'manualSeed' | 'seed' | 'setRngState'
/** In-place forms need no samples: those of the op are run in place. */
type InPlaceForm<K> = K extends `${infer Op}_` ? (Op extends keyof Table ? K : never) : never
type OpName = Exclude<keyof Table, Other | InPlaceForm<keyof Table>>

/** Every op of the table; the compiler reports a missing one. */
const table = {
  ...activations,
  ...arrangements,
  ...contractions,
  ...convolutions,
  ...copies,
  ...creation,
  ...elementwise,
  ...functions,
  ...images,
  ...indexing,
  ...joins,
  ...logic,
  ...losses,
  ...matmul,
  ...norms,
  ...order,
  ...parts,
  ...pooling,
  ...positions,
  ...reductions,
  ...statistics,
  ...views,
} satisfies Record<OpName, OpSamples>

const cache = new Map<string, Prepared>()
/** The samples of an op with values and keys. */
export const prepared = (op: string): Prepared => {
  const known = cache.get(op)
  if (known) return known
  const made = prepare(op, (table as Readonly<Record<string, OpSamples>>)[op])
  cache.set(op, made)
  return made
}

/** Whether an op has kernels: otherwise all of its samples test core, such as those of functions that run in JavaScript. */
export const hasKernels = (op: string): boolean => prepared(op).samples.some(({ core }) => core !== true)

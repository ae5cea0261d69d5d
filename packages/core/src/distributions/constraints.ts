// The regions in which parameters and values of distributions must lie: PyTorch's torch.distributions.constraints. A
// constraint is a record of a check and what it prints; the checks are ops.
import { inspect } from '../base/inspect.ts'
import { snakeCase, typeName } from '../base/python.ts'
import { TypeError, ValueError } from '../base/errors.ts'
import { filled } from '../ops/define/fill.ts'
import { isclose } from '../ops/create/convert.ts'
import { reprFloat } from '../tensor/print.ts'
import {
  type Arguments,
  type Takes,
  int,
  ints,
  type Kind,
  list,
  nullable,
  number,
  optional,
  required,
  signature,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { choleskyEx, eigvalsh } from '../ops/linalg/factor.ts'
import { cat as joined, stack as stacked } from '../ops/views/join.ts'
import { lengthsOf, limitsOf, piecesOf, slicesOf, tensorOrNumber, type TensorOrNumber, valueText } from './values.ts'

const checkArguments = signature('check', required('value', tensor))

interface Region {
  /** Whether each event lies in the region. */
  readonly test: (value: Tensor) => Tensor
  readonly isDiscrete?: boolean
  readonly eventDim?: number
  /** What is printed in the parentheses. */
  readonly bounds?: Readonly<Record<string, TensorOrNumber>>
  /** What is printed in place of the name and the bounds. */
  readonly text?: string
  /** Of a constraint made of others. */
  readonly parts?: Parts
}
interface Parts {
  readonly baseConstraint?: Constraint
  readonly reinterpretedBatchNdims?: number
  readonly cseq?: readonly Constraint[]
  readonly lengths?: readonly number[]
  readonly dim?: number
}

/**
 * A region in which values must lie. `test` says for each event of a tensor, of `eventDim` last dimensions, whether it
 * does.
 *
 * @example
 * distributions.constraints.positive.check(tensor([1, -1])) // tensor([ True, False])
 */
export class Constraint implements Parts {
  readonly #name: string
  readonly #region: Region
  /** Of `independent`: the constraint of one dimension less. */
  declare readonly baseConstraint?: Constraint
  declare readonly reinterpretedBatchNdims?: number
  /** Of `cat` and `stack`: the constraints of the pieces. */
  declare readonly cseq?: readonly Constraint[]
  declare readonly lengths?: readonly number[]
  declare readonly dim?: number

  constructor(name: string, region: Region) {
    this.#name = name
    this.#region = region
    Object.assign(this, region.parts)
  }

  /** What constraints of a kind have in common: the name of PyTorch's class, or the class of a user's own. */
  get kind(): unknown {
    return this.constructor === Constraint ? `_${this.#name}` : this.constructor
  }

  /** Whether the values are discrete. */
  get isDiscrete(): boolean {
    return this.#region.isDiscrete ?? false
  }

  /** How many of the last dimensions make one event. */
  get eventDim(): number {
    return this.#region.eventDim ?? 0
  }

  /** The lower bound of an interval or half line. */
  get lowerBound(): TensorOrNumber | undefined {
    return this.#region.bounds?.lowerBound
  }

  /** The upper bound of an interval or half line. */
  get upperBound(): TensorOrNumber | undefined {
    return this.#region.bounds?.upperBound
  }

  /** Booleans: for each event, whether it lies in the region. */
  check(...args: [value: Tensor]): Tensor {
    return this.#region.test(checkArguments(args)[0])
  }

  toString(): string {
    const { bounds = {}, isDiscrete, text: whole } = this.#region
    if (whole !== undefined) return whole
    const text = (x: TensorOrNumber): string =>
      typeof x !== 'number' ? valueText(x) : isDiscrete ? String(x) : reprFloat(x)
    const named = Object.entries(bounds).map(([name, x]) => `${snakeCase(name)}=${text(x)}`)
    return `${this.#name}(${named.join(', ')})`
  }

  [Symbol.for(inspect)](): string {
    return this.toString()
  }
}

const isWhole = (x: Tensor): Tensor => x.remainder(1).eq(0)
const isBoolean = (x: Tensor): Tensor => x.eq(0).logicalOr(x.eq(1))
const allOfLast = (x: Tensor, n: number): Tensor => (n === 0 ? x : x.flatten(-n).all(-1))
const isLower = (x: Tensor): Tensor => allOfLast(x.tril().eq(x), 2)

function isFactor(x: Tensor): Tensor {
  return isLower(x).logicalAnd(x.diagonal({ dim1: -2, dim2: -1 }).gt(0).all(-1))
}

const oneBound = (name: string) => signature(name, required('bound', tensorOrNumber))
const twoBounds = (name: string) =>
  signature(name, required('lowerBound', tensorOrNumber), required('upperBound', tensorOrNumber))

// ---- without arguments ----

/** A region that depends on other values, so that it cannot be checked. */
export const dependent: Constraint = new Constraint('Dependent', {
  test: () => {
    throw new ValueError('Cannot determine validity of dependent constraint')
  },
})
/** Whether a constraint is `dependent`. */
export const isDependent = (...args: [constraint: Constraint]): boolean => isDependentArguments(args)[0] === dependent
const constraint: Kind<Constraint> = { expected: 'Constraint', accepts: (x) => x instanceof Constraint }
const isDependentArguments = signature('is_dependent', required('constraint', constraint))

/** 0 or 1. */
export const boolean: Constraint = new Constraint('Boolean', { isDiscrete: true, test: isBoolean })
/** Vectors of one 1 and zeros. */
export const oneHot: Constraint = new Constraint('OneHot', {
  isDiscrete: true,
  eventDim: 1,
  test: (x) => isBoolean(x).all(-1).logicalAnd(x.sum(-1).eq(1)),
})
const atLeast = (lowerBound: TensorOrNumber): Constraint =>
  new Constraint('IntegerGreaterThan', {
    isDiscrete: true,
    bounds: { lowerBound },
    test: (x) => isWhole(x).logicalAnd(x.ge(lowerBound)),
  })
/** 0, 1, 2, and so on. */
export const nonnegativeInteger: Constraint = atLeast(0)
/** 1, 2, 3, and so on. */
export const positiveInteger: Constraint = atLeast(1)
/** All numbers but NaN. */
export const real: Constraint = new Constraint('Real', { test: (x) => x.eq(x) })
/** Vectors of numbers but NaN. */
export const realVector: Constraint = within(real, 1)
/** Numbers above 0. */
export const positive: Constraint = above(0)
/** Numbers from 0 on. */
export const nonnegative: Constraint = from(0)
/** Numbers from 0 to 1. */
export const unitInterval: Constraint = between(0, 1)
/** Vectors of non-negative numbers with the sum 1. */
export const simplex: Constraint = new Constraint('Simplex', {
  eventDim: 1,
  test: (x) => x.ge(0).all(-1).logicalAnd(x.sum(-1).sub(1).abs().lt(1e-6)),
})
/** Square matrices with zeros above the diagonal. */
export const lowerTriangular: Constraint = new Constraint('LowerTriangular', { eventDim: 2, test: isLower })
/** Lower triangular matrices with a positive diagonal. */
export const lowerCholesky: Constraint = new Constraint('LowerCholesky', { eventDim: 2, test: isFactor })
/** Lower triangular matrices with a positive diagonal whose rows have the length 1. */
export const corrCholesky: Constraint = new Constraint('CorrCholesky', {
  eventDim: 2,
  test(x) {
    const tolerance = limitsOf(x).eps * x.sizes[x.dim() - 1] * 10
    const far = x.detach().pow(2).sum(-1).sqrt().sub(1).abs()
    return isFactor(x).logicalAnd(far.le(tolerance).all(-1))
  },
})
const isSquare = (x: Tensor): Tensor => {
  const [rows, columns] = x.sizes.slice(-2)
  return filled(x.sizes.slice(0, -2), 'bool', rows === columns ? 1 : 0, x.storage.device)
}
const isSymmetric = (x: Tensor): Tensor =>
  x.sizes.at(-1) !== x.sizes.at(-2) ? isSquare(x) : allOfLast(isclose(x, x.transpose(-2, -1), { atol: 1e-6 }), 2)
/** Square matrices. */
export const square: Constraint = new Constraint('Square', { eventDim: 2, test: isSquare })
/** Symmetric matrices. */
export const symmetric: Constraint = new Constraint('Symmetric', { eventDim: 2, test: isSymmetric })
/** Symmetric matrices without negative eigenvalues. */
export const positiveSemidefinite: Constraint = new Constraint('PositiveSemidefinite', {
  eventDim: 2,
  test(x) {
    const symmetric = isSymmetric(x)
    return symmetric.all().item() === 0 ? symmetric : eigvalsh(x.detach()).ge(0).all(-1)
  },
})
/** Symmetric positive definite matrices. */
export const positiveDefinite: Constraint = new Constraint('PositiveDefinite', {
  eventDim: 2,
  test: (x) => {
    const symmetric = isSymmetric(x)
    const [rows, columns] = x.shape.slice(-2)
    return rows === columns ? symmetric.logicalAnd(choleskyEx(x.detach()).info.eq(0)) : symmetric
  },
})

// ---- with arguments ----

function above(lowerBound: TensorOrNumber): Constraint {
  return new Constraint('GreaterThan', { bounds: { lowerBound }, test: (x) => x.gt(lowerBound) })
}
function from(lowerBound: TensorOrNumber): Constraint {
  return new Constraint('GreaterThanEq', { bounds: { lowerBound }, test: (x) => x.ge(lowerBound) })
}
function between(lowerBound: TensorOrNumber, upperBound: TensorOrNumber): Constraint {
  return new Constraint('Interval', {
    bounds: { lowerBound, upperBound },
    test: (x) => x.ge(lowerBound).logicalAnd(x.le(upperBound)),
  })
}
function within(base: Constraint, n: number): Constraint {
  return new Constraint('IndependentConstraint', {
    text: `IndependentConstraint(${base}, ${n})`,
    parts: { baseConstraint: base, reinterpretedBatchNdims: n },
    isDiscrete: base.isDiscrete,
    eventDim: base.eventDim + n,
    test: (x) => {
      const valid = base.check(x)
      if (valid.dim() < n) throw new ValueError(`Expected value.dim() >= ${base.eventDim + n} but got ${x.dim()}`)
      return allOfLast(valid, n)
    },
  })
}

const greaterThanArguments = oneBound('greater_than')
/** Numbers above a bound. */
export const greaterThan = (...args: [lowerBound: TensorOrNumber]): Constraint => above(...greaterThanArguments(args))
const greaterThanEqArguments = oneBound('greater_than_eq')
/** Numbers from a bound on. */
export const greaterThanEq = (...args: [lowerBound: TensorOrNumber]): Constraint =>
  from(...greaterThanEqArguments(args))
const lessThanArguments = oneBound('less_than')
/** Numbers below a bound. */
export function lessThan(...args: [upperBound: TensorOrNumber]): Constraint {
  const [upperBound] = lessThanArguments(args)
  return new Constraint('LessThan', { bounds: { upperBound }, test: (x) => x.lt(upperBound) })
}
type Bounds = Takes<[lowerBound: TensorOrNumber, upperBound: TensorOrNumber], 'lowerBound upperBound'>
const intervalArguments = twoBounds('interval')
/** Numbers between two bounds, both included. */
export const interval = (...args: Bounds): Constraint => between(...intervalArguments(args))
const halfOpenArguments = twoBounds('half_open_interval')
/** Numbers from a bound to below another. */
export function halfOpenInterval(...args: Bounds): Constraint {
  const [lowerBound, upperBound] = halfOpenArguments(args)
  return new Constraint('HalfOpenInterval', {
    bounds: { lowerBound, upperBound },
    test: (x) => x.ge(lowerBound).logicalAnd(x.lt(upperBound)),
  })
}
const integersArguments = twoBounds('integer_interval')
/** Whole numbers between two bounds, both included. */
export function integerInterval(...args: Bounds): Constraint {
  const [lowerBound, upperBound] = integersArguments(args)
  return new Constraint('IntegerInterval', {
    isDiscrete: true,
    bounds: { lowerBound, upperBound },
    test: (x) => isWhole(x).logicalAnd(x.ge(lowerBound)).logicalAnd(x.le(upperBound)),
  })
}
const multinomialArguments = signature('multinomial', required('upperBound', number))
/** Vectors of non-negative counts with a sum of at most `upperBound`. */
export function multinomial(...args: [upperBound: number]): Constraint {
  const [upperBound] = multinomialArguments(args)
  return new Constraint('Multinomial', {
    text: 'Multinomial()',
    isDiscrete: true,
    eventDim: 1,
    bounds: { upperBound },
    test: (x) => x.ge(0).all(-1).logicalAnd(x.sum(-1).le(upperBound)),
  })
}
const independentArguments = signature(
  'independent',
  required('baseConstraint', constraint),
  required('reinterpretedBatchNdims', int),
)
/** A constraint whose last batch dimensions make one event: all of them must satisfy it. */
export function independent(
  ...args: Takes<
    [baseConstraint: Constraint, reinterpretedBatchNdims: number],
    'baseConstraint reinterpretedBatchNdims'
  >
): Constraint {
  const [base, n] = independentArguments(args)
  if (n < 0)
    throw new TypeError(`independent(): argument 'reinterpreted_batch_ndims' must not be negative, not ${typeName(n)}`)
  return within(base, n)
}

// ---- of pieces ----

const sequence = required('cseq', list(constraint))
const along = optional('dim', int, 0)
const ofPieces = (cseq: readonly Constraint[]): Pick<Region, 'isDiscrete' | 'eventDim'> => ({
  isDiscrete: cseq.some((c) => c.isDiscrete),
  eventDim: Math.max(0, ...cseq.map((c) => c.eventDim)),
})
interface PiecesOptions {
  readonly dim?: number
  /** How long each piece is, by default 1. */
  readonly lengths?: readonly number[] | null
}
const catArguments = signature('cat', sequence, along, optional('lengths', nullable(ints), null))
/** Constraints of the pieces that `cat` joins. */
export function cat(
  ...args: Takes<
    [cseq: readonly Constraint[]],
    'cseq',
    Arguments<[dim: number, lengths: readonly number[] | null], PiecesOptions>
  >
): Constraint {
  const [cseq, dim, given] = catArguments(args)
  const lengths = lengthsOf(cseq, given)
  return new Constraint('Cat', {
    ...ofPieces(cseq),
    parts: { cseq, dim, lengths },
    test: (x) =>
      joined(
        piecesOf(x, dim, lengths).map((piece, i) => cseq[i].check(piece)),
        dim,
      ),
  })
}
const stackArguments = signature('stack', sequence, along)
/** Constraints of the slices that `stack` joins. */
export function stack(
  ...args: Takes<[cseq: readonly Constraint[]], 'cseq', [dim?: number | Pick<PiecesOptions, 'dim'>]>
): Constraint {
  const [cseq, dim] = stackArguments(args)
  const region = ofPieces(cseq)
  const eventDim = region.eventDim as number
  return new Constraint('Stack', {
    ...region,
    eventDim: dim + eventDim < 0 ? eventDim + 1 : eventDim,
    parts: { cseq, dim },
    test: (x) =>
      stacked(
        slicesOf(x, dim).map((piece, i) => cseq[i].check(piece)),
        dim,
      ),
  })
}

// The waist of the CUDA backend: planners turn an instruction into launches of kernels, and the device runs them
// without knowing what they compute. A plan follows from the descriptor of an instruction, so it is made once.
import type { DType, Instr, Kind } from '@flambeau/core/backend'
import type { Type, Value } from './value.ts'

/** Memory of a block that a body declares. */
export interface SharedPart {
  readonly name: string
  readonly bytes: number
}

/** What a kernel does, without its frame, so that one kernel can do what several do (text/block.ts). */
export interface Body {
  /** The registers of the parameters, which the code expects to be read. */
  readonly params: readonly Value[]
  /** How many registers of each type there are. */
  readonly used: Readonly<Record<Type, number>>
  readonly shared: readonly SharedPart[]
  readonly code: string
  /** The functions of the prelude that it calls. */
  readonly calls: ReadonlySet<string>
}

/** A kernel in a text of PTX: one of the library's, or one that was written for an expression and has a body. */
export interface Kernel {
  readonly text: string
  readonly name: string
  readonly body?: Body
}

/** A parameter of a kernel. Addresses, numbers and longs take 8 bytes, ints 4. */
export type Param =
  /** The address of the first element of a view. */
  | { readonly is: 'input'; readonly input: number }
  /** The address of an output. */
  | { readonly is: 'output'; readonly output: number }
  /** The address of memory that only this instruction uses, by its position in `Plan.scratch`. */
  | { readonly is: 'scratch'; readonly scratch: number }
  /** The value of a number among the inputs as a double, rounded to the dtype. */
  | { readonly is: 'number'; readonly input: number; readonly dtype: DType }
  | { readonly is: 'int'; readonly value: number }
  | { readonly is: 'long'; readonly value: number }
  /** A number that follows from the attributes of the instruction that runs: `pad`'s value, an offset. */
  | { readonly is: 'attribute'; readonly type: 'int' | 'double'; of(instr: Instr): number }
  /** The address of the device's error record: two int32, the tag of the instruction that failed, or 0, and a value. */
  | { readonly is: 'flag' }
  /** An int: the tag of this instruction, not 0. */
  | { readonly is: 'tag' }

export interface Launch {
  readonly kernel: Kernel
  /** Blocks in each dimension: at most 2^31 - 1, 65,535 and 65,535. */
  readonly grid: readonly [x: number, y: number, z: number]
  /** Threads of a block. */
  readonly block: number
  /** Bytes of shared memory beyond what the kernel declares. */
  readonly shared: number
  readonly params: readonly Param[]
  /** The elements that all threads together visit, one after the other; unknown for kernels of the library. */
  readonly visits?: number
  /** The launch is left out if this input and the first output begin at the same address. */
  readonly unlessSame?: number
}

/** How a BLAS reads a factor: the step between its lines, whether these are its columns, and the step of a batch. */
export interface Factor {
  readonly line: number
  readonly turned: boolean
  readonly step: number
}

/** A batch of products of the first two inputs into the first output. */
export interface Product {
  /** Bytes of an element. */
  readonly width: number
  readonly m: number
  readonly n: number
  readonly k: number
  readonly count: number
  readonly a: Factor
  readonly b: Factor
  /** The step of the results of a batch. */
  readonly step: number
}

export interface Plan {
  readonly launches: readonly Launch[]
  /** The bytes of each piece of memory that the launches share. */
  readonly scratch: readonly number[]
  /** What does the same if there is a BLAS: a product, and launches after it. */
  readonly byBlas?: Product & { readonly then: readonly Launch[] }
}

export const isLaunch = (work: Launch | Product): work is Launch => (work as Partial<Launch>).kernel !== undefined

/** What a plan runs, by the BLAS if there is something for it and `mayBlas`. */
export const worksOf = ({ launches, byBlas }: Plan, mayBlas: boolean): readonly (Launch | Product)[] =>
  mayBlas && byBlas !== undefined ? [byBlas, ...byBlas.then] : launches

/** Plans an instruction; null if no kernel takes it. */
export type Planner<K extends Kind> = (instr: Instr<K>) => Plan | null

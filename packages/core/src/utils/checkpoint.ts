// Trades time for memory (https://arxiv.org/abs/1604.06174): what the graph of a function saves for its gradients is
// dropped in the forward pass, and computed again when the backward pass needs it.
import { savedTensorsHooks } from '../autograd/saved.ts'
import { checkCallable } from '../base/callable.ts'
import { RuntimeError, TypeError, ValueError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { warn } from '../base/warn.ts'
import { Sequential } from '../nn/container.ts'
import { Module } from '../nn/module.ts'
import { defaultGenerator } from '../random/generator.ts'
import { effects } from '../tensor/effects.ts'
import { enableGrad, mode } from '../tensor/mode.ts'
import {
  type Takes,
  bool,
  int,
  isOptions,
  isTensor,
  keyword,
  nothingMore,
  required,
  signature,
  tensor,
} from '../tensor/signature.ts'
import { detached, type Tensor } from '../tensor/tensor.ts'

export interface CheckpointOptions {
  /** Draw the same random numbers again; true by default. */
  readonly preserveRngState?: boolean
  /** PyTorch's choice of an implementation. There is one here, which does what both can do; either value is accepted. */
  readonly useReentrant?: boolean
}

const names: readonly string[] = ['preserveRngState', 'useReentrant']
const parameters = [keyword('preserveRngState', bool, true), keyword('useReentrant', bool, true)] as const
const readOptions = signature('checkpoint', ...parameters)

type Call = (...args: readonly unknown[]) => unknown
/** A function, or a module, which is called by its `forward`. */
type Callable<A extends readonly unknown[], R> = ((...args: A) => R) | { forward(...args: A): R }

function called<A extends readonly unknown[], R>(
  name: string,
  parameter: string,
  fn: Callable<A, R>,
): (...args: A) => R {
  if (fn instanceof Module) return (...args) => (fn as unknown as { forward(...args: A): R }).forward(...args)
  checkCallable(name, fn, parameter)
  return fn as (...args: A) => R
}

/** A call whose saved tensors were dropped. */
class Segment {
  /** Visible to a scope, which looks for memory in use. */
  readonly args: readonly unknown[]
  readonly #fn: Call
  readonly #state: Uint8Array | null
  #drew = false
  #count = 0
  #found = new Map<number, Tensor>()

  constructor(fn: Call, args: readonly unknown[], preserve: boolean) {
    this.#fn = fn
    this.args = args
    this.#state = preserve ? defaultGenerator.getState() : null
  }

  run(): unknown {
    const result = savedTensorsHooks(
      () => ({ segment: this, at: this.#count++ }),
      ({ segment, at }) => segment.#take(at),
      () => this.#fn(...this.args),
    )
    this.#drew = this.#state !== null && !sameBytes(this.#state, defaultGenerator.getState())
    if (this.#drew) {
      effects.sink?.refuse(
        'checkpoint of a function that draws random numbers',
        'Replays would draw other numbers for the gradient. Draw them outside the function, or do not checkpoint it.',
      )
    }
    return result
  }

  /** A saved tensor; all of them are computed again if it is not there. */
  #take(at: number): Tensor {
    if (!this.#found.has(at)) this.#again()
    const x = this.#found.get(at) as Tensor
    this.#found.delete(at)
    return x
  }

  #again(): void {
    const found = new Map<number, Tensor>()
    const now = this.#drew ? defaultGenerator.getState() : null
    if (now !== null) defaultGenerator.setState(this.#state as Uint8Array)
    try {
      savedTensorsHooks(
        (x) => void found.set(found.size, detached(x)),
        () => {
          throw new RuntimeError('a function that is checkpointed must not run a backward pass through its own graph')
        },
        () => enableGrad(() => this.#fn(...this.args)),
      )
    } finally {
      if (now !== null) defaultGenerator.setState(now)
    }
    if (found.size !== this.#count) {
      throw new RuntimeError(
        `the function of checkpoint saved ${this.#count} tensors for its gradient, and ${found.size} when it ran again`,
        'It must do the same each time: check what else it reads, such as the mode of modules.',
      )
    }
    this.#found = found
  }
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, i) => byte === b[i])

/**
 * Runs `fn(...args)` without keeping what its gradient needs; the backward pass runs it once more instead. The last
 * argument may be options. `fn` may return anything; random numbers are the same in both runs.
 *
 * Throws a RuntimeError in the backward pass if the second run saved another number of tensors.
 *
 * @example
 * const x = tensor([1, 2], { requiresGrad: true })
 * utils.checkpoint.checkpoint((x: Tensor) => x.exp().sin(), x).sum().backward()
 */
export function checkpoint<A extends readonly unknown[], R>(
  fn: Callable<A, R>,
  ...args: [...A] | [...A, options: CheckpointOptions]
): R {
  const call = called('checkpoint', 'function', fn)
  const last = args[args.length - 1]
  const given = typeof last === 'object' && last !== null && isOptions(last) ? Object.keys(last) : []
  const isGiven = given.length > 0 && given.every((name) => names.includes(name))
  const [preserve] = readOptions(isGiven ? [last] : [])
  const inputs = (isGiven ? args.slice(0, -1) : args) as unknown as A
  return mode.grad ? (new Segment(call as Call, inputs, preserve).run() as R) : call(...inputs)
}

const readSequential = signature(
  'checkpoint_sequential',
  required('segments', int),
  required('input', tensor),
  ...parameters,
)

/**
 * Runs a `Sequential`, or a list of functions, in `segments` parts; all but the last are checkpoints.
 *
 * Throws a ValueError unless there is a function for every segment.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(2, 3), new nn.Tanh(), new nn.Linear(3, 1), new nn.Tanh())
 * utils.checkpoint.checkpointSequential(model, 2, ones(5, 2)).shape // [5, 1]
 */
export function checkpointSequential(
  functions: Sequential | readonly Callable<[x: Tensor], Tensor>[],
  ...args: Takes<[segments: number, input: Tensor], 'segments input', [options?: CheckpointOptions]>
): Tensor {
  if (!(functions instanceof Sequential) && !Array.isArray(functions)) {
    throw new TypeError(
      `checkpoint_sequential(): argument 'functions' must be torch.nn.Sequential or list, not ${typeName(functions)}`,
    )
  }
  const fns = Array.from(functions as Iterable<Callable<[x: Tensor], Tensor>>, (fn) =>
    called('checkpoint_sequential', 'functions', fn),
  )
  const [count, x, preserveRngState] = readSequential(args)
  if (count < 1 || count > fns.length)
    throw new ValueError(`segments must be from 1 to the number of functions, ${fns.length}, but got ${count}`)
  const size = Math.floor(fns.length / count)
  const chain = (from: number, to?: number) => (x: Tensor) => fns.slice(from, to).reduce((y, fn) => fn(y), x)
  let y = x
  for (let k = 0; k < count - 1; k++) y = checkpoint(chain(k * size, (k + 1) * size), y, { preserveRngState })
  return chain((count - 1) * size)(y)
}

/** `checkpoint` by the name of PyTorch's autograd function, whose `apply` takes the choice of random numbers second. */
export const CheckpointFunction = {
  apply<A extends readonly unknown[], R>(runFunction: Callable<A, R>, preserveRngState: boolean, ...args: [...A]): R {
    const options: CheckpointOptions = { preserveRngState }
    return checkpoint(runFunction, ...([...args, options] as [...A, options: CheckpointOptions]))
  },
} as const

const checkInputs = (name: string, inputs: unknown): void => {
  if (Array.isArray(inputs)) return
  throw new RuntimeError(
    `Only tuple of tensors is supported. Got Unsupported input type: ${typeName(inputs)}`,
    `${name} takes an array.`,
  )
}

/**
 * The inputs without their histories: tensors that require gradients where those do; what is no tensor stays.
 *
 * Throws a RuntimeError for anything but an array.
 *
 * @example
 * utils.checkpoint.detachVariable([tensor([1], { requiresGrad: true }).mul(2), 3])
 * // [tensor([2.], requires_grad=True), 3]
 */
export function detachVariable<T extends readonly unknown[]>(inputs: T, ...none: []): T {
  checkInputs('detachVariable', inputs)
  nothingMore('detach_variable', none)
  return inputs.map((x) => (isTensor(x) ? detached(x).setRequiresGrad(x.requiresGrad) : x)) as unknown as T
}

/** Warns if none of the inputs is a tensor that requires a gradient. */
export function checkBackwardValidity(inputs: readonly unknown[], ...none: []): void {
  checkInputs('checkBackwardValidity', inputs)
  nothingMore('check_backward_validity', none)
  if (!inputs.some((x) => isTensor(x) && x.requiresGrad))
    warn('None of the inputs have requires_grad=True. Gradients will be None')
}

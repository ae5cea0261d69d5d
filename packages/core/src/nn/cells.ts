// One step of a recurrent layer: RNNCell, LSTMCell and GRUCell.
import { AssertionError, RuntimeError } from '../base/errors.ts'
import { add, mul, sub } from '../ops/pointwise/arithmetic.ts'
import { sigmoid } from '../ops/pointwise/activation.ts'
import { tanh } from '../ops/pointwise/elementary.ts'
import { empty, zeros } from '../ops/create/create.ts'
import { linear } from '../ops/product/matmul.ts'
import { chunk } from '../ops/views/join.ts'
import { squeeze, unsqueeze } from '../ops/views/views.ts'
import {
  type Takes,
  type Arguments,
  bool,
  constructing,
  int,
  list,
  nullable,
  optional,
  required,
  signature,
  str,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { uniform_ } from './init.ts'
import { type LayerOptions, layerOptions, layerParameters } from './linear.ts'
import { holdMembers } from './held.ts'
import { Module } from './module.ts'
import { Parameter } from './parameter.ts'
import { relu } from './rectified.ts'

export interface CellOptions extends LayerOptions {
  /** Add learnt vectors. */
  readonly bias?: boolean
}
type CellTakes<A extends readonly unknown[]> = Takes<[inputSize: number, hiddenSize: number], 'inputSize hiddenSize', A>
type CellArguments = CellTakes<
  Arguments<[bias: boolean, device: string | undefined, dtype: LayerOptions['dtype']], CellOptions>
>
const cellParameters = [required('inputSize', int), required('hiddenSize', int), optional('bias', bool, true)] as const
const ofLSTM = constructing('LSTMCell', ...cellParameters, ...layerParameters)
const ofGRU = constructing('GRUCell', ...cellParameters, ...layerParameters)
const ofRNN = constructing('RNNCell', ...cellParameters, optional('nonlinearity', str, 'tanh'), ...layerParameters)
const inputParameter = required('input', tensor)
const stateParameter = optional('hx', nullable(tensor), null)
const takesRNN = signature('RNNCell.forward', inputParameter, stateParameter)
const takesGRU = signature('GRUCell.forward', inputParameter, stateParameter)
const takesLSTM = signature('LSTMCell.forward', inputParameter, optional('hx', nullable(list(tensor)), null))

/** The weights of all gates below each other, and the step of a batch. */
abstract class Cell extends Module {
  readonly inputSize: number
  readonly hiddenSize: number
  /** [gates * hiddenSize, inputSize] */
  weightIh: Parameter
  /** [gates * hiddenSize, hiddenSize] */
  weightHh: Parameter
  /** [gates * hiddenSize] */
  biasIh: Parameter | null
  biasHh: Parameter | null

  constructor(gates: number, inputSize: number, hiddenSize: number, bias: boolean, options: LayerOptions) {
    super()
    this.inputSize = inputSize
    this.hiddenSize = hiddenSize
    const rows = gates * hiddenSize
    const learnt = (...sizes: number[]): Parameter => new Parameter(empty(sizes, options))
    this.weightIh = learnt(rows, inputSize)
    this.weightHh = learnt(rows, hiddenSize)
    this.biasIh = bias ? learnt(rows) : null
    this.biasHh = bias ? learnt(rows) : null
    holdMembers(this, 'biasIh', 'biasHh')
    this.resetParameters()
  }

  /** Draws all parameters again. */
  resetParameters(): void {
    const bound = this.hiddenSize > 0 ? 1 / Math.sqrt(this.hiddenSize) : 0
    for (const parameter of this.parameters()) uniform_(parameter, -bound, bound)
  }

  /** Checks one step of a batch, or of a single vector, and computes it; states without a value are zeros. */
  protected stepped(
    name: string,
    input: Tensor,
    given: readonly Tensor[] | null,
    count: number,
    step: (x: Tensor, states: readonly Tensor[]) => readonly Tensor[],
  ): readonly Tensor[] {
    const rank = input.dim()
    if (rank !== 1 && rank !== 2)
      throw new AssertionError(`${name}: Expected input to be 1-D or 2-D but received ${rank}-D tensor`)
    const batched = (x: Tensor): Tensor => (rank === 2 ? x : unsqueeze(x, 0))
    const x = batched(input)
    const [n, width] = x.sizes
    const size = this.hiddenSize
    const { dtype, device } = x
    const states =
      given === null ? new Array<Tensor>(count).fill(zeros([n, size], { dtype, device })) : given.map(batched)
    if (width !== this.inputSize)
      throw new RuntimeError(`input has inconsistent input_size: got ${width} expected ${this.inputSize}`)
    // PyTorch calls both states of an LSTM hidden0.
    for (const { sizes } of states) {
      if (sizes[0] !== n)
        throw new RuntimeError(`Input batch size ${n} doesn't match hidden0 batch size ${sizes[0] ?? 0}`)
      if (sizes.length !== 2 || sizes[1] !== size)
        throw new RuntimeError(`hidden0 has inconsistent hidden_size: got ${sizes[1] ?? 0}, expected ${size}`)
    }
    const next = step(x, states)
    return rank === 2 ? next : next.map((y) => squeeze(y, 0))
  }

  /** The products of input and state with their weights. */
  protected products(x: Tensor, state: Tensor): readonly [input: Tensor, hidden: Tensor] {
    return [linear(x, this.weightIh, this.biasIh), linear(state, this.weightHh, this.biasHh)]
  }

  override extraRepr(): string {
    return `${this.inputSize}, ${this.hiddenSize}${this.biasIh === null ? ', bias=False' : ''}`
  }
}

export interface RNNCellOptions extends CellOptions {
  readonly nonlinearity?: 'tanh' | 'relu'
}

/**
 * `tanh(x @ weightIh.t() + biasIh + h @ weightHh.t() + biasHh)`, or `relu` of it: one step from a state `h` (zeros if not
 * given), [batch, hiddenSize] for inputs [batch, inputSize], or single vectors.
 *
 * @example
 * new nn.RNNCell(3, 5).forward(rand(2, 3)).shape // [2, 5]
 */
export class RNNCell extends Cell {
  readonly nonlinearity: string

  constructor(...args: CellTakes<Arguments<[bias: boolean, nonlinearity: 'tanh' | 'relu'], RNNCellOptions>>) {
    const [inputSize, hiddenSize, bias, nonlinearity, ...options] = ofRNN(args)
    super(1, inputSize, hiddenSize, bias, layerOptions(options))
    this.nonlinearity = nonlinearity
  }

  override forward(...args: [input: Tensor, hx?: Tensor | null]): Tensor {
    const [input, hx] = takesRNN(args)
    const { nonlinearity } = this
    if (nonlinearity !== 'tanh' && nonlinearity !== 'relu')
      throw new RuntimeError(`Unknown nonlinearity: ${nonlinearity}`, "Use 'tanh' or 'relu'.")
    return this.stepped('RNNCell', input, hx && [hx], 1, (x, [h]) => {
      const [a, b] = this.products(x, h)
      return [nonlinearity === 'tanh' ? tanh(add(a, b)) : relu(add(a, b))]
    })[0]
  }

  override extraRepr(): string {
    return super.extraRepr() + (this.nonlinearity === 'tanh' ? '' : `, nonlinearity=${this.nonlinearity}`)
  }
}

/**
 * One step of a long short-term memory: from a state [h, c] (zeros if not given) to the next one, both [batch,
 * hiddenSize] for inputs [batch, inputSize], or single vectors.
 *
 * @example
 * const [h, c] = new nn.LSTMCell(3, 5).forward(rand(2, 3))
 * h.shape // [2, 5]
 */
export class LSTMCell extends Cell {
  constructor(...args: CellArguments) {
    const [inputSize, hiddenSize, bias, ...options] = ofLSTM(args)
    super(4, inputSize, hiddenSize, bias, layerOptions(options))
  }

  override forward(...args: [input: Tensor, hx?: readonly [h: Tensor, c: Tensor] | null]): [h: Tensor, c: Tensor] {
    const [input, hx] = takesLSTM(args)
    if (hx !== null && hx.length !== 2)
      throw new RuntimeError('lstm_cell expects two hidden states', 'Pass [h, c], as the last step returned them.')
    return this.stepped('LSTMCell', input, hx, 2, (x, [h, c]) => {
      const [input, forget, cell, output] = chunk(add(...this.products(x, h)), 4, 1)
      const next = add(mul(sigmoid(forget), c), mul(sigmoid(input), tanh(cell)))
      return [mul(sigmoid(output), tanh(next)), next]
    }) as [Tensor, Tensor]
  }
}

/**
 * One step of a gated recurrent unit: from a state (zeros if not given) to the next one, [batch, hiddenSize] for inputs
 * [batch, inputSize], or single vectors.
 *
 * @example
 * new nn.GRUCell(3, 5).forward(rand(2, 3)).shape // [2, 5]
 */
export class GRUCell extends Cell {
  constructor(...args: CellArguments) {
    const [inputSize, hiddenSize, bias, ...options] = ofGRU(args)
    super(3, inputSize, hiddenSize, bias, layerOptions(options))
  }

  override forward(...args: [input: Tensor, hx?: Tensor | null]): Tensor {
    const [input, hx] = takesGRU(args)
    return this.stepped('GRUCell', input, hx && [hx], 1, (x, [h]) => {
      const [[r, z, n], [hr, hz, hn]] = this.products(x, h).map((y) => chunk(y, 3, 1))
      const fresh = tanh(add(n, mul(hn, sigmoid(add(hr, r)))))
      return [add(mul(sub(h, fresh), sigmoid(add(hz, z))), fresh)]
    })[0]
  }
}

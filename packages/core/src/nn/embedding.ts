// Tables of vectors that are learnt: Embedding, and EmbeddingBag for sums, means and maxima of their rows.
import { AssertionError } from '../base/errors.ts'
import { sameShape } from '../base/shape.ts'
import { to } from '../ops/create/convert.ts'
import { empty } from '../ops/create/create.ts'
import {
  type BagMode,
  checkDense,
  embedding,
  embeddingBag,
  type EmbeddingLookupOptions,
} from '../ops/indexing/embedding.ts'
import { select } from '../ops/views/views.ts'
import {
  type Takes,
  type Arguments,
  bool,
  constructing,
  int,
  nullable,
  optional,
  real,
  required,
  signature,
  str,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { normal_, zeros_ } from './init.ts'
import { type LayerOptions, layerOptions, layerParameters } from './linear.ts'
import { holdMembers } from './held.ts'
import { Module } from './module.ts'
import { pythonRepr } from './names.ts'
import { Parameter } from './parameter.ts'

const padding = optional('paddingIdx', nullable(int), null)
const norm = [
  optional('maxNorm', nullable(real), null),
  optional('normType', real, 2),
  optional('scaleGradByFreq', bool, false),
] as const
const sparse = optional('sparse', bool, false)
const given = optional('_weight', nullable(tensor), null)
const sizes = [required('numEmbeddings', int), required('embeddingDim', int)] as const
const pretrained = [required('embeddings', tensor), optional('freeze', bool, true)] as const

const mode = optional('mode', str, 'mean')
const withLast = optional('includeLastOffset', bool, false)
const ofEmbedding = constructing('Embedding', ...sizes, padding, ...norm, sparse, given, ...layerParameters)
const ofBag = constructing(
  'EmbeddingBag',
  ...sizes,
  ...norm,
  mode,
  sparse,
  given,
  withLast,
  padding,
  ...layerParameters,
)
const fromEmbedding = signature('from_pretrained', ...pretrained, padding, ...norm, sparse)
const fromBag = signature('from_pretrained', ...pretrained, ...norm, mode, sparse, withLast, padding)

const takesBags = signature(
  'EmbeddingBag.forward',
  required('input', tensor),
  optional('offsets', nullable(tensor), null),
  optional('perSampleWeights', nullable(tensor), null),
)

export interface EmbeddingOptions extends LayerOptions, EmbeddingLookupOptions {
  /** The first weights, instead of random ones. */
  readonly _weight?: Tensor | null
}
export interface EmbeddingBagOptions extends EmbeddingOptions {
  readonly mode?: BagMode
  /** The last offset is the end of the last bag. */
  readonly includeLastOffset?: boolean
}
interface FreezeOption {
  /** Leave the weights as they are; they get no gradient. */
  readonly freeze?: boolean
}

/** The table, and what both layers do with it. */
abstract class Table extends Module {
  readonly numEmbeddings: number
  readonly embeddingDim: number
  paddingIdx: number | null
  maxNorm: number | null
  normType: number
  scaleGradByFreq: boolean
  /** [numEmbeddings, embeddingDim] */
  weight: Parameter

  constructor(
    [rows, width]: readonly [number, number],
    [maxNorm, normType, scaleGradByFreq]: readonly [number | null, number, boolean],
    paddingIdx: number | null,
    table: Tensor | null,
    options: LayerOptions,
    refusal: string,
  ) {
    super()
    if (paddingIdx !== null && (paddingIdx >= rows || paddingIdx < -rows) && (rows > 0 || paddingIdx !== 0))
      throw new AssertionError(refusal)
    if (table !== null && !sameShape(table.sizes, [rows, width]))
      throw new AssertionError('Shape of weight does not match num_embeddings and embedding_dim')
    this.numEmbeddings = rows
    this.embeddingDim = width
    this.paddingIdx = paddingIdx !== null && paddingIdx < 0 ? paddingIdx + rows : paddingIdx
    this.maxNorm = maxNorm
    this.normType = normType
    this.scaleGradByFreq = scaleGradByFreq
    this.weight = new Parameter(table === null ? empty([rows, width], options) : to(table, options))
    holdMembers(this)
    if (table === null) this.resetParameters()
  }

  /** Draws the table again; the row of the padding is 0. */
  resetParameters(): void {
    normal_(this.weight)
    if (this.paddingIdx !== null) zeros_(select(this.weight.data, 0, this.paddingIdx))
  }

  protected reprs(before: string, after: string): string {
    const { numEmbeddings, embeddingDim, maxNorm, normType, scaleGradByFreq } = this
    return [
      `${numEmbeddings}, ${embeddingDim}${before}`,
      maxNorm === null ? '' : `, max_norm=${pythonRepr(maxNorm)}`,
      normType === 2 ? '' : `, norm_type=${pythonRepr(normType)}`,
      scaleGradByFreq ? ', scale_grad_by_freq=True' : '',
      after,
    ].join('')
  }

  protected get paddingRepr(): string {
    return this.paddingIdx === null ? '' : `, padding_idx=${this.paddingIdx}`
  }
}

function checkMatrix(embeddings: Tensor): void {
  if (embeddings.dim() !== 2) throw new AssertionError('Embeddings parameter is expected to be 2-dimensional')
}

/**
 * Learnt vectors by number: int32 of any shape to [..., embeddingDim].
 *
 * Throws an AssertionError for a `paddingIdx` that is not a row.
 *
 * @example
 * new nn.Embedding(10, 3).forward(tensor([[1, 2], [4, 5]], { dtype: 'int32' })).shape // [2, 2, 3]
 */
export class Embedding extends Table {
  constructor(
    ...args: Takes<
      [numEmbeddings: number, embeddingDim: number],
      'numEmbeddings embeddingDim',
      Arguments<
        [
          paddingIdx: number | null,
          maxNorm: number | null,
          normType: number,
          scaleGradByFreq: boolean,
          sparse: boolean,
          weight: Tensor | null,
        ],
        EmbeddingOptions
      >
    >
  ) {
    const [rows, width, paddingIdx, maxNorm, normType, byFreq, isSparse, table, ...options] = ofEmbedding(args)
    checkDense(isSparse)
    const refusal = 'Padding_idx must be within num_embeddings'
    super([rows, width], [maxNorm, normType, byFreq], paddingIdx, table, layerOptions(options), refusal)
  }

  /**
   * A layer with a given table, [numEmbeddings, embeddingDim], which is frozen unless told otherwise.
   *
   * @example
   * nn.Embedding.fromPretrained(tensor([[1, 2], [3, 4]])) // Embedding(2, 2)
   */
  static fromPretrained(
    ...args: [
      embeddings: Tensor,
      ...Arguments<
        [
          freeze: boolean,
          paddingIdx: number | null,
          maxNorm: number | null,
          normType: number,
          scaleGradByFreq: boolean,
          sparse: boolean,
        ],
        FreezeOption & EmbeddingLookupOptions
      >,
    ]
  ): Embedding {
    const [embeddings, freeze, paddingIdx, maxNorm, normType, scaleGradByFreq, isSparse] = fromEmbedding(args)
    checkMatrix(embeddings)
    const [rows, width] = embeddings.sizes
    const options = { paddingIdx, maxNorm, normType, scaleGradByFreq, sparse: isSparse, _weight: embeddings }
    const layer = new Embedding(rows, width, options)
    layer.weight.setRequiresGrad(!freeze)
    return layer
  }

  override forward(input: Tensor): Tensor {
    const { paddingIdx, maxNorm, normType, scaleGradByFreq } = this
    return embedding(input, this.weight, { paddingIdx, maxNorm, normType, scaleGradByFreq })
  }

  override extraRepr(): string {
    return this.reprs(this.paddingRepr, '')
  }
}

/**
 * The sum, mean or maximum of learnt vectors, for each bag of numbers: a matrix has a bag in each row, a vector the bags
 * that begin at `offsets`. The result is [bags, embeddingDim].
 *
 * @example
 * new nn.EmbeddingBag(10, 3, { mode: 'sum' }).forward(tensor([[1, 2], [4, 5]], { dtype: 'int32' })).shape // [2, 3]
 */
export class EmbeddingBag extends Table {
  mode: BagMode
  includeLastOffset: boolean

  constructor(
    ...args: Takes<
      [numEmbeddings: number, embeddingDim: number],
      'numEmbeddings embeddingDim',
      Arguments<
        [
          maxNorm: number | null,
          normType: number,
          scaleGradByFreq: boolean,
          mode: BagMode,
          sparse: boolean,
          weight: Tensor | null,
          includeLastOffset: boolean,
          paddingIdx: number | null,
        ],
        EmbeddingBagOptions
      >
    >
  ) {
    const [rows, width, maxNorm, normType, byFreq, reduce, isSparse, table, last, paddingIdx, ...options] = ofBag(args)
    checkDense(isSparse)
    const refusal = 'padding_idx must be within num_embeddings'
    super([rows, width], [maxNorm, normType, byFreq], paddingIdx, table, layerOptions(options), refusal)
    this.mode = reduce as BagMode
    this.includeLastOffset = last
  }

  /** A layer with a given table, [numEmbeddings, embeddingDim], which is frozen unless told otherwise. */
  static fromPretrained(
    ...args: [
      embeddings: Tensor,
      ...Arguments<
        [
          freeze: boolean,
          maxNorm: number | null,
          normType: number,
          scaleGradByFreq: boolean,
          mode: BagMode,
          sparse: boolean,
          includeLastOffset: boolean,
          paddingIdx: number | null,
        ],
        FreezeOption & EmbeddingBagOptions
      >,
    ]
  ): EmbeddingBag {
    const [embeddings, freeze, maxNorm, normType, scaleGradByFreq, reduce, isSparse, last, paddingIdx] = fromBag(args)
    checkMatrix(embeddings)
    const [rows, width] = embeddings.sizes
    const options = { maxNorm, normType, scaleGradByFreq, mode: reduce as BagMode, sparse: isSparse }
    const more = { includeLastOffset: last, paddingIdx, _weight: embeddings }
    const layer = new EmbeddingBag(rows, width, { ...options, ...more })
    layer.weight.setRequiresGrad(!freeze)
    return layer
  }

  override forward(...args: [input: Tensor, offsets?: Tensor | null, perSampleWeights?: Tensor | null]): Tensor {
    const [input, offsets, perSampleWeights] = takesBags(args)
    const { maxNorm, normType, scaleGradByFreq, mode, includeLastOffset, paddingIdx } = this
    const options = { maxNorm, normType, scaleGradByFreq, mode, includeLastOffset, paddingIdx, perSampleWeights }
    return embeddingBag(input, this.weight, offsets, options)
  }

  override extraRepr(): string {
    return this.reprs('', `, mode=${this.mode}${this.paddingRepr}`)
  }
}

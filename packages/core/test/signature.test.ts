// How arguments are read: by position, by name, or both; and the messages for invalid ones.
import { js } from '@flambeau/backend-js'
import { ones, signatures, useDevice } from '@flambeau/core'
import { expect, it } from 'vitest'

useDevice(js())
const { bool, dims, int, keyword, list, method, nearest, nullable, number, optional, required, signature, tensor } =
  signatures
// PyTorch has no such function: sentences.test.ts compares its own messages, here they have other names.
const read = signature(
  'cut',
  required('chunks', int),
  optional('dim', nullable(dims), null),
  optional('keepdim', bool, false),
  keyword('roundingMode', number, 0.5),
)

const right: readonly [string, readonly unknown[], readonly unknown[]][] = [
  ['by position', [1, 2, true], [1, 2, true, 0.5]],
  ['by name', [{ chunks: 1, keepdim: true, roundingMode: 2 }], [1, null, true, 2]],
  ['by the names of NumPy', [1, { axis: 0, keepdims: true }], [1, 0, true, 0.5]],
  ['both', [1, { dim: [0, 1] }], [1, [0, 1], false, 0.5]],
  ['undefined is not given', [1, undefined, undefined, { dim: 0, keepdim: undefined }], [1, 0, false, 0.5]],
]
it.each(right)('reads arguments: %s', (_, args, values) => expect(read(args)).toEqual(values))

const wrong: readonly [string, readonly unknown[]][] = [
  ['cut() missing 1 required positional arguments: "chunks"', []],
  ["cut(): argument 'chunks' (position 1) must be int, not str", ['1']],
  ["cut(): argument 'chunks' (position 1) must be int, not float", [0.5]],
  ["cut(): argument 'chunks' (position 1) must be int, not bool", [true]],
  ["cut(): argument 'chunks' (position 1) must be int, not Date", [new Date(0)]],
  ["Overflow when unpacking long\nThe argument 'chunks' of cut() is 1e+99", [1e99]],
  ["cut(): argument 'dim' must be tuple of ints, not str", [1, { dim: '0' }]],
  ["cut(): argument 'dim' must be tuple of ints, but found element of type str at pos 2", [1, [0, 'a']]],
  ["cut(): argument 'keepdim' (position 3) must be bool, not NoneType", [1, 0, null]],
  ["cut(): argument 'rounding_mode' must be float, not symbol", [1, { roundingMode: Symbol('x') }]],
  ["cut() got multiple values for argument 'dim'", [1, 0, { dim: 0 }]],
  [
    'cut() takes from 1 to 3 positional arguments but 4 were given\nIt takes chunks, dim, keepdim, roundingMode.',
    [1, 0, true, 4],
  ],
  ["cut() got an unexpected keyword argument 'axes'\nDid you mean dim?", [1, { axes: 0 }]],
  ["cut() got multiple values for argument 'dim'", [1, { dim: 0, axis: 0 }]],
  ["cut() got an unexpected keyword argument 'keepDim'\nDid you mean keepdim?", [1, { keepDim: true }]],
  ["cut() got an unexpected keyword argument 'rounding_mode'\nDid you mean roundingMode?", [1, { rounding_mode: 1 }]],
  ["cut() got an unexpected keyword argument 'colour'\nIt takes chunks", [1, { colour: undefined }]],
]
it.each(wrong)('refuses: %s', (sentence, args) => expect(() => read(args)).toThrow(sentence))

it('checks the tensor of a method, and lists of tensors', () => {
  const call = method('stack', required('tensors', list(tensor)))
  expect(call(ones(1), [[]])).toEqual([[]])
  expect(() => call(5 as never, [[]])).toThrow("stack(): argument 'input' (position 1) must be Tensor, not int")
  expect(() => call(ones(1), [[ones(1), 5]])).toThrow(
    'must be tuple of Tensors, but found element of type int at pos 2',
  )
})

it('finds the nearest name, and none if nothing is close', () => {
  const known = ['lr', 'momentum', 'weightDecay', 'requiresGrad']
  expect(['momntum', 'WEIGHT_DECAY', 'requires_grad', 'learningRate', 'xyz'].map((x) => nearest(x, known))).toEqual([
    'momentum',
    'weightDecay',
    'requiresGrad',
    'lr',
    undefined,
  ])
})

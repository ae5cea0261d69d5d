// Samples of normalisation within each sample: layers, groups, instances and neighbouring channels.
import { type OpSamples, op } from '../prepare.ts'
import { bool, core, e, e2, f64, i32, kink, opt, s, t, v } from '../sample.ts'

const fixed = { grad: false }
const none = { none: 'its sums are those of batchNorm, mean and var, which have properties' }
const variance = { low: 0.5, high: 2, ...fixed }

const rms = (message: string, ...args: Parameters<typeof e>) =>
  e2({ error: 'RuntimeError', message, why: 'PyTorch 1.13 lacks it; these are the sentences of 2.4' }, ...args)
const rmsErrors = [
  rms(
    'Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = []',
    t([2, 3]),
    [],
  ),
  rms('Given normalized_shape=[2], expected input with shape [*, 2], but got input of size[2, 3]', t([2, 3]), [2]),
  rms(
    'Expected weight to be of same shape as normalized_shape, but got weight of shape [2] and normalized_shape = [3]',
    t([2, 3]),
    [3],
    t([2]),
  ),
]

export const norms = {
  layerNorm: op(
    [
      s(t([3, 2, 2]), [2, 2]),
      s(t([2, 3, 4]), [4], t([4]), t([4])),
      core(s(f64([2, 3]), [3], opt({ bias: f64([3]), eps: 0.1 }))),
      core(s(t([3]), [3], t([3]))),
      core(s(t([0, 3]), [3], t([3]), t([3]))),
    ],
    none,
    [
      e(t([2, 3]), []),
      e(t([2, 3]), [2]),
      e(t([2]), [2, 3]),
      e(t([2, 3]), 3),
      e(t([2, 3]), [3], t([2])),
      e(t([2, 3]), [3], null, t([2])),
      e(t([2, 3]), [3], f64([3])),
      e(i32([2, 3]), [3]),
      e(bool([2, 3]), [3]),
    ],
  ),
  rmsNorm: op(
    [
      s(t([3, 2, 2]), [2, 2]),
      s(t([2, 3, 4]), [4], t([4])),
      core(s(f64([2, 3]), [3], opt({ weight: f64([3]), eps: 0.1 }))),
      core(s(t([0, 3]), [3], t([3]))),
      core(kink('steep', s(v([0, 0]), [2]))),
    ],
    none,
    rmsErrors,
  ),
  groupNorm: op(
    [
      s(t([2, 6]), 2),
      s(t([2, 4, 3]), 2, t([4]), t([4])),
      core(s(f64([2, 2, 1, 2]), 1, f64([2]), opt({ eps: 0.1 }))),
      core(s(t([0, 4, 2]), 2, t([4]))),
    ],
    none,
    [
      e(t([2, 4, 3]), -1),
      e(t([2, 4, 3]), 3),
      e(t([1, 2, 1]), 2),
      e(t([2, 4, 3]), 2, t([3])),
      e2(
        {
          error: 'RuntimeError',
          message:
            'Expected bias to be a vector of size equal to the number of channels in input, but got bias of shape [5] and input of shape [2, 4, 3]',
          why: 'PyTorch prints the shape of the weight there',
        },
        t([2, 4, 3]),
        2,
        null,
        t([5]),
      ),
      e(t([2, 4, 3]), 2, f64([4])),
      e(i32([2, 4, 3]), 2),
      e(t([3]), 1),
      e2(
        {
          error: 'RuntimeError',
          message: 'Expected num groups to be greater than 0, got 0',
          why: 'Python divides by zero before it checks',
        },
        t([2, 4, 3]),
        0,
      ),
    ],
  ),
  instanceNorm: op(
    [
      s(t([2, 2, 2, 2]), opt({ eps: 0.1 })),
      s(t([2, 3, 4]), null, null, t([3]), t([3])),
      core(s(f64([2, 3, 2]), f64([3], fixed), f64([3], variance), f64([3]), opt({ useInputStats: false }))),
      core(s(t([2, 3]), t([3], fixed), t([3], variance), opt({ useInputStats: false }))),
    ],
    none,
    [
      e(t([2, 3, 1])),
      e(t([2, 3])),
      e(t([3])),
      e(t([2, 3, 4]), opt({ useInputStats: false })),
      e(t([2, 3, 4]), t([2]), t([3])),
      e(t([2, 3, 4]), null, null, t([2])),
      e(t([2, 3, 4]), null, null, f64([3])),
      e(i32([2, 3, 4])),
    ],
  ),
  localResponseNorm: op(
    [
      s(t([2, 3, 4]), 2, opt({ alpha: 0.5 })),
      core(s(t([1, 4, 2, 2]), 3, 1, 0.5, 2)),
      core(s(f64([1, 2, 1, 2, 1]), 5)),
      core(s(i32([1, 3, 2]), 2)),
      core(s(t([2, 0, 3]), 2)),
    ],
    none,
    [e(t([2, 3]), 2), e(t([2, 3, 4]), 0), e(t([2, 3, 4, 1]), -1), e(bool([2, 3, 4]), 2), e(bool([2, 3, 4, 1]), 2)],
  ),
} satisfies Record<string, OpSamples>

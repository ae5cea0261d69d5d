// Samples of ops on images: pixels and channels in another order, resampling, and sampling at the positions of a grid.
import { rearrange } from '../property.ts'
import { type OpSamples, op } from '../prepare.ts'
import { bool, core, e, f64, i32, kink, opt, s, t, u8, v } from '../sample.ts'

const none = (why: string) => ({ none: why })
const signal = [1, 2, 5]
const image = [1, 2, 3, 4]
const volume = [1, 1, 2, 3, 2]
const sampled = [1, 1, 2, 3]
const deep = [1, 1, 2, 1, 2]
const nan = Number.NaN
const grid = v([0.13, -0.27, -0.96, 0.91, 1.4, -1.7, 0.36, 2.9], [1, 2, 2, 2])
const positions = v([0.13, -0.27, 0.4, 1.4, -1.7, -0.9], [1, 1, 1, 2, 3])
/** The centers of `n` elements: as float32 they are at whole numbers or beside them, which decides where they lie. */
const centers = (n: number) => v(Array.from({ length: n }, (_, i) => [(2 * i + 1) / n - 1, 0]).flat(), [1, 1, n, 2])
const closed = { alignCorners: true }
const open = { alignCorners: false }

// The first samples of the two inverses are not of float32, from which samples without elements would be derived: PyTorch
// fails in their gradients.
export const images = {
  pixelShuffle: op(
    [s(f64([2, 4, 2, 3]), 2), core(s(f64([9, 1, 2]), 3)), core(s(i32([1, 2, 4, 1, 1]), 2)), core(s(t([1, 2, 3]), 1))],
    none('pixelUnshuffle, its inverse, has one'),
    [e(t([4, 2]), 2), e(t([1, 4, 2, 2]), 0), e(t([1, 4, 2, 2]), 3)],
  ),
  pixelUnshuffle: op(
    [s(f64([2, 1, 4, 2]), 2), core(s(f64([1, 3, 6]), 3)), core(s(bool([1, 2, 1, 2, 2]), 2))],
    rearrange(
      (shape, choose) => {
        const [channels, height, width] = shape.slice(-3)
        const r = choose.int(1, 3)
        if (height % r !== 0 || width % r !== 0) return null
        return {
          args: [r],
          shape: [...shape.slice(0, -3), channels * r * r, height / r, width / r],
          from: (index) => {
            const [c, y, x] = index.slice(-3)
            const [down, across] = [Math.floor(c / r) % r, c % r]
            return [...index.slice(0, -3), Math.floor(c / (r * r)), y * r + down, x * r + across]
          },
        }
      },
      { minRank: 3 },
    ),
    [e(t([4, 2]), 2), e(t([1, 4, 2, 2]), -1), e(t([1, 4, 3, 2]), 2), e(t([1, 4, 2, 3]), 2)],
  ),
  channelShuffle: op(
    [s(t([2, 6, 2, 1]), 3), core(s(f64([1, 4, 2]), 2)), core(s(u8([1, 4, 1, 1, 2]), 4)), core(s(t([0, 4, 2]), 2))],
    rearrange(
      (shape, choose) => {
        const groups = choose.int(1, 4)
        const each = shape[1] / groups
        if (!Number.isInteger(each)) return null
        return {
          args: [groups],
          shape,
          from: ([n, c, ...rest]) => [n, (c % groups) * each + Math.floor(c / groups), ...rest],
        }
      },
      { minRank: 3 },
    ),
    [e(t([4, 2]), 2), e(t([1, 4, 2, 2]), 0), e(t([1, 4, 2, 2]), 3)],
  ),
  interpolate: op(
    [
      s(t([1, 2, 3, 2]), [4, 5]),
      s(t(image), [2, 7], opt({ mode: 'bilinear' })),
      s(t(image), [5, 3], opt({ mode: 'bicubic' })),
      s(t([1, 1, 5, 6]), [2, 4], opt({ mode: 'bilinear', antialias: true })),
      ...[
        s(t(signal), 3),
        s(f64(signal), opt({ scaleFactor: 1.7 })),
        s(t(volume), [3, 2, 3]),
        s(u8([1, 1, 2, 3]), [3, 5]),
        s(t(image), opt({ scaleFactor: [0.7, 2.3], mode: 'nearest-exact' })),
        s(f64(signal), 7, null, 'nearest-exact'),
        s(u8([1, 1, 2, 3]), [3, 5], opt({ mode: 'nearest-exact' })),
        s(t(signal), opt({ scaleFactor: 2.5, mode: 'linear' })),
        s(f64(signal), 3, opt({ mode: 'linear', ...closed })),
        s(t(signal), opt({ scaleFactor: 1.7, mode: 'linear', recomputeScaleFactor: true })),
        s(t(image), opt({ scaleFactor: 2, mode: 'bilinear', ...closed })),
        s(t(image), 1, opt({ mode: 'bilinear', ...closed })),
        s(t(image), opt({ scaleFactor: [1.5, 0.6], mode: 'bicubic', ...closed })),
        s(t(volume), [3, 4, 1], opt({ mode: 'trilinear' })),
        s(f64(volume), opt({ scaleFactor: 2, mode: 'trilinear', ...closed })),
        s(t(signal), 3, opt({ mode: 'area' })),
        s(t(image), [2, 6], opt({ mode: 'area' })),
        s(f64(volume), opt({ scaleFactor: 0.6, mode: 'area' })),
        s(t([1, 1, 3, 5]), [6, 2], opt({ mode: 'bilinear', antialias: true, ...closed })),
        s(t([1, 1, 5, 6]), [2, 4], opt({ mode: 'bicubic', antialias: true })),
        s(f64([1, 1, 7, 3]), opt({ scaleFactor: 0.45, mode: 'bicubic', antialias: true })),
        s(t([0, 2, 3]), 4),
        s(t([0, 2, 3]), 4, opt({ mode: 'linear' })),
      ].map(core),
    ],
    none('the samples compare every mode with PyTorch, whose roundings decide which elements it takes'),
    [
      e(t(image)),
      e(t(image), 2, 2),
      e(t(image), [2]),
      e(t(image), opt({ scaleFactor: [2, 2, 2] })),
      e(t(image), 2, opt(closed)),
      e(t(image), 2, opt({ recomputeScaleFactor: true })),
      e(t(image), 2, opt({ antialias: true })),
      e(t(signal), 2, opt({ mode: 'linear', antialias: true })),
      e(t(signal), 2, opt({ mode: 'bilinear' })),
      e(t(image), 2, opt({ mode: 'linear' })),
      e(t(image), 2, opt({ mode: 'trilinear' })),
      e(t(volume), 2, opt({ mode: 'bicubic' })),
      e(t(image), 2, opt({ mode: 'cubic' })),
      e(t([2, 3]), 2),
      e(t(signal), 0),
      e(t(image), -1),
      e(t(volume), opt({ scaleFactor: 0.1, mode: 'trilinear' })),
      e(t([1, 2, 3, 0]), 2),
      e(t([1, 0, 3]), 2),
      e(i32(image), 2),
      e(bool(image), 2, opt({ mode: 'nearest-exact' })),
      e(u8(image), 2, opt({ mode: 'bilinear' })),
      e(i32(image), 2, opt({ mode: 'bicubic' })),
      e(i32(image), 2, opt({ mode: 'bicubic', antialias: true })),
      e(i32(image), 2, opt({ mode: 'area' })),
      e(t(image), -1, opt({ mode: 'area' })),
      e(t([1, 2, 3, 0]), 2, opt({ mode: 'area' })),
    ],
  ),
  gridSample: op(
    [
      s(t(sampled), grid, opt(open)),
      s(t(sampled), grid, 'bicubic', 'zeros', false),
      s(t(deep), positions, opt({ paddingMode: 'reflection', ...open })),
      ...(['zeros', 'border', 'reflection'] as const).flatMap((paddingMode) => [
        core(s(t(sampled), grid, opt({ paddingMode, ...closed }))),
        core(s(t(sampled), grid, opt({ mode: 'nearest', paddingMode, ...open }))),
        core(s(f64(sampled), { ...grid, dtype: 'float64' }, opt({ mode: 'bicubic', paddingMode, ...closed }))),
        core(s(t(deep), positions, opt({ paddingMode, ...closed }))),
      ]),
      core(s(t(sampled), grid, opt({ paddingMode: 'border', ...open }))),
      core(s(t(sampled), grid, opt({ paddingMode: 'reflection', ...open }))),
      s(t(deep), positions, opt({ mode: 'nearest', ...open })),
      core(s(t([1, 1, 1, 1]), grid, opt({ paddingMode: 'reflection', ...closed }))),
      core(kink('NaN', s(t(sampled), v([nan, 0, 1e9, 0, 0, -1e9], [1, 1, 3, 2], { grad: false }), opt(open)))),
      core(s(t([0, 2, 3, 3]), t([0, 2, 2, 2]), opt(open))),
      core(kink('whole numbers', s(t([1, 1, 1, 100]), centers(100), opt(open)))),
      core(kink('whole numbers', s(t([1, 1, 1, 45]), centers(45), opt({ paddingMode: 'border', ...open })))),
    ],
    none('the samples cover every mode and padding'),
    [
      e(t(image), grid, 'linear'),
      e(t(image), grid, opt({ paddingMode: 'wrap' })),
      e(t(signal), grid, opt(open)),
      e(t(image), t([2, 2, 2, 2]), opt(open)),
      e(t(image), t([1, 2, 2, 3]), opt(open)),
      e(t(image), positions, opt(open)),
      e(t(image), f64([1, 2, 2, 2]), opt(open)),
      e(i32(image), i32([1, 2, 2, 2]), opt(open)),
      e(t([1, 2, 0, 4]), grid, opt(open)),
      e(t(volume), positions, 'bicubic', opt(open)),
    ],
  ),
  affineGrid: op(
    [
      s(t([2, 2, 3]), [2, 1, 2, 3], false),
      core(s(f64([1, 2, 3]), [1, 1, 3, 2], true)),
      core(s(t([1, 3, 4]), [1, 2, 2, 1, 3], opt(open))),
      core(s(t([1, 3, 4]), [1, 2, 2, 1, 3], opt(closed))),
    ],
    none('its products are those of bmm, which has properties'),
    [
      e(t([1, 2, 3]), [1, 2, 3], opt(open)),
      e(t([1, 2, 3]), [1, 1, 2, 2, 3], opt(open)),
      e(t([2, 3]), [1, 1, 2, 3], opt(open)),
      e(i32([1, 2, 3]), [1, 1, 2, 3], opt(open)),
      e(t([1, 2, 3]), [1, 1, 0, 3], opt(open)),
    ],
  ),
} satisfies Record<string, OpSamples>

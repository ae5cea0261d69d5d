// Samples of sums of products by the names of axes: every form of equations and dimensions, and of their error
// messages.
import { type Choose, drawTensor, flat, indices, type Nd, nd } from '../property.ts'
import { type OpSamples, op } from '../prepare.ts'
import { bool, core, e, ellipsis, f64, i32, opt, s, t, type TensorSpec, u8 } from '../sample.ts'

const near = 1e-12

/** Computes any equation with an arrow, by one loop over all that its letters name. */
function evaluated(operands: readonly string[], output: string, tensors: readonly TensorSpec[]): Nd {
  const sizes = new Map<string, number>()
  operands.forEach((labels, i) => {
    for (const [d, label] of [...labels].entries()) {
      const size = tensors[i].shape[d]
      if (size !== 1 || !sizes.has(label)) sizes.set(label, size)
    }
  })
  const letters = [...sizes.keys()]
  const shape = [...output].map((label) => sizes.get(label) as number)
  const values = new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0)
  for (const index of indices(letters.map((label) => sizes.get(label) as number))) {
    const at = (label: string): number => index[letters.indexOf(label)]
    let product = 1
    operands.forEach((labels, i) => {
      const { shape: own, values: elements } = tensors[i]
      product *= (elements as readonly number[])[
        flat(
          [...labels].map((label, d) => (own[d] === 1 ? 0 : at(label))),
          own,
        )
      ]
    })
    values[flat([...output].map(at), shape)] += product
  }
  return nd(shape, values)
}

/** Some of the letters, in some order. */
function drawLabels(choose: Choose, letters: string, most: number): string {
  const left = [...letters]
  let labels = ''
  for (let n = choose.int(0, most); n > 0 && left.length > 0; n--)
    labels += left.splice(choose.int(0, left.length - 1), 1)[0]
  return labels
}

export const contractions = {
  einsum: op(
    [
      s('ij,jk->ik', t([2, 3]), t([3, 4])),
      s('bij,bjk->bik', t([2, 2, 3]), t([2, 3, 2])),
      core(s('ij,jk', t([2, 3]), t([3, 4]))),
      core(s(' i j , k j -> k i ', t([2, 3]), t([4, 3]))),
      core(s('i,i', t([3]), t([3]))),
      core(s('i,j->ij', t([2]), t([3]))),
      core(s('ij,ij->ij', t([2, 3]), t([2, 3]))),
      core(s(',ij->ij', t([]), t([2, 3]))),
      core(s('ij->ji', t([2, 3]))),
      core(s('ba', t([2, 3]))),
      core(s('ii->i', t([3, 3]))),
      s('ii', t([3, 3])),
      core(s('iji->j', t([2, 3, 2]))),
      core(s('ij->', t([2, 3]))),
      core(s('...', t([2, 3]))),
      core(s('i...->...i', t([2, 3, 2]))),
      s('...ij,...jk->...ik', t([2, 1, 2, 3]), t([2, 3, 2])),
      core(s('b...,b...->...', t([2, 3]), t([2, 3]))),
      core(s('...ij,...ij->...', t([2, 2, 3]), t([2, 3]))),
      core(s('...,...->', t([2, 3]), t([2, 3]))),
      core(s('iij,jk->ik', t([2, 2, 3]), t([3, 2]))),
      s('ijk,jil->kl', t([2, 3, 2]), t([3, 2, 2])),
      s('nchw,ochw->no', t([2, 2, 2, 3]), t([3, 2, 2, 3])),
      core(s('ij,kj->ik', t([2, 1]), t([3, 4]))),
      core(s('ij,k->k', t([2, 3]), t([4]))),
      core(s('aB,Bc', t([2, 3]), t([3, 2]))),
      core(s('bn,anm,bm->ba', t([2, 3]), t([2, 3, 2]), t([2, 2]))),
      core(s('ij,jk,kl->il', t([2, 3]), t([3, 2]), t([2, 2]))),
      core(s('i,i,i->i', t([3]), t([3]), t([3]))),
      core(s('ij,jk', [t([2, 3]), t([3, 4])])),
      core(s(t([2, 3]), [0, 1], t([3, 2]), [1, 2], [2, 0])),
      core(s(t([2, 3]), [30, 1], t([3, 2]), [1, 2])),
      core(s(t([2, 2, 3]), [ellipsis, 1], t([3]), [1])),
      s('ij,jk->ik', f64([2, 3]), f64([3, 2])),
      s('ij,jk->ik', i32([2, 3]), i32([3, 2])),
      s('ij,jk->ik', u8([2, 3]), u8([3, 2])),
      core(s('i,j->ij', i32([2]), t([3]))),
      core(s('ij->i', bool([2, 3]))),
      core(s('ij,jk->ik', t([2, 0]), t([0, 3]))),
      core(s('ij,jk->ik', t([0, 2]), t([2, 3]))),
      core(s('', t([]))),
    ],
    (choose) => {
      const letters = 'abcd'
      const sizes = Object.fromEntries([...letters].map((label) => [label, choose.int(0, 3)]))
      const operands = Array.from({ length: choose.int(1, 3) }, () => drawLabels(choose, letters, 3))
      const tensors = operands.map((labels) =>
        drawTensor(
          choose,
          [...labels].map((label) => (choose.int(0, 5) === 0 ? 1 : sizes[label])),
        ),
      )
      const used = [...new Set(operands.join(''))].join('')
      const output = drawLabels(choose, used, 3)
      const args = [`${operands.join(',')}->${output}`, ...tensors]
      return { args, expected: [evaluated(operands, output, tensors)], tolerance: near }
    },
    [
      e('ij,jk->ik', t([2, 3]), t([5, 4])),
      e('ij,jk->ik', t([2, 3])),
      e('ij', t([2, 3]), t([2, 3])),
      e('ij->ik', t([2, 3])),
      e('ij->ii', t([2, 3])),
      e('ij.k', t([2, 3])),
      e('i.j', t([2, 3])),
      e('ij...k..', t([2, 3])),
      e('......', t([2, 3])),
      e('ij->......', t([2, 3])),
      e('ij->.i', t([2, 3])),
      e('i1', t([2, 3])),
      e('ij->i1', t([2, 3])),
      e('i>j', t([2, 3])),
      e('ij-ik', t([2, 3])),
      e('ijk', t([2, 3])),
      e('ijk...', t([2, 3])),
      e('i', t([2, 3])),
      e('ii', t([2, 3])),
      e('...,...', t([2, 3]), t([2, 4])),
      e('i...,...', t([5, 2, 3]), t([2, 4])),
      e('i...j,...', t([5, 2, 3, 7]), t([4, 3])),
      e('ij,jk', t([2, 3]), f64([3, 2])),
      e('ij,jk', bool([2, 3]), bool([3, 2])),
      e('ij,jk', t([2, 3]), 3),
      e('ij'),
      e(t([2, 3])),
      e(3, t([2, 3])),
      e(t([2, 3]), [0, 60]),
      e(t([2, 3]), [0, -1]),
      e(t([2, 3]), 3),
      e(t([2, 3]), [0, 1], 3, [1, 2]),
    ],
  ),
  tensordot: op(
    [
      s(t([2, 3]), t([3, 4]), 1),
      s(t([2, 2, 3]), t([2, 3, 2])),
      core(s(t([2, 3]), t([2]), 0)),
      s(t([2, 3, 4]), t([4, 2, 2]), [
        [0, 2],
        [1, 0],
      ]),
      s(
        t([2, 3, 4]),
        t([4, 2, 2]),
        opt({
          dims: [
            [-3, -1],
            [1, 0],
          ],
        }),
      ),
      core(s(t([2, 1]), t([3, 4]), [[1], [0]])),
      core(s(t([2, 3]), t([1, 4]), [[1], [0]])),
      core(s(t([2, 3]), t([2, 3]))),
      core(s(f64([2, 3]), f64([3, 2]), 1)),
      core(s(i32([2, 3]), i32([3, 2]), 1)),
      core(s(t([]), t([2]), 0)),
      core(s(t([2, 0]), t([0, 3]), 1)),
    ],
    (choose) => {
      const shared = Array.from({ length: choose.int(0, 2) }, () => choose.int(0, 3))
      const [rows, columns] = [choose.int(0, 2), choose.int(0, 2)].map((n) =>
        Array.from({ length: n }, () => choose.int(0, 3)),
      )
      const a = drawTensor(choose, [...rows, ...shared])
      const b = drawTensor(choose, [...shared, ...columns])
      const sums = 'xyz'.slice(0, shared.length)
      const [left, right] = ['abc'.slice(0, rows.length), 'ghi'.slice(0, columns.length)]
      const expected = evaluated([left + sums, sums + right], left + right, [a, b])
      return { args: [a, b, shared.length], expected: [expected], tolerance: near }
    },
    [
      e(t([2, 3]), t([4, 4]), 1),
      e(t([2, 3]), t([3, 4]), [[0, 1], [0]]),
      e(t([2, 3]), t([3, 4]), [[5], [0]]),
      e(t([2, 2]), t([2, 2]), [
        [0, 0],
        [0, 1],
      ]),
      e(t([2, 3]), t([3, 4]), -1),
      e(t([2, 3]), t([3, 4]), 3),
      e(t([2, 3]), t([3, 4]), 'a'),
      e(t([2, 3]), t([3, 4]), 1.5),
      e(t([2, 3]), t([3, 4]), null),
      e(t([2, 3]), t([3, 4]), [1, 0]),
      e(t([2, 3]), t([3, 4]), [1]),
      e(t([2, 3]), t([3, 4]), [[1], [0], [0]]),
      e(t([2, 3]), f64([3, 4]), 1),
      e(bool([2, 3]), bool([3, 4]), 1),
      e(t([]), t([3, 4]), 1),
      e(3, t([3, 4]), 1),
      e(t([3, 4]), 2, 1),
    ],
  ),
  bilinear: op(
    [
      core(s(t([4, 3]), t([4, 2]), t([2, 3, 2]))),
      s(t([4, 3]), t([4, 2]), t([2, 3, 2]), t([2])),
      core(s(t([2, 2, 3]), t([2, 2, 2]), t([2, 3, 2]), t([2]))),
      core(s(t([3]), t([2]), t([4, 3, 2]), t([4]))),
      s(f64([2, 3]), f64([2, 2]), f64([1, 3, 2]), f64([1])),
      core(s(t([0, 3]), t([0, 2]), t([2, 3, 2]), t([2]))),
      core(s(i32([2, 3]), i32([2, 2]), i32([2, 3, 2]))),
    ],
    (choose) => {
      const [n, i, j, out] = [choose.int(0, 3), choose.int(0, 3), choose.int(0, 3), choose.int(0, 3)]
      const args = [drawTensor(choose, [n, i]), drawTensor(choose, [n, j]), drawTensor(choose, [out, i, j])]
      return { args, expected: [evaluated(['ni', 'nj', 'oij'], 'no', args)], tolerance: near }
    },
    [
      e(t([5, 3]), t([4]), t([2, 3, 4])),
      e(t([5, 3]), t([6, 4]), t([2, 3, 4])),
      e(t([5, 3]), t([5, 4]), t([2, 2, 4])),
      e(t([5, 3]), t([5, 4]), t([2, 3, 3])),
      e(t([5, 3]), t([5, 4]), t([2, 3, 4]), t([3])),
      e(t([5, 3]), t([5, 4]), t([3, 4])),
      e(t([5, 3]), f64([5, 4]), t([2, 3, 4])),
      e(t([5, 3]), t([5, 4]), f64([2, 3, 4])),
      e(t([5, 3]), t([5, 4]), t([2, 3, 4]), t([2, 5])),
      e(t([5, 3]), t([5, 4]), t([2, 3, 4, 1])),
      e(t([]), t([]), t([2, 3, 4])),
    ],
  ),
} satisfies Record<string, OpSamples>

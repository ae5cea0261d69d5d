// Pointwise functions, reductions and scans where the conformance suite does not look: methods whose function takes its
// arguments in another order, results with names, and errors of in-place forms.
import { js } from '@flambeau/backend-js'
import { floatPower, frexp, polygamma, type Tensor, tensor, useDevice } from '@flambeau/core'
import { beforeAll, expect, test } from 'vitest'

beforeAll(() => void useDevice(js()))
const list = (x: Tensor): number[] => Array.from(x.detach().toArray())

test('x.polygamma(n) is polygamma(n, x), also in place', () => {
  const x = tensor([0.5, 2, 3.5])
  const expected = list(polygamma(2, x))
  expect(list(x.polygamma(2))).toEqual(expected)
  expect(list(x.polygamma_(2))).toEqual(expected)
  expect(list(x)).toEqual(expected)
})

test('floatPower_ takes float64 only, and gives what floatPower gives', () => {
  const x = tensor([1, 2], { dtype: 'float64' })
  expect(list(x.clone().floatPower_(0.5))).toEqual(list(floatPower(x, 0.5)))
  const y = tensor([1, 2])
  expect(() => y.floatPower_(2)).toThrow(
    "the base given to float_power_ has dtype Float but the operation's result requires dtype Double",
  )
  expect(list(y)).toEqual([1, 2])
})

test('results have names and positions, and print as in PyTorch', () => {
  const parts = frexp(tensor([1, -6]))
  const { mantissa, exponent } = parts
  const [first, second] = parts
  for (const same of [first, parts[0]]) expect(same).toBe(mantissa)
  for (const same of [second, parts[1]]) expect(same).toBe(exponent)
  expect(Object.keys(parts)).toEqual(['mantissa', 'exponent'])
  expect(String(parts)).toBe(
    'torch.return_types.frexp(\nmantissa=tensor([ 0.5000, -0.7500]),\nexponent=tensor([1, 3]))',
  )
})

// sin, cos and tan of doubles that are many turns, beside the engine's: remainders by a quarter turn are the module's own
// (native/src/wasm/turns.cc).
import { expect, it } from 'vitest'
import { load } from '../src/load.ts'

const { exports } = await load()
let state = 1
const drawn = (): number => {
  state = (state * 48_271) % 2_147_483_647
  return state / 2_147_483_647
}
/** Those nearest to whole quarter turns, whose remainders begin with the most zeros. */
const hard = [6_381_956_970_095_103 * 2 ** 797, 5.319372648326541e255, 2 ** 1023, Number.MAX_VALUE, 2_549_136_811_461]

const near = (x: number, y: number): boolean => Math.abs(x - y) <= 2 ** -52 * Math.abs(y)

it.each(['sin', 'cos', 'tan'] as const)('%s of large numbers', (name) => {
  const numbers = [...hard]
  for (let exponent = 20; exponent < 1024; exponent++) {
    numbers.push(2 ** exponent, (1 + drawn()) * 2 ** exponent)
    const quarters = Math.floor(drawn() * 2 ** 31) * (Math.PI / 2)
    numbers.push(quarters * 2 ** Math.floor(exponent / 20))
  }
  for (const x of numbers) {
    const what = `${name}(${x}): ${exports[name](x)}, not ${Math[name](x)}`
    expect(near(exports[name](x), Math[name](x)), what).toBe(true)
    expect(exports[name](-x)).toBe(name === 'cos' ? exports[name](x) : -exports[name](x))
  }
  for (const x of [Number.POSITIVE_INFINITY, Number.NaN]) expect(exports[name](x)).toBeNaN()
})

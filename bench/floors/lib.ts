// Common parts of the floors: their type, unrolled loops, and exp and log in double precision with the accuracy that
// float32 needs.
import type { Numbers, Ready } from '../src/answering.ts'

export type Inputs = Readonly<Record<string, Numbers>>

/** A workload as loops over arrays, prepared on its inputs. */
export type Floor = (inputs: Inputs) => Ready

export const floats = (inputs: Inputs, name: string): Float32Array => inputs[name].data as Float32Array
export const integers = (inputs: Inputs, name: string): Int32Array => inputs[name].data as Int32Array

/** Repeats source for 0 to n - 1, because in a loop V8 would not keep elements in registers. */
export const repeat = (n: number, source: (k: number) => string, between = '\n'): string =>
  Array.from({ length: n }, (_, k) => source(k)).join(between)

/** A function generated from source, which sees the environment as constants; V8 treats them as constants, too. */
export const written = <Fn>(environment: Readonly<Record<string, unknown>>, source: string): Fn =>
  new Function('environment', `const { ${Object.keys(environment).join(', ')} } = environment\nreturn ${source}`)(
    environment,
  ) as Fn

function makeMath() {
  const SHIFT = 1.5 * 2 ** 52
  const EIGHTHS = 8 * Math.LOG2E
  const LN2 = Math.LN2
  const powers = new Float64Array(4096)
  for (let k = -1208; k < 1208; k++) powers[k & 4095] = 2 ** (k / 8)
  const double = new Float64Array(1)
  const words = new Int32Array(double.buffer)

  /** 2^(k/8) from a table, the rest by a polynomial of degree four. */
  const exp = (x: number): number => {
    const y = (x > 89 ? 89 : x < -104 ? -104 : x) * EIGHTHS
    const k = y + SHIFT - SHIFT
    const r = y - k
    return (
      powers[k & 4095] *
      (0.9999999999971282 +
        r * (0.08664339677493961 + r * (0.0037535392516288373 + r * (0.0001084191817968786 + r * 2.34799236e-6))))
    )
  }

  /** For positive numbers; 0 gives a value below -700, for losses that clamp at -100. */
  const log = (x: number): number => {
    double[0] = x
    const n = (0x3ff6a09d - words[1]) >> 20
    const f = x * powers[(n << 3) & 4095] - 1
    const s = f / (f + 2)
    const z = s * s
    return (
      s * (1.9999999986207706 + z * (0.6666681599643136 + z * (0.3997478976604124 + z * 0.2992579085919133))) - n * LN2
    )
  }

  /** e^x - 1 as `s * rest - (1 - s)`, which is accurate near 0. */
  const tanh = (x: number): number => {
    const y = (x > 10 ? 10 : x < -10 ? -10 : x) * (2 * EIGHTHS)
    const k = y + SHIFT - SHIFT
    const r = y - k
    const s = powers[k & 4095]
    const m =
      s * (r * (0.08664339725188701 + r * (0.003753539194207228 + r * (0.00010841663892720074 + r * 2.34817605e-6)))) -
      (1 - s)
    return m / (m + 2)
  }
  return { exp, log, tanh }
}

export const { exp, log, tanh } = makeMath()

// All random numbers against real PyTorch; tools/golden/streams.py wrote the expected values. Long results are compared
// by the CRC of their bytes.
import { inflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import {
  bernoulli,
  isUniformFused,
  normal,
  randint,
  randperm,
  setUniformFused,
  uniform,
} from '../src/random/distributions.ts'
import { boxMuller } from '../src/random/box-muller.ts'
import { exponential } from '../src/random/continuous.ts'
import { erfinv32 } from '../src/random/erfinv.ts'
import { fma32, fma64 } from '../src/random/fma.ts'
import {
  defaultGenerator,
  Generator,
  getRngState,
  initialSeed,
  manualSeed,
  seed,
  setRngState,
} from '../src/random/generator.ts'
import { cosSin, log, log1p } from '../src/random/precise.ts'
import { Mt19937 } from '../src/random/mt19937.ts'
import golden from './golden/random.json' with { type: 'json' }

type Numbers = Float32Array | Float64Array | Int32Array | Uint8Array

const crcTable = Array.from({ length: 256 }, (_, i) => {
  let c = i
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
  return c
})
const crc = (data: Numbers): string => {
  let c = -1
  for (const byte of new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) {
    c = crcTable[(c ^ byte) & 255] ^ (c >>> 8)
  }
  return (~c >>> 0).toString(16).padStart(8, '0')
}

const view = new DataView(new ArrayBuffer(8))
const f32 = (x: number): string => {
  view.setFloat32(0, x)
  return view.getUint32(0).toString(16).padStart(8, '0')
}
const f64 = (x: number): string => {
  view.setFloat64(0, x)
  return view.getBigUint64(0).toString(16).padStart(16, '0')
}
const parse = (hex: string): number => {
  if (hex.length === 8) {
    view.setUint32(0, Number.parseInt(hex, 16))
    return view.getFloat32(0)
  }
  view.setBigUint64(0, BigInt(`0x${hex}`))
  return view.getFloat64(0)
}
/** The rank of a double among all doubles, to count the steps between two of them. */
const rank = (x: number): bigint => {
  view.setFloat64(0, x)
  const bits = view.getBigInt64(0)
  return bits < 0n ? -(bits & 0x7fffffffffffffffn) : bits
}

const filled = <T extends Numbers>(out: T, fill: (out: T) => void): T => {
  fill(out)
  return out
}
const fractions = <T extends Float32Array | Float64Array>(p: T): T => {
  for (let i = 0; i < p.length; i++) p[i] = i / p.length
  return p
}

const kinds: Record<string, (n: number) => Numbers> = {
  rand32: (n) => filled(new Float32Array(n), (out) => uniform(out)),
  rand64: (n) => filled(new Float64Array(n), (out) => uniform(out)),
  uniform32: (n) => filled(new Float32Array(n), (out) => uniform(out, -0.3, 0.3)),
  uniform32wide: (n) => filled(new Float32Array(n), (out) => uniform(out, 1e-3, 1234.5)),
  uniform64: (n) => filled(new Float64Array(n), (out) => uniform(out, -0.3, 0.7)),
  randn32: (n) => filled(new Float32Array(n), (out) => normal(out)),
  normal32: (n) => filled(new Float32Array(n), (out) => normal(out, 1.5, 0.02)),
  bernoulli: (n) => filled(new Float32Array(n), (out) => bernoulli(out, 0.3)),
  bernoulliBool: (n) => filled(new Uint8Array(n), (out) => bernoulli(out)),
  bernoulli32: (n) => filled(new Float32Array(n), (out) => bernoulli(out, fractions(new Float32Array(n)))),
  bernoulli64: (n) => filled(new Float64Array(n), (out) => bernoulli(out, fractions(new Float64Array(n)))),
  dropout: (n) => filled(new Float32Array(n), (out) => bernoulli(out, 1 - 0.2)),
  randint: (n) => filled(new Int32Array(n), (out) => randint(out, 0, 100)),
  randintWide: (n) => filled(new Int32Array(n), (out) => randint(out, -7, 2 ** 31 - 8)),
  randintFull: (n) => filled(new Int32Array(n), (out) => randint(out, -(2 ** 31), 2 ** 31)),
  randintByte: (n) => filled(new Uint8Array(n), (out) => randint(out, 0, 256)),
  randintBool: (n) => filled(new Uint8Array(n), (out) => randint(out, 0, 2, defaultGenerator, true)),
  randint32: (n) => filled(new Float32Array(n), (out) => randint(out, 0, 2 ** 24 + 7)),
  randint64: (n) => filled(new Float64Array(n), (out) => randint(out, -5, 2 ** 40)),
  randperm: (n) => filled(new Int32Array(n), (out) => randperm(out)),
  randperm32: (n) => filled(new Float32Array(n), (out) => randperm(out)),
}

const next = (generator?: Generator): string =>
  f32(filled(new Float32Array(1), (out) => uniform(out, 0, 1, generator))[0])

/** A data loader's draw at the start of an epoch: PyTorch's `random_()` on int64, whose low word is a seed. */
const baseSeed = (generator: Generator = defaultGenerator): number => {
  generator.engine.u32()
  return generator.engine.u32()
}

describe('streams', () => {
  test.each(golden.sizes)('seed $seed: $kind, sizes 1 to 40 and 100,003', (record) => {
    manualSeed(BigInt(record.seed))
    const draw = kinds[record.kind]
    expect(record.crcs.map((_, i) => crc(draw(i + 1)))).toEqual(record.crcs)
    expect(crc(draw(100_003))).toBe(record.big)
    expect(next()).toBe(record.next)
  })

  test.each(golden.programs.map((program, number) => ({ number, ...program })))(
    'mixed calls, program $number',
    ({ seed, steps }) => {
      const saved: Uint8Array[] = []
      manualSeed(BigInt(seed))
      for (const [i, step] of steps.entries()) {
        const value = Number(step.value)
        if (step.do === 'seed') manualSeed(value)
        else if (step.do === 'save') saved.push(getRngState())
        else if (step.do === 'load') setRngState(saved[value])
        else expect([i, step.do, value, crc(kinds[step.do](value))]).toEqual([i, step.do, value, step.crc])
        const state = getRngState()
        const bytes = new DataView(state.buffer)
        const steps = rank(bytes.getFloat64(5024, true)) - rank(parse(step.state.normal))
        expect(steps >= -1n && steps <= 1n, `step ${i}: the normal left over`).toBe(true)
        bytes.setFloat64(5024, 0, true)
        expect([i, crc(state)]).toEqual([i, step.state.crc])
      }
    },
  )

  test('normals in float64 are within two units of the last place, and 99 in 100 equal', () => {
    let equal = 0
    let count = 0
    for (const [i, { seed, mean, std, values }] of golden.normal64.entries()) {
      if (i === 0 || golden.normal64[i - 1].seed !== seed) manualSeed(BigInt(seed))
      const out = filled(new Float64Array(values.length), (out) => normal(out, mean, std))
      const expected = values.map(parse)
      for (const [j, value] of expected.entries()) {
        expect(Math.abs(out[j] - value)).toBeLessThanOrEqual(2 ** -52 * (Math.abs(mean) + std * Math.abs(value)))
        if (out[j] === value) equal++
        count++
      }
    }
    expect(equal / count).toBeGreaterThan(0.99)
  })

  test('the weights of nn.Linear', () => {
    for (const { seed, inputs, outputs, first, weight, bias } of golden.linears) {
      manualSeed(seed)
      const bound = Math.sqrt(3) * (Math.sqrt(2 / (1 + 5)) / Math.sqrt(inputs))
      const w = filled(new Float32Array(inputs * outputs), (out) => uniform(out, -bound, bound))
      const b = filled(new Float32Array(outputs), (out) => uniform(out, -1 / Math.sqrt(inputs), 1 / Math.sqrt(inputs)))
      expect(Array.from(w.subarray(0, 4), f32)).toEqual(first)
      expect([crc(w), crc(b)]).toEqual([weight, bias])
    }
  })

  test('the unfused form of uniform, as in published transcripts of other builds', () => {
    expect(isUniformFused()).toBe(true)
    setUniformFused(false)
    try {
      manualSeed(0)
      const bound = 1 / Math.sqrt(2)
      const weights = filled(new Float32Array(2), (out) => uniform(out, -bound, bound))
      expect(weights[0]).toBeCloseTo(-0.0052939653, 10)
      expect(weights[1]).toBe(Math.fround(0.379322946))
      const double = filled(new Float64Array(1), (out) => uniform(out, -0.3, 0.3, new Generator().manualSeed(0)))
      expect(double[0]).toBe(0.9700530018065531 * 0.6 - 0.3)
    } finally {
      setUniformFused(true)
    }
  })

  test('data loaders and random_split', () => {
    const n = 10
    for (const { own, shuffle, epochs, next: after } of golden.loaders) {
      manualSeed(11)
      const generator = own ? new Generator().manualSeed(12) : undefined
      for (const order of epochs) {
        baseSeed(generator)
        const sampler = own ? generator : shuffle ? new Generator().manualSeed(baseSeed()) : undefined
        const drawn = Int32Array.from({ length: n }, (_, i) => i)
        if (shuffle) randperm(drawn, sampler)
        expect(Array.from(drawn)).toEqual(order)
        // At the end of an epoch the sampler draws the order of an empty remainder.
        if (shuffle) randperm(drawn, sampler)
      }
      expect(next(generator)).toBe(after)
    }
    manualSeed(13)
    const order = Array.from(filled(new Int32Array(n), (out) => randperm(out)))
    expect([order.slice(0, 6), order.slice(6)]).toEqual(golden.split)
  })
})

describe('seeds and states', () => {
  test.each(golden.seeds)('seed $seed', (record) => {
    const value = BigInt(record.seed)
    if ('error' in record) {
      expect(() => manualSeed(value)).toThrow(record.error)
      return
    }
    expect(manualSeed(value)).toBe(defaultGenerator)
    expect(String(initialSeed())).toBe(record.initial)
    expect(next()).toBe(record.rand)
    if (Number.isSafeInteger(Number(value))) expect(manualSeed(Number(value)).initialSeed()).toBe(initialSeed())
  })

  const { bytes, next: after, legacy, fresh, default: first } = golden.states
  const saved = (): Uint8Array => new Uint8Array(inflateSync(Buffer.from(bytes, 'base64')))
  const five = (generator: Generator) =>
    Array.from(
      filled(new Float32Array(5), (out) => normal(out, 0, 1, generator)),
      f32,
    )

  test("a state of PyTorch's continues here, byte for byte", () => {
    const g = new Generator()
    expect(g.setState(saved())).toBe(g)
    expect(g.initialSeed()).toBe(99)
    expect(g.getState()).toEqual(saved())
    const copy = g.clone()
    expect(five(g)).toEqual(after)
    expect(five(copy)).toEqual(after)
    expect(copy.getState()).toEqual(g.getState())
    expect(copy.engine).not.toBe(g.engine)
  })

  test('the older format of 5,048 bytes, which stores its normal as radius and angle', () => {
    const state = saved().slice(0, 5048)
    const fields = new DataView(state.buffer)
    fields.setFloat64(5016, 0.37, true)
    fields.setFloat64(5024, 0, true)
    fields.setFloat64(5032, 1.25, true)
    expect(five(new Generator().setState(state))).toEqual(legacy)
  })

  test('a leftover float32 normal survives the round trip', () => {
    const state = saved()
    new DataView(state.buffer).setFloat32(5048, 0.25, true)
    state[5052] = 1
    expect(new Generator().setState(state).getState()).toEqual(state)
  })

  test('a seed clears the leftover normal, and makes a fresh state', () => {
    const g = new Generator().setState(saved()).manualSeed(3)
    expect({ crc: crc(g.getState()), normal: f64(0) }).toEqual(fresh)
  })

  test("a new generator starts from PyTorch's own seed", () => {
    expect(new Generator().initialSeed()).toBe(first.seed)
    const g = new Generator()
    const out = filled(new Float32Array(3), (out) => uniform(out, 0, 1, g))
    expect(Array.from(out, f32)).toEqual(first.rand)
  })

  test('an unpredictable seed is returned and repeats its stream', () => {
    const value = seed()
    expect(initialSeed()).toBe(value)
    const drawn = next()
    expect(seed()).not.toBe(value)
    manualSeed(value)
    expect(next()).toBe(drawn)
  })

  test('a fractional seed is truncated, as by int(seed)', () => {
    expect(manualSeed(-1.5).initialSeed()).toBe(2n ** 64n - 1n)
  })

  test('the engine without a seed is the reference one', () => {
    const engine = new Mt19937()
    let last = 0
    for (let i = 0; i < 10_000; i++) last = engine.u32()
    // The value that the C++ standard gives for its mt19937.
    expect(last).toBe(4123659995)
  })
})

describe('errors', () => {
  const integers: Record<string, () => Numbers> = {
    Long: () => new Int32Array(2),
    Int: () => new Int32Array(2),
    Byte: () => new Uint8Array(2),
    Bool: () => new Uint8Array(2),
    '32': () => new Float32Array(2),
  }
  const run = (call: string): void => {
    const [name, ...words] = call.split(' ')
    const [a, b] = words.map((word) => Number(word.replace('inf', 'Infinity')))
    if (name === 'setState') setRngState(words[0] === 'float' ? (new Float32Array(9) as never) : new Uint8Array(a))
    else if (name === 'generator') new Generator().manualSeed(words[0] === 'string' ? ('3' as never) : a)
    else if (name === 'seed') manualSeed(a)
    else if (name === 'uniform32') uniform(new Float32Array(3), a, b)
    else if (name === 'uniform64') uniform(new Float64Array(3), a, b)
    else if (name === 'normal32') normal(new Float32Array(3), a, b)
    else if (name === 'randpermByte') randperm(new Uint8Array(a))
    else if (name === 'bernoulli') bernoulli(new Float32Array(3), a)
    else if (name === 'bernoulli32') bernoulli(new Float32Array(2), Float32Array.of(0.5, a))
    else randint(integers[name.slice(7)](), a, b, defaultGenerator, name === 'randintBool')
  }

  test.each(golden.errors)('$call', ({ call, class: kind, message }) => {
    manualSeed(1)
    const before = getRngState()
    let thrown: unknown
    try {
      run(call)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(Error)
    const { name, message: text } = thrown as Error
    // Python's type names inside a message have no counterpart here.
    expect([name, text.split('\n')[0].replace('string', 'str')]).toEqual([kind, message])
    expect(getRngState()).toEqual(before)
  })

  test('bounds of randint are whole numbers, probabilities as many as elements', () => {
    expect(() => randint(new Int32Array(2), 0.5, 3)).toThrow(
      'random_() received an invalid combination of arguments - got (float, int)',
    )
    expect(() => bernoulli(new Float32Array(2), new Float32Array(3))).toThrow('2 elements need as many')
  })
})

describe('arithmetic', () => {
  const cases = (rows: string[], width: number) =>
    rows.map((row) => [0, 1, 2, 3].map((i) => parse(row.slice(i * width, (i + 1) * width))))

  test('fma32 and fma64 round once, everywhere', () => {
    for (const [a, b, c, result] of cases(golden.fused.f32, 8))
      expect([a, b, c, fma32(a, b, c)]).toEqual([a, b, c, result])
    for (const [a, b, c, result] of cases(golden.fused.f64, 16))
      expect([a, b, c, fma64(a, b, c)]).toEqual([a, b, c, result])
  })

  test('log, cosine and sine are rounded correctly, log1p as the C library does, at 20,000 points each', () => {
    manualSeed(17)
    const us = filled(new Float64Array(20_000), (out) => uniform(out))
    const turn = new Float64Array(2)
    const cosSinOf = (u: number): Float64Array => {
      cosSin(2 * Math.PI * u, turn)
      return turn
    }
    const functions: Record<string, (u: number, i: number) => number> = {
      log1p: (u) => log1p(-u),
      log1pSmall: (u, i) => log1p(-u * 2 ** -(i % 60)),
      log1pNearOne: (u, i) => log1p(-1 + (2 ** -(i % 40) * (1 + (u - 0.5) * 2 ** -(i % 23))) / 2),
      log: (u) => log(1 - u),
      logSmall: (u, i) => log(u * 2 ** -(i % 900)),
      cos: (u) => cosSinOf(u)[0],
      sin: (u) => cosSinOf(u)[1],
    }
    const found = Object.fromEntries(Object.entries(functions).map(([name, of]) => [name, crc(us.map(of))]))
    expect(found).toEqual(golden.functions)
  })

  test('log1p equals the C library', () => {
    for (const row of golden.log1p) {
      const x = parse(row.slice(0, 16))
      expect([x, f64(log1p(x))]).toEqual([x, row.slice(16)])
    }
  })
})

test('the inverse of erf has all bits of PyTorch, for every number that a truncated normal one may begin with', () => {
  const x = Float32Array.from({ length: 2 ** 24 }, (_, i) => i * 2 ** -23 - 1)
  erfinv32(x)
  expect(crc(x)).toBe(golden.erfinvs)
})

test('words drawn together are those drawn one by one, across refills, and leave the generator where those do', () => {
  for (const before of [0, 1, 623, 624]) {
    for (const length of [1, 15, 623, 624, 625, 1300]) {
      const [blocks, single] = [new Generator().manualSeed(5), new Generator().manualSeed(5)]
      for (const generator of [blocks, single]) for (let i = 0; i < before; i++) generator.engine.i32()
      const out = new Int32Array(length)
      blocks.engine.fill(out, length)
      expect(out).toEqual(Int32Array.from({ length }, () => single.engine.i32()))
      expect(blocks.getState()).toEqual(single.getState())
    }
  }
})

test('uniform numbers of every range are rounded once', { timeout: 200000 }, () => {
  const [unit, out] = [new Float32Array(100), new Float32Array(100)]
  uniform(unit, 0, 1, new Generator().manualSeed(5))
  for (let exponent = -30; exponent <= 10; exponent++) {
    for (const from of [-(2 ** exponent) / 3, 2 ** exponent / 3]) {
      uniform(out, from, from + 0.7, new Generator().manualSeed(5))
      const [low, range] = [Math.fround(from), Math.fround(Math.fround(from + 0.7) - Math.fround(from))]
      expect(out).toEqual(unit.map((u) => fma32(u, range, low)))
    }
  }
})

test('normal numbers have the bits of fused sums', () => {
  /** With 1, all uniform numbers are tried, in 8 seconds. */
  const step = 8
  const round = Math.fround
  // float32 values of PyTorch's kernel, from the highest power on.
  const [log, sin, cos] = [
    '3d9021bb bdebd1b8 3def251a bdfe5d4f 3e11e9bf be2aae50 3e4cceac be7ffffc 3eaaaaaa',
    'b94ca1f9 3c08839e be2aaaa3',
    '37ccf5ce bab6061a 3d2aaaa5',
  ].map((words) => words.split(' ').map(parse))
  const [halfRoot, logLow, logHigh] = ['3f3504f3', 'b95e8083', '3f318000'].map(parse)
  const [turn, inQuarters] = ['40c90fdb', '3fa2f983'].map(parse)
  const quarter = ['3fc90000', '39fda000', '33a22169'].map(parse)
  const fold = (series: readonly number[], x: number): number => {
    let sum = series[0]
    for (let i = 1; i < series.length; i++) sum = fma32(sum, x, series[i])
    return sum
  }
  const radiusOf = (u: number): number => {
    const rest = 1 - u
    let exponent = 32 - Math.clz32(rest * 2 ** 24) - 24
    let t = rest * 2 ** -exponent - 1
    if (t < halfRoot - 1) {
      exponent--
      t = 2 * t + 1
    }
    const square = round(t * t)
    const cubed = fma32(round(fold(log, t) * t), square, round(exponent * logLow))
    return round(Math.sqrt(-2 * fma32(exponent, logHigh, round(t + fma32(square, -0.5, cubed)))))
  }
  /** The cosine and the sine of a part of a turn. */
  const directionOf = (u: number): readonly [number, number] => {
    const angle = round(turn * u)
    const quarters = ((round(angle * inQuarters) | 0) + 1) >> 1
    const rest = quarter.reduce((left, part) => fma32(-quarters, part, left), angle)
    const square = round(rest * rest)
    const c = round(fma32(round(fold(cos, square) * square), square, square * -0.5) + 1)
    const s = fma32(round(fold(sin, square) * square), rest, rest)
    return [
      [c, s],
      [-s, c],
      [-c, -s],
      [s, -c],
      [c, s],
    ][quarters] as [number, number]
  }
  const count = 128
  const found = new Float32Array(2 * count)
  const given = new Int32Array(found.buffer)
  const expected = new Float32Array(2 * count)
  const differing: number[] = []
  for (let first = 0; first < 2 ** 24; first += count * step) {
    for (let k = 0; k < count; k++) {
      const word = first + k * step
      const [c, s] = directionOf(word * 2 ** -24)
      const radius = radiusOf(word * 2 ** -24)
      const place = k + (k & -8)
      // The high bits of a word do not matter.
      given[place] = given[place + 8] = word | (k << 25)
      expected[place] = radius * c + 0
      expected[place + 8] = radius * s + 0
    }
    boxMuller(found, 1)
    if (found.some((x, i) => !Object.is(x, expected[i]))) differing.push(first)
  }
  expect(differing).toEqual([])
})

describe('exponential numbers of float32 are those of a logarithm in float64, rounded once', () => {
  const expected = (u: number): number => Math.fround((-1 / 0.37) * Math.log(1 - u))

  test('of a stream', () => {
    const out = new Float32Array(2 ** 20)
    exponential(out, 0.37, new Generator().manualSeed(5))
    const { engine } = new Generator().manualSeed(5)
    expect(out.filter((x) => x !== expected(engine.u53())).length).toBe(0)
  })

  // Of 2 ** 27 numbers of that stream only this one lies so near the middle between two floats.
  test('where the polynomial rounds otherwise', () => {
    const u = 128298209224080 * 2 ** -53
    const generator = new Generator()
    generator.engine.uniforms = (numbers: Float64Array, n: number) => void numbers.fill(u, 0, n)
    const out = new Float32Array(3)
    exponential(out, 0.37, generator)
    expect([...out]).toEqual(Array(3).fill(expected(u)))
  })
})

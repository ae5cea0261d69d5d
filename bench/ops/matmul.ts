// Square matrix products beside the plain triple loop over the same typed arrays.
import { manualSeed, randn, type Tensor } from 'flambeau'
import { measure, timed } from '../src/harness.ts'
import { report, type Row } from '../src/report.ts'

/** The textbook loop: a row times a column for each element. */
function tripleLoop(a: Float32Array, b: Float32Array, n: number): Float32Array {
  const c = new Float32Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0
      for (let k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j]
      c[i * n + j] = sum
    }
  }
  return c
}

/** The better order: adds up rows of b, so that memory is read in order. */
function rowsAddedUp(a: Float32Array, b: Float32Array, n: number): Float32Array {
  const c = new Float32Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const x = a[i * n + k]
      for (let j = 0; j < n; j++) c[i * n + j] += x * b[k * n + j]
    }
  }
  return c
}

manualSeed(0)

async function rows(n: number, rounds: number): Promise<Row[]> {
  const tensors = Array.from({ length: 4 }, () => randn(n, n))
  const arrays = tensors.map((t) => t.toArray() as Float32Array)
  const check = tensors[0].matmul(tensors[1]).toArray()
  tripleLoop(arrays[0], arrays[1], n).forEach((x, i) => {
    if (!(Math.abs(check[i] - x) < 1e-3)) throw new Error(`element ${i} is ${check[i]}, not ${x}`)
  })
  let turn = 0
  const next = <T>(from: readonly T[]): [T, T] => [from[turn & 3], from[++turn & 3]]
  const repeated = (loops: (a: Float32Array, b: Float32Array, n: number) => Float32Array) =>
    timed((times) => {
      let c = arrays[0]
      for (let i = 0; i < times; i++) c = loops(...next(arrays), n)
      return c
    })
  const measured = await measure(
    {
      js: timed((times) => {
        let c: Tensor = tensors[0]
        for (let i = 0; i < times; i++) {
          const [a, b] = next(tensors)
          c = a.matmul(b)
        }
        return c
      }),
      triple: repeated(tripleLoop),
      rows: repeated(rowsAddedUp),
    },
    { rounds, sampleMs: 10, warmupMs: 200 },
  )
  const speed = (ns: number): number => (2 * n ** 3) / ns
  const size = `${n} x ${n}`
  const row = (who: string, subject: 'js' | 'triple' | 'rows'): Row => {
    const { median, min } = measured.statistics(subject)
    return {
      what: `matmul ${size}, ${who}`,
      value: speed(median),
      unit: 'GFLOP/s',
      note: `best ${speed(min).toFixed(2)}`,
    }
  }
  const ratio = measured.ratio('triple', 'js')
  const held = n === 512
  return [
    { ...row('js', 'js'), ...(held ? { atLeast: 4 } : {}) },
    row('plain triple loop', 'triple'),
    row('loops in the order i, k, j', 'rows'),
    {
      what: `matmul ${size}, speed in the triple loop's`,
      value: ratio.median,
      unit: 'x',
      note: `${ratio.p10.toFixed(2)} to ${ratio.p90.toFixed(2)}`,
      ...(held ? { atLeast: 3.3 } : {}),
    },
  ]
}

report([...(await rows(64, 41)), ...(await rows(256, 21)), ...(await rows(512, 15))])

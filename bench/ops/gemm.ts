// Products on native beside those of OpenBLAS, oneDNN, Eigen and PyTorch: squares, the layers of the lecture's models
// and of the larger network with the products of their gradients, in both float dtypes, on one thread and on two.
// Medians of 15 alternating rounds, after the results have been compared. It takes some minutes, so it runs only by
// name. By hand, `node dist/ops/gemm.js "square 512"` runs those whose rows begin like this.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compiled, fastest } from '../src/cpp.ts'
import { measure } from '../src/harness.ts'
import { InputFiles } from '../src/inputs.ts'
import { difference } from '../src/race.ts'
import { report, type Row } from '../src/report.ts'
import { CannotRun, isAbsent, isPresent, Process, type Subject } from '../src/subject.ts'
import { flambeau, here } from '../src/subjects.ts'
import { torch, torchVersion } from '../src/torch.ts'
import { inputsOf, nameOf, type Product } from '../workloads/gemm.ts'

type Sizes = readonly [m: number, k: number, n: number]
type Shape = Omit<Product, 'dtype'>

/** The libraries that a product is compared with, and the required ratio to the fastest of them. */
interface Family {
  readonly title: string
  readonly shapes: readonly Shape[]
  readonly rivals: readonly string[]
  readonly atLeast: number
}

const square = (size: number, turned: Shape['turned'] = 'nn'): Shape => ({ turned, m: size, k: size, n: size })

/** The products of a layer: forward, for its weight's gradient, for its input's. */
const layer = ([m, k, n]: Sizes): Shape[] => [
  { turned: 'nt', m, k, n },
  { turned: 'tn', m: n, k: m, n: k },
  { turned: 'nn', m, k: n, n: k },
]

const libraries = ['OpenBLAS', 'oneDNN', 'Eigen']
const skinny: readonly Sizes[] = [
  [569, 30, 1],
  [404, 13, 1],
  [404, 13, 10],
  [404, 10, 5],
  [404, 5, 1],
]
const network: readonly Sizes[] = [
  [64, 784, 256],
  [64, 256, 128],
  [64, 128, 10],
]

const families: readonly Family[] = [
  { title: 'small square', shapes: [square(64)], rivals: libraries, atLeast: 0 },
  {
    title: 'square',
    shapes: [
      ...[128, 256, 512, 1024, 1536, 2048].map((size) => square(size)),
      ...(['nt', 'tn'] as const).map((turned) => square(512, turned)),
    ],
    rivals: libraries,
    atLeast: 0.85,
  },
  { title: 'lecture', shapes: skinny.flatMap(layer), rivals: [...libraries, 'torch'], atLeast: 1 },
  { title: 'network', shapes: network.flatMap(layer), rivals: ['torch'], atLeast: 1 },
]

const scratch = mkdtempSync(join(tmpdir(), 'flambeau-gemm-'))
const files = new InputFiles(scratch)

/** Eigen's threads are those of OpenMP. */
const program = compiled('gemm', '', here('../../ops/gemm.cpp'), [...fastest, '-fopenmp', '-ldl'])
const others = isAbsent(program)
  ? []
  : libraries.map((name): Subject => ({ ...program, name, title: name, args: [name.toLowerCase()] }))
const native = flambeau('native', undefined, ['repeated'])[0]
const subjects = [{ ...native, name: 'native' }, ...others, ...[torch()].filter(isPresent)]

const titleOf = ({ title }: Family, { m, k, n, turned, dtype }: Product, threads: number): string =>
  `${title} ${m} x ${k} x ${n} ${turned}, ${dtype}, ${threads} thread${threads === 1 ? '' : 's'}`

/** The row of a product; none if no other library has it. */
async function row(family: Family, product: Product, threads: number, processes: readonly Process[]): Promise<Row[]> {
  if (!titleOf(family, product, threads).startsWith(process.argv[2] ?? '')) return []
  const name = nameOf(product)
  const inputs = await files.of({ name, inputs: inputsOf(product) } as Parameters<InputFiles['of']>[0])
  const there = new Map<string, Process>()
  let reference: Float32Array[] | undefined
  for (const child of processes) {
    try {
      await child.load(name, inputs)
    } catch (error) {
      if (error instanceof CannotRun) continue
      throw error
    }
    await child.run(4)
    const results = await child.results(join(scratch, 'result'))
    const wrong = difference(results, (reference ??= results), 1e-3)
    if (wrong !== undefined) throw new Error(`${name} on ${child.subject.name}: ${wrong}`)
    there.set(child.subject.name, child)
  }
  const samples = [...there].map(([who, process]) => [who, (n: number) => process.run(n)] as const)
  const measured = await measure(Object.fromEntries(samples), { rounds: 15, sampleMs: 10, warmupMs: 20 })
  const time = (who: string): number => measured.statistics(who).median
  const rivals = family.rivals.filter((who) => there.has(who)).sort((a, b) => time(a) - time(b))
  if (rivals.length === 0) return []
  const { m, k, n } = product
  const speeds = [...there.keys()].map((who) => `${who} ${((2 * m * k * n) / time(who)).toFixed(1)}`)
  const ratio = measured.ratio(rivals[0], 'native')
  return [
    {
      what: titleOf(family, product, threads),
      value: ratio.median,
      unit: 'x',
      note: `of ${rivals[0]}; ${ratio.p10.toFixed(2)} to ${ratio.p90.toFixed(2)}; GF/s ${speeds.join(', ')}`,
      ...(family.atLeast > 0 ? { atLeast: family.atLeast } : {}),
    },
  ]
}

const rows: Row[] = []
try {
  for (const threads of [1, 2]) {
    const processes = subjects.map((subject) => new Process({ ...subject, threads }))
    for (const family of families)
      for (const shape of family.shapes)
        for (const dtype of ['float32', 'float64'] as const)
          rows.push(...(await row(family, { ...shape, dtype }, threads, processes)))
    for (const process of processes) process.close()
  }
} finally {
  rmSync(scratch, { recursive: true })
}
const who = [...others.map(({ name }) => name), ...(torchVersion() === null ? [] : [`PyTorch ${torchVersion()}`])]
report(rows, [
  `Native by \`repeat\`, beside ${who.join(', ')}, as far as they have the dtype. Sizes are m, k, n; \`t\` is what lies transposed.`,
])

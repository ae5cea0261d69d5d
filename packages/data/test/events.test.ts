// Event files, compared with the bytes that PyTorch's SummaryWriter writes (tools/golden/events.py).
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AssertionError, RuntimeError, nn, type Tensor, tensor, TypeError, ValueError, zeros } from '@flambeau/core'
import { build } from 'esbuild'
import { decode } from 'fast-png'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import 'flambeau'
import { SummaryWriter } from '../src/training/index.ts'
import { crc32c } from '../src/training/records.ts'

interface Saved {
  tensor: number[]
  dtype: string
}
const golden = JSON.parse(readFileSync(new URL('golden/events.json', import.meta.url), 'utf8')) as {
  calls: { call: string; args: unknown[]; records: string[] }[]
  pictures: { call: string; x: Saved; formats: string; size: number[]; pixels: string }[]
  graph: { edges: [string, string, number[]][]; parameters: string[] }
}
const revived = (x: unknown): unknown =>
  typeof x === 'object' && x !== null && 'tensor' in x
    ? tensor((x as Saved).tensor, { dtype: (x as Saved).dtype.replace('int64', 'int32') as 'int32' })
    : x
const camel = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flambeau-events-'))
  vi.useFakeTimers({ now: 1_234_500, toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true })
})

/** The event files in a folder and those below. */
const filesIn = (path: string): string[] =>
  readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.includes('tfevents'))
    .sort()
    .map((name) => join(path, name))
/** The records of a file. */
const recordsOf = (file: string): Buffer[] => {
  const bytes = readFileSync(file)
  const records: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 16 + Number(bytes.readBigUInt64LE(at))
    records.push(bytes.subarray(at, end))
    at = end
  }
  return records
}
/** What a writer writes in a call, without the first record of each file. */
const written = (run: (writer: SummaryWriter) => void, options: object = {}): Buffer[] => {
  const writer = new SummaryWriter(folder, options)
  try {
    run(writer)
  } finally {
    writer.close()
  }
  return filesIn(folder).flatMap((file) => recordsOf(file).slice(1))
}

type Field = [field: number, value: number | Buffer]
/** The fields of a message: an independent reader of protocol buffers. */
const fieldsOf = (bytes: Buffer): Field[] => {
  const fields: Field[] = []
  let at = 0
  const varint = (): number => {
    let [value, shift] = [0n, 0n]
    for (;;) {
      const byte = bytes[at++]
      value |= BigInt(byte & 127) << shift
      shift += 7n
      if (byte < 128) return Number(BigInt.asIntN(64, value))
    }
  }
  while (at < bytes.length) {
    const key = varint()
    const type = key & 7
    if (type === 0) fields.push([key >> 3, varint()])
    else {
      const length = type === 1 ? 8 : type === 5 ? 4 : varint()
      fields.push([key >> 3, bytes.subarray(at, (at += length))])
    }
  }
  return fields
}
const all = (bytes: Buffer, field: number): Buffer[] =>
  fieldsOf(bytes).flatMap(([number, value]) => (number === field ? [value as Buffer] : []))
const only = (bytes: Buffer, ...path: number[]): Buffer =>
  path.reduce((message, field) => all(message, field)[0], bytes)
const content = (record: Buffer): Buffer => record.subarray(12, -4)

describe('bytes are PyTorch’s', () => {
  it.each(golden.calls.map((c, i) => [i, c.call, JSON.stringify(c.args[0]), c] as const))(
    '%i %s %s',
    (_, __, ___, c) => {
      const records = written((writer) => {
        const args = c.args.map(revived)
        if (c.call === 'add_hparams') args[2] = { hparamDomainDiscrete: args[2], runName: args.pop() }
        const method = writer[camel(c.call) as 'addScalar'] as (...args: unknown[]) => void
        method.apply(writer, args)
      })
      expect(records.map((bytes) => bytes.toString('base64'))).toEqual(c.records)
    },
  )

  it.each(golden.pictures.map((c, i) => [i, c.formats, c] as const))('picture %i %s', (_, __, c) => {
    const [record] = written((writer) =>
      writer[camel(c.call) as 'addImage']('p', revived(c.x) as Tensor, 2, 1.5, c.formats),
    )
    const image = only(content(record), 5, 1, 4)
    const size = [1, 2, 3].map((field) => fieldsOf(image).find(([number]) => number === field)?.[1])
    const { width, height, channels, data } = decode(only(image, 4))
    expect([size, [height, width, channels]]).toEqual([c.size, c.size])
    expect(Buffer.from(data as Uint8Array).toString('base64')).toBe(c.pixels)
  })
})

class Block extends nn.Module {
  conv = new nn.Conv2d(2, 2, 3, { padding: 1 })
  relu = new nn.ReLU()
  override forward(x: Tensor): Tensor {
    return this.relu.forward(this.conv.forward(x).add(x))
  }
}
class Net extends nn.Module {
  features = new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.BatchNorm2d(2), new Block(), new nn.MaxPool2d(2))
  fc = new nn.Linear(18, 3)
  override forward(x: Tensor): Tensor {
    return this.fc.forward(this.features.forward(x).flatten(1))
  }
}

describe('a graph', () => {
  it('has PyTorch’s modules, the tensors between them, and their parameters', () => {
    const model = new Net()
    model.features.at(1).eval()
    const before = model.modules().map(({ training }) => training)
    const [graph, run] = written((writer) => writer.addGraph(model, zeros(1, 1, 8, 8)))
    expect(model.modules().map(({ training }) => training)).toEqual(before)
    expect(String(only(content(run), 8, 2, 1, 1, 1))).toBe('/device:CPU:0')
    const nodes = all(only(content(graph), 4), 1).map((node) => {
      const attributes = new Map(all(node, 5).map((entry) => [String(only(entry, 1)), only(entry, 2)]))
      const sizes = all(only(attributes.get('_output_shapes') as Buffer, 1, 7), 2)
      return {
        name: String(only(node, 1)),
        op: String(only(node, 2)),
        inputs: all(node, 3).map(String),
        sizes: sizes.map((dim) => fieldsOf(dim)[0][1]),
      }
    })
    expect(new Set(nodes.map(({ name }) => name)).size).toBe(nodes.length)
    const byName = new Map(nodes.map((node) => [node.name, node]))
    const scope = (name: string) => name.slice(0, name.lastIndexOf('/'))
    const edges = nodes.flatMap(({ name, inputs }) =>
      inputs.flatMap((input) => {
        const from = byName.get(input) as (typeof nodes)[0]
        return from.op === 'Parameter' || scope(input) === scope(name) ? [] : [[scope(input), scope(name), from.sizes]]
      }),
    )
    const sorted = (list: unknown[]) => list.map((x) => JSON.stringify(x)).sort()
    expect(sorted(edges)).toEqual(sorted(golden.graph.edges))
    const parameters = nodes.filter(({ op }) => op === 'Parameter')
    expect(parameters.map(({ name }) => name).sort()).toEqual(golden.graph.parameters)
    expect(parameters.find(({ name }) => name === 'Net/Linear[fc]/weight')?.sizes).toEqual([3, 18])
    expect(model.parameters().every(({ grad }) => grad === null)).toBe(true)
  })

  it('takes operations in place, several inputs and outputs, and modules that are used twice', () => {
    class Twice extends nn.Module {
      relu = new nn.ReLU({ inplace: true })
      line = new nn.Linear(2, 2)
      override forward(x: Tensor, y: Tensor): unknown {
        const z = this.line.forward(this.line.forward(this.relu.forward(x)))
        return { sum: z.add(y), list: [z] }
      }
    }
    const x = zeros(1, 2)
    const [graph] = written((writer) => writer.addGraph(new Twice(), [x, zeros(1, 2)]))
    const names = all(only(content(graph), 4), 1).map((node) => String(only(node, 1)))
    expect(names).toEqual(
      expect.arrayContaining(['input/input', 'input/input.1', 'output/output.2', 'Twice/Linear[line]/weight']),
    )
    expect(x.requiresGrad).toBe(false)
  })

  it('needs something that has a gradient', () => {
    const model = new nn.ReLU()
    expect(() => written((w) => w.addGraph(model, zeros([1], { dtype: 'int32' })))).toThrow(
      'no output of the model has a gradient',
    )
    const wrong = new nn.Linear(2, 1)
    expect(() => written((w) => w.addGraph(wrong, zeros(1, 3)))).toThrow(RuntimeError)
    expect(wrong.training).toBe(true)
    expect(Object.hasOwn(wrong, 'forward')).toBe(false)
  })
})

describe('files', () => {
  it('are named and begin as TensorBoard wants them', () => {
    const writer = new SummaryWriter(join(folder, 'deep/er'), { filenameSuffix: '.x' })
    writer.close()
    const [file] = filesIn(folder)
    expect(file).toContain(`/deep/er/events.out.tfevents.0000001234.${hostname()}.${process.pid}.`)
    expect(file.endsWith('.x')).toBe(true)
    const [first, ...more] = recordsOf(file)
    expect(more).toEqual([])
    expect(String(only(content(first), 3))).toBe('brain.Event:2')
    expect(content(first).readDoubleLE(1)).toBe(1234.5)
    // The checksum's own test vectors (RFC 3720).
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
  })

  it('get events when ten wait, after two minutes, by flush, and at the end; then a new file begins', () => {
    const writer = new SummaryWriter(folder)
    const count = () => filesIn(folder).map((file) => recordsOf(file).length - 1)
    const add = () => writer.addScalar('x', 1)
    for (let i = 0; i < 9; i++) add()
    expect(count()).toEqual([0])
    add()
    expect(count()).toEqual([10])
    add()
    vi.setSystemTime(1_234_500 + 121_000)
    add()
    expect(count()).toEqual([12])
    add()
    writer.flush()
    expect(count()).toEqual([13])
    add()
    writer.close()
    expect(count()).toEqual([14])
    add()
    process.emit('exit', 0)
    expect(count()).toEqual([14, 1])
    writer.close()
    expect(process.listeners('exit').some(({ name }) => name === 'endAll')).toBe(false)
  })

  it('tell TensorBoard to forget what comes after a step', () => {
    const [version, start] = written(() => {}, { purgeStep: 7 }).map(content)
    expect([String(only(version, 3)), fieldsOf(version)[1]]).toEqual(['brain.Event:2', [2, 7]])
    expect(fieldsOf(only(start, 7))).toEqual([[1, 1]])
  })

  it('are in runs/ by default', () => {
    const here = process.cwd()
    process.chdir(folder)
    try {
      const writer = new SummaryWriter(null, { comment: '-first' })
      expect(writer.getLogdir()).toMatch(/^runs\/[A-Z][a-z]{2}\d\d_\d\d-\d\d-\d\d_.*-first$/)
      writer.close()
      expect(filesIn(folder).map((file) => dirname(file))).toEqual([join(folder, writer.logDir)])
    } finally {
      process.chdir(here)
    }
  })
})

it('says what is wrong, and writes nothing of it', () => {
  const writer = new SummaryWriter(folder)
  const image = zeros(3, 2, 2)
  for (const [call, type, message] of [
    [
      () => writer.addScalar('x', image),
      AssertionError,
      'Tensor should contain one element (0 dimensions). Was given size: 12 and 3 dimensions.',
    ],
    [() => writer.addScalar('x', '1' as never), TypeError, "argument 'scalar_value'"],
    [() => writer.addScalar('x', 1, 0.5), TypeError, "argument 'global_step'"],
    [() => writer.addScalars('x', { a: 1, b: image }), AssertionError, 'Was given size: 12'],
    [() => writer.addScalars('x', [1] as never), TypeError, "argument 'tag_scalar_dict'"],
    [() => writer.addImage('x', zeros(2, 2)), AssertionError, 'size of input tensor and input format are different.'],
    [() => writer.addImage('x', image, { dataformats: 'CHX' }), ValueError, "but got 'CHX'"],
    [
      () => writer.addImage('x', zeros(2, 2, 2)),
      ValueError,
      'pictures have 1 or 3 channels, or 4 with alpha, but got 2',
    ],
    [() => writer.addImages('x', zeros(1, 4, 2, 2)), ValueError, 'pictures have 1 or 3 channels, but got 4'],
    [() => writer.addImage('x', zeros(3, 0, 2)), RuntimeError, 'a picture of no pixels'],
    [() => writer.addHistogram('x', []), ValueError, 'The input has no element.'],
    [() => writer.addHistogram('x', [1, Number.NaN]), ValueError, 'Histograms need finite values, but value 1 is NaN'],
    [() => writer.addHistogram('x', [1], 0, [2, 3]), ValueError, 'The histogram is empty'],
    [
      () => writer.addHistogram('x', [1], 0, 'auto' as never),
      TypeError,
      "must be 'tensorflow', int or tuple of floats, not str",
    ],
    [() => writer.addHistogram('x', [1], { bins: [1, 0] }), TypeError, "argument 'bins'"],
    [() => writer.addHparams({ lr: [1] as never }, {}), TypeError, "argument 'hparam_dict'"],
    [
      () => writer.addHparams({ lr: 1 }, {}, { hparamDomainDiscrete: { lr: ['a'] } }),
      TypeError,
      'parameter: hparam_domain_discrete[lr]',
    ],
    [() => new SummaryWriter(folder, { maxQueue: 0 }), ValueError, 'max_queue should be positive'],
    [() => new SummaryWriter(folder, { logdir: 'x' } as never), TypeError, 'Did you mean logDir?'],
  ] as const) {
    expect(call).toThrow(type)
    expect(call).toThrow(message)
  }
  writer.addHparams({ lr: tensor(0.5), none: null, on: true }, { loss: tensor(1) }, { runName: 'r' })
  writer.close()
  expect(
    filesIn(folder)
      .map((file) => recordsOf(file).length)
      .sort(),
  ).toEqual([1, 5])
})

it('does not run in browsers, and says so', async () => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../src/training/index.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    conditions: ['@flambeau/source', 'browser'],
    external: ['@flambeau/core'],
    platform: 'browser',
  })
  const { text } = outputFiles[0]
  expect(text).not.toContain('node:')
  const { openFile } = await import('../src/training/files-web.ts')
  expect(() => openFile('runs/x')).toThrow(
    'runs/x: there is no file system in this environment\nEvent files and logs are',
  )
})

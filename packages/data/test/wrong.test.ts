// Calls every public function with each argument and option replaced in turn by wrong values. A value that the table
// does not accept must throw a flambeau error that names the argument.
import 'flambeau'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as core from '@flambeau/core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { membersOf } from '../../../tools/test/api-members.ts'
import { at, type Entry } from '../../../tools/test/door.ts'
import { parameterFaults } from '../../../tools/test/parameters.ts'
import * as data from '../src/frame/index.ts'

const { arange, Generator, tensor } = core

const cyclic: unknown[] = []
cyclic.push(cyclic, cyclic)
// biome-ignore lint/suspicious/noSparseArray: a hole is one of the wrong values
const sparse = [, 1]
const values: Readonly<Record<string, unknown>> = {
  null: null,
  'an empty text': '',
  text: 'x',
  'a number as text': '1',
  __proto__text: '__proto__',
  'a lone quote': '"',
  zero: 0,
  '-1': -1,
  '1.5': 1.5,
  '2^53': 2 ** 53,
  NaN: Number.NaN,
  infinity: Infinity,
  'a bigint': 1n,
  true: true,
  false: false,
  'a symbol': Symbol('x'),
  'an object': {},
  'an object without prototype': Object.create(null),
  'an unknown option': { colour: 1 },
  'an empty array': [],
  'an array of text': ['a'],
  'an array of arrays': [[]],
  'an array of null': [null],
  'a hole': sparse,
  'a cyclic array': cyclic,
  'a function': () => {},
  'a date': new Date(0),
  'a map': new Map(),
  'an expression': /x/,
  'a promise': Promise.resolve(1),
  'an error': new Error('x'),
  bytes: new Uint8Array(3),
  'a view of bytes': new DataView(new ArrayBuffer(8)),
  'a tensor': tensor([0.5, 1.5]),
  'a tensor without dimensions': tensor(1),
  'a proxy': new Proxy({}, {}),
  'a proxy of numbers': new Proxy({}, { get: () => 1 }),
}

/** Whether an argument accepts a value. */
type Takes = (value: unknown, name: string) => boolean
const anyOf =
  (...names: string[]): Takes =>
  (_, name) =>
    names.includes(name)
const none = anyOf()
const isBool: Takes = (x) => typeof x === 'boolean'
const isText: Takes = (x) => typeof x === 'string'
const isNames: Takes = (x, name) => name === 'an array of text' || (Array.isArray(x) && x.length === 0)

interface Case {
  /** The call under test. */
  readonly call: (...args: never[]) => unknown
  readonly args: readonly unknown[]
  readonly options?: Readonly<Record<string, unknown>>
  /** By position; options by name. */
  readonly takes: readonly Takes[]
  readonly takesOption?: Readonly<Record<string, Takes>>
}

const rows = [
  [1, 2],
  [3, 5],
]
const set = () => new data.TensorDataset(arange(4), arange(4))
const scaler = () => new data.StandardScaler().fit(rows)
const csv = 'a,b\n1,2\n3,4\n'
const columns = { a: [1, 2], b: [3, 4] }
/** Accepted by name, too. */
const isIndex: Takes = (x, name) => x === 0 || x === -1 || name === 'a proxy of numbers'
const isSet: Takes = (x, name) => Array.isArray(x) || x instanceof Uint8Array || name === 'a tensor'

let folder = ''
const file = () => join(folder, 'a.csv')
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flambeau-wrong-'))
  writeFileSync(file(), csv)
  vi.spyOn(console, 'log').mockReturnValue()
})
afterAll(async () => {
  vi.restoreAllMocks()
  await rm(folder, { recursive: true })
})

const csvOptions = {
  file: 'a.csv',
  delimiter: ',',
  header: true,
  columns: ['a'],
  numeric: true,
  missing: ['NA'],
}
const takesCsv: Record<keyof typeof csvOptions, Takes> = {
  file: isText,
  // With other delimiters there is no column a.
  delimiter: none,
  header: (x) => x === true,
  columns: isNames,
  numeric: (x, name) => isBool(x, name) || isNames(x, name),
  missing: isNames,
}

/** The case of a metric of predictions: bytes are labels, too, and there are three. */
const predicting = (call: (...args: never[]) => unknown): Case => ({
  call,
  args: [
    [0, 1, 1],
    [0, 1, 0],
  ],
  takes: [anyOf('bytes'), anyOf('bytes')],
})

/** All that an iterable of a class yields, because some of its values are only seen then. */
const passOf = (type: unknown, args: readonly unknown[]): unknown[] => [
  ...new (type as new (...args: readonly unknown[]) => Iterable<unknown>)(...args),
]

const cases: Readonly<Record<string, Case>> = {
  DataLoader: {
    // A full pass, because the values of a dataset are only seen then.
    call: (...args: never[]) => passOf(data.DataLoader, args),
    args: [set(), 2, false],
    options: {
      dropLast: false,
      generator: new Generator(),
      collateFn: (samples: unknown[]) => samples,
      sampler: [0],
      pinMemory: true,
      timeout: 0,
      workerInitFn: null,
      multiprocessingContext: null,
      numWorkers: 0,
      prefetchFactor: 2,
      persistentWorkers: false,
    },
    // The sampler asks for the first sample.
    takes: [(x, name) => isSet(x, name) && name !== 'an empty array', anyOf('null'), (x) => x === false || x === null],
    takesOption: {
      dropLast: isBool,
      generator: anyOf('null'),
      collateFn: anyOf('a function', 'null'),
      // Bytes are indices, and a map without entries yields none.
      sampler: anyOf('an empty array', 'bytes', 'a map', 'null'),
      pinMemory: isBool,
      timeout: (x) => x === 0,
      workerInitFn: anyOf('null'),
      multiprocessingContext: anyOf('null'),
      numWorkers: (x) => x === 0,
      prefetchFactor: none,
      persistentWorkers: (x) => x === false,
    },
  },
  'DataLoader.loadStateDict': {
    call: (state: never) => new data.DataLoader([1, 2], 2).loadStateDict(state),
    args: [new data.DataLoader([1, 2], 2).stateDict()],
    takes: [none],
  },
  'DataLoader of batches': {
    call: (...args: never[]) => passOf(data.DataLoader, args),
    args: [set()],
    options: { batchSampler: [[0, 1]] },
    takes: [anyOf('bytes', 'a tensor')],
    takesOption: { batchSampler: anyOf('an empty array', 'an array of arrays', 'a map', 'null') },
  },
  getWorkerInfo: { call: () => data.getWorkerInfo(), args: [], takes: [] },
  SequentialSampler: { call: (x: never) => passOf(data.SequentialSampler, [x]), args: [set()], takes: [isSet] },
  RandomSampler: {
    call: (...args: never[]) => passOf(data.RandomSampler, args),
    args: [set()],
    options: { replacement: true, numSamples: 3, generator: new Generator() },
    takes: [(x, name) => isSet(x, name) && (x as unknown[]).length > 0],
    takesOption: { replacement: isBool, numSamples: anyOf('null'), generator: anyOf('null') },
  },
  SubsetRandomSampler: {
    call: (...args: never[]) => passOf(data.SubsetRandomSampler, args),
    args: [[3, 1]],
    options: { generator: new Generator() },
    takes: [anyOf('an empty array')],
    takesOption: { generator: anyOf('null') },
  },
  WeightedRandomSampler: {
    call: (...args: never[]) => passOf(data.WeightedRandomSampler, args),
    args: [[0.5, 1], 2, true],
    options: { generator: new Generator() },
    takes: [anyOf('a tensor'), none, isBool],
    takesOption: { generator: anyOf('null') },
  },
  BatchSampler: {
    call: (...args: never[]) => passOf(data.BatchSampler, args),
    args: [[0, 1], 2, true],
    // It passes on what a sampler yields.
    takes: [
      (x) => typeof x === 'object' && x !== null && Symbol.iterator in x && !(x instanceof core.Tensor),
      none,
      isBool,
    ],
  },
  StratifiedBatchSampler: {
    call: (...args: never[]) => passOf(data.StratifiedBatchSampler, args),
    args: [[0, 1, 1], 2],
    options: { dropLast: true, generator: new Generator() },
    takes: [anyOf('a tensor'), none],
    takesOption: { dropLast: isBool, generator: none },
  },
  ConcatDataset: {
    call: (...args: never[]) => new (data.ConcatDataset as unknown as new (...args: unknown[]) => unknown)(...args),
    args: [[set(), [1]]],
    takes: [anyOf('an array of arrays', 'a cyclic array')],
  },
  ChainDataset: {
    call: (...args: never[]) => new (data.ChainDataset as unknown as new (...args: unknown[]) => unknown)(...args),
    args: [[[1], [2]]],
    // It looks at its datasets when their turn comes.
    takes: [(x) => typeof x === 'object' && x !== null && Symbol.iterator in x && !(x instanceof core.Tensor)],
  },
  'ConcatDataset.fileOf': {
    call: (i: never) => new data.ConcatDataset([set()]).fileOf(i),
    args: [0],
    takes: [isIndex],
  },
  'ConcatDataset.at': { call: (i: never) => new data.ConcatDataset([set()]).at(i), args: [0], takes: [isIndex] },
  TensorDataset: {
    call: (...args: never[]) => new (data.TensorDataset as unknown as new (...args: unknown[]) => unknown)(...args),
    args: [arange(4), arange(4)],
    takes: [none, none],
  },
  'TensorDataset.at': { call: (i: never) => set().at(i), args: [0], takes: [isIndex] },
  'TensorDataset.collated': { call: (i: never) => set().collated(i), args: [[0, 1]], takes: [anyOf('an empty array')] },
  'TensorDataset.rows': { call: (i: never) => set().rows(i), args: [arange(2)], takes: [none] },
  Subset: {
    call: (...args: never[]) => new (data.Subset as unknown as new (...args: unknown[]) => unknown)(...args),
    args: [set(), [0, 1]],
    takes: [isSet, anyOf('an empty array')],
  },
  'Subset.fileOf': {
    call: (i: never) => new data.Subset(set(), [0, 1]).fileOf(i),
    args: [0],
    takes: [isIndex],
  },
  'Subset.at': {
    call: (i: never) => new data.Subset(set(), [0, 1]).at(i),
    args: [0],
    takes: [isIndex],
  },
  randomSplit: {
    call: (...args: never[]) => (data.randomSplit as (...args: unknown[]) => unknown)(...args),
    args: [set(), [1, 3]],
    options: { generator: new Generator() },
    takes: [none, none],
    takesOption: { generator: anyOf('null') },
  },
  defaultCollate: {
    call: data.defaultCollate,
    args: [[1, 2]],
    takes: [anyOf('an array of text', 'an array of arrays')],
  },
  defaultConvert: {
    call: data.defaultConvert,
    args: [{ a: 1 }],
    takes: [(x) => !(x instanceof DataView) && x !== cyclic],
  },
  StandardScaler: {
    call: (...args: never[]) => new (data.StandardScaler as new (...args: unknown[]) => unknown)(...args),
    args: [],
    options: { withMean: true, withStd: true },
    takes: [],
    takesOption: { withMean: isBool, withStd: isBool },
  },
  accuracyScore: predicting(data.accuracyScore),
  confusionMatrix: predicting(data.confusionMatrix),
  precisionScore: predicting(data.precisionScore),
  recallScore: predicting(data.recallScore),
  f1Score: predicting(data.f1Score),
  rocAucScore: {
    call: data.rocAucScore,
    args: [
      [0, 1],
      [0.2, 0.8],
    ],
    options: { average: 'macro', multiClass: 'raise', labels: null },
    takes: [anyOf('a tensor'), anyOf('a tensor')],
    takesOption: {
      average: none,
      multiClass: isText,
      labels: anyOf('null', 'an empty array', 'an array of text', 'bytes', 'a tensor', 'a tensor without dimensions'),
    },
  },
  topKAccuracyScore: {
    call: data.topKAccuracyScore,
    args: [
      [0, 1],
      [
        [0.2, 0.8],
        [0.7, 0.3],
      ],
    ],
    options: { k: 1, normalize: true, labels: null },
    takes: [anyOf('a tensor'), anyOf('a tensor')],
    takesOption: { k: none, normalize: isBool, labels: anyOf('null') },
  },
  'StandardScaler.fit': { call: (x: never) => new data.StandardScaler().fit(x), args: [rows], takes: [none] },
  'StandardScaler.transform': { call: (x: never) => scaler().transform(x), args: [rows], takes: [none] },
  'StandardScaler.fitTransform': {
    call: (x: never) => new data.StandardScaler().fitTransform(x),
    args: [rows],
    takes: [none],
  },
  'StandardScaler.inverseTransform': {
    call: (x: never) => scaler().inverseTransform(x),
    args: [rows],
    takes: [none],
  },
  toTensor: {
    call: data.toTensor,
    args: [columns, ['a']],
    options: { dtype: 'float32' },
    takes: [none, isNames],
    takesOption: { dtype: none },
  },
  fromTensor: {
    call: data.fromTensor,
    args: [arange(4), ['a']],
    takes: [anyOf('a tensor'), anyOf('an array of text', 'an object', 'an object without prototype', 'a proxy')],
  },
  formatFrame: {
    call: data.formatFrame,
    args: [columns],
    options: { width: 80 },
    takes: [none],
    takesOption: { width: none },
  },
  printFrame: { call: data.printFrame, args: [columns], takes: [none] },
  parseCsv: { call: data.parseCsv, args: [csv], options: csvOptions, takes: [none], takesOption: takesCsv },
  readCsv: {
    call: (source: never, given: never) => data.readCsv(source === 'here' ? file() : source, given),
    args: ['here'],
    options: csvOptions,
    takes: [none],
    takesOption: takesCsv,
  },
}

/** flambeau's errors, not the engine's of the same names. */
const ours = (Object.values(core) as unknown[]).filter(
  (value): value is new () => Error => typeof value === 'function' && value.prototype instanceof Error,
)
/** A missing file is the system's error. */
const isOurs = (error: unknown): error is Error =>
  ours.some((type) => error instanceof type) || (error as NodeJS.ErrnoException).code === 'ENOENT'

/** The error of a call, or undefined. */
const outcome = async (call: (...args: never[]) => unknown, args: readonly unknown[]): Promise<unknown> => {
  try {
    await call(...(args as never[]))
    return undefined
  } catch (error) {
    return error
  }
}

let count = 0
const check = async (call: Case['call'], args: readonly unknown[], takes: boolean): Promise<string | undefined> => {
  count++
  const error = await outcome(call, args)
  if (error === undefined) return takes ? undefined : 'took it'
  if (isOurs(error)) return takes ? `refused it: ${error.message}` : undefined
  return `threw ${String(error)}`
}

describe('wrong values', () => {
  it('cover every export', () => {
    const known = new Set(Object.keys(cases).map((name) => name.split(/[. ]/)[0]))
    const others = ['loadBoston', 'loadBreastCancer', 'loadDigits', 'loadIris', 'Dataset', 'IterableDataset', 'Sampler']
    expect(Object.keys(data).filter((name) => !known.has(name) && !others.includes(name))).toEqual([])
    expect(ours.length).toBeGreaterThan(6)
  })

  it('cover every method of every exported class', () => {
    const members = membersOf(new URL('../etc/data.frame.api.md', import.meta.url))
    // Interfaces of users and of arquero, and the type of metrics, which are tried by their names.
    const others = ['Column', 'Dataset', 'Frame', 'Score']
    const missing = members.filter(({ owner, name, takes }) => {
      const key = name === 'constructor' ? owner : `${owner}.${name}`
      return takes && !name.startsWith('[') && !others.includes(owner) && !(key in cases)
    })
    expect(members.length).toBeGreaterThan(15)
    expect(missing.map(({ owner, name }) => `${owner}.${name}`)).toEqual([])
  })

  it.each(Object.entries(cases))('%s', async (_, { call, args, options: given, takes, takesOption = {} }) => {
    const all = given === undefined ? args : [...args, given]
    expect(await outcome(call, all)).toBeUndefined()
    const wrong: Record<string, string> = {}
    const note = (where: string, name: string, said: string | undefined) => {
      if (said !== undefined) wrong[`${where}: ${name}`] = said
    }
    for (const [name, value] of Object.entries(values)) {
      for (const [place, isTaken] of takes.entries())
        note(
          `argument ${place}`,
          name,
          await check(
            call,
            all.map((arg, i) => (i === place ? value : arg)),
            isTaken(value, name),
          ),
        )
      for (const option of Object.keys(given ?? {}))
        note(
          option,
          name,
          await check(call, [...args, { ...given, [option]: value }], takesOption[option](value, name)),
        )
    }
    if (given !== undefined)
      note('an option', 'that is none', await check(call, [...args, { ...given, colour: 1 }], false))
    expect(wrong).toEqual({})
  })

  it('are at the places and under the names of PyTorch', () => {
    const entries = Object.entries(cases).map(([name, { call, args }]): [string, Entry] => {
      const params = args.map((value) => at('an argument', 'any', () => value))
      return [`data.${name}`, { fn: call as Entry['fn'], params }]
    })
    expect(parameterFaults(new Map(entries))).toEqual([])
  })

  it('are many', () => expect(count).toBeGreaterThan(1000))
})

// Calls every function of the addon with each argument in turn replaced by invalid values. It runs in a process of its
// own, because a mistake in the addon can kill the process. It prints the invalid calls that were accepted, and the
// number of calls.
//   node raw-calls.mjs ADDON
import { createServer } from 'node:net'
import { argv } from 'node:process'

const loaded = { exports: {} }
process.dlopen(loaded, argv[2])
const addon = loaded.exports

const sharedWords = (length) => new Int32Array(new SharedArrayBuffer(4 * length))
const sharedNumbers = (length) => new Float64Array(new SharedArrayBuffer(8 * length))

// ---- values ----

const detached = (array) => {
  structuredClone(array.buffer, { transfer: [array.buffer] })
  return array
}
const cyclic = []
cyclic.push(cyclic)
const throwing = new Proxy(
  {},
  {
    get: () => {
      throw new Error('a trap')
    },
  },
)
/** An external that is not the addon's: the stream of a server. */
const server = createServer().listen()
const foreign = server._handle._externalStream ?? server._handle
server.close()
const program = () => addon.program(Int32Array.from(words), 1, 1)

// An iota of four int32 over row 0.
const words = [9, 11, 0, 1, 4, 1, 0, 0, 4, 0, 2]
const target = new Int32Array(4)

/** By name; after the value, the purposes it is valid for. */
const values = {
  undefined: [undefined],
  null: [null],
  true: [true],
  false: [false],
  0: [0, 'count', 'number'],
  '-0': [-0, 'count', 'number'],
  '-1': [-1, 'number'],
  0.5: [0.5, 'number'],
  NaN: [Number.NaN, 'number'],
  Infinity: [Number.POSITIVE_INFINITY, 'number'],
  '-Infinity': [Number.NEGATIVE_INFINITY, 'number'],
  2147483648: [2 ** 31, 'number'],
  4294967297: [2 ** 32 + 1, 'number'],
  '2^53': [2 ** 53, 'number'],
  1e300: [1e300, 'number'],
  1e9: [1e9, 'count', 'number'],
  bigint: [10n],
  "''": ['', 'text'],
  "'x'": ["x'); process.exit(", 'text'],
  "'1'": ['1', 'text'],
  'a long text': ['x'.repeat(5000)],
  symbol: [Symbol('s')],
  '{}': [{}],
  '[]': [[]],
  numbers: [[1, 2, 3, 4]],
  cyclic: [cyclic],
  function: [() => 0],
  throwing: [throwing],
  'a proxy': [new Proxy(sharedWords(4), {})],
  date: [new Date(0)],
  map: [new Map()],
  promise: [Promise.resolve(1)],
  bare: [Object.create(null)],
  prototyped: [Object.create(sharedWords(4))],
  buffer: [new ArrayBuffer(8), 'buffer'],
  'no buffer': [detached(new Int32Array(4)).buffer, 'buffer'],
  'a buffer that grows': [new ArrayBuffer(8, { maxByteLength: 16 }), 'buffer'],
  'shared buffer': [new SharedArrayBuffer(8)],
  view: [new DataView(new ArrayBuffer(8))],
  bytes: [new Uint8Array(16), 'array'],
  words: [new Int32Array(8), 'array', 'words'],
  'no words': [detached(new Int32Array(8)), 'array', 'words'],
  'shared words': [sharedWords(8), 'array', 'words', 'shared words'],
  'shared words, too few': [sharedWords(3), 'array', 'words', 'shared words'],
  doubles: [new Float64Array(8), 'array', 'doubles'],
  'no doubles': [detached(new Float64Array(8)), 'array', 'doubles'],
  'shared doubles': [sharedNumbers(8).fill(Number.NaN), 'array', 'doubles', 'shared doubles'],
  'shared doubles that grow': [
    new Float64Array(new SharedArrayBuffer(8, { maxByteLength: 64 })),
    'array',
    'doubles',
    'shared doubles',
  ],
  floats: [new Float32Array(8), 'array', 'floats', 'any floats'],
  'no floats': [detached(new Float32Array(8)), 'array', 'any floats'],
  'a foreign external': [foreign],
  'a program': [program(), 'program'],
}

// ---- functions ----

const good = () => {
  const array = { words: sharedWords(64), rows: sharedNumbers(2), numbers: sharedNumbers(1), status: sharedWords(4) }
  array.words.set(words)
  array.rows.set([addon.address(target), 16])
  return array
}
/** For each function: the purposes of its arguments, and a function that makes valid ones for a call. */
const functions = {
  address: [['array'], () => [new Float32Array(4)]],
  largeBuffer: [['buffer'], () => [new ArrayBuffer(1 << 16)]],
  discard: [['doubles'], () => [new Float64Array(1 << 13)]],
  trim: [[], () => []],
  open: [['shared words', 'shared doubles', 'shared doubles', 'status'], () => Object.values(good())],
  submit: [['count', 'count'], () => [words.length, 1]],
  define: [['count', 'words', 'count', 'count', 'count'], () => [0, Int32Array.from(words), words.length, 1, 1]],
  program: [['words', 'count', 'count'], () => [Int32Array.from(words), 1, 1]],
  bind: [
    ['program', 'shared doubles', 'shared doubles', 'count'],
    () => [program(), sharedNumbers(3), sharedNumbers(1), 1],
  ],
  keep: [['program', 'words'], () => [program(), Int32Array.from([0])]],
  forget: [['program'], () => [program()]],
  run: [['program', 'count'], () => [bound(), 1]],
  runAsync: [['program', 'count'], () => [bound(), 1]],
  // The LU factorization of a matrix of 3 x 3.
  matrices: [
    ['size', 'size', 'nothing', 'nothing', 'doubles for three', 'doubles for one', 'size', 'size', 'size'],
    () => [0, 1, 3, new Float64Array(9).fill(1), new Float64Array(3), new Float64Array(1), 3, 3, 1],
  ],
  narrow: [['doubles', 'floats', 'size'], () => [new Float64Array(8), new Float32Array(8), 0]],
  normals: [['any floats', 'number'], () => [new Float32Array(32), 1]],
  configure: [['threads', 'text', 'text'], () => [0, '', '']],
  report: [[], () => []],
}
function bound() {
  const made = program()
  const rows = sharedNumbers(3)
  rows.set([addon.address(target), 16])
  addon.bind(made, rows, sharedNumbers(1), 1)
  return made
}

// ---- calls ----

const isRight = (purpose, name) => {
  const purposes = values[name].slice(1)
  if (purpose === 'doubles for one') return purposes.includes('doubles') && name !== 'no doubles'
  if (purpose === 'doubles for three') return isRight('doubles for one', name) && name !== 'shared doubles that grow'
  if (purpose === 'threads' || purpose === 'size') return purposes.includes('count') && name !== '1e9'
  if (purpose === 'status') return purposes.includes('shared words') && name !== 'shared words, too few'
  return purposes.includes(purpose)
}

const taken = []
let calls = 0
const missing = Object.keys(addon).filter((name) => typeof addon[name] === 'function' && !(name in functions))
for (const name of missing) taken.push(`${name} is not tried`)

/** Checks that everything still works after a call. */
async function works() {
  const { words: w, rows, numbers, status } = good()
  addon.open(w, rows, numbers, status)
  target.fill(9)
  if (addon.submit(words.length, 1) !== 0 || target.join() !== '0,1,2,3') throw new Error('submit stopped working')
  target.fill(9)
  if (addon.run(bound(), 1) !== 0 || target.join() !== '0,1,2,3') throw new Error('run stopped working')
}

for (const [name, [purposes, right]] of Object.entries(functions)) {
  await works()
  await addon[name](...right())
  const attempt = async (args, where, wrong) => {
    calls++
    await works()
    let said
    try {
      await addon[name](...args)
    } catch (error) {
      said = error
    }
    if (said === undefined ? wrong : !(said instanceof Error) || said.message === '')
      taken.push(`${name}: ${where}${said === undefined ? '' : `: ${String(said)}`}`)
  }
  for (let position = 0; position < purposes.length; position++) {
    for (const value of Object.keys(values)) {
      const args = right()
      args[position] = values[value][0]
      await attempt(args, `argument ${position} is ${value}`, !isRight(purposes[position], value))
    }
    await attempt(right().slice(0, position), `${position} arguments`, true)
  }
  await attempt([...right(), cyclic], 'one more', false)
}
await works()
process.stdout.write(JSON.stringify({ calls, values: Object.keys(values).length, taken }))

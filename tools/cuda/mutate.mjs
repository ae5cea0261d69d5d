// Measures whether the tests notice faults in kernels: removes barriers, and changes comparisons and arithmetic, one at a
// time, through the driver for tests (FAKECUDA_MUTATE), runs what uses the kernel, and prints the changes that no test
// noticed. It is no part of the tests; docs/internals/cuda.md has the figures, equivalent.mjs the changes that change nothing.
import { fork } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import esbuild from 'esbuild'
import { root, say } from '../lib.mjs'
import { fakeCuda } from '../native.mjs'
import { ptxOf, sources as compiled } from '../ptx.mjs'
import { equivalent } from './equivalent.mjs'
import { bodiesOf } from './sites.mjs'

/** Replacements of an opcode, or of the end of one. */
const nextTo = {
  lt: 'le',
  le: 'lt',
  gt: 'ge',
  ge: 'gt',
  eq: 'ne',
  ne: 'eq',
  ltu: 'leu',
  leu: 'ltu',
  gtu: 'geu',
  geu: 'gtu',
  equ: 'neu',
  neu: 'equ',
}
/** Functions change between formulas that agree where they do, so there a comparison is turned round. */
const opposite = {
  lt: 'ge',
  le: 'gt',
  gt: 'le',
  ge: 'lt',
  eq: 'ne',
  ne: 'eq',
  ltu: 'ge',
  leu: 'gt',
  gtu: 'le',
  geu: 'lt',
  equ: 'neu',
  neu: 'equ',
}
const arithmetic = {
  add: 'sub',
  sub: 'add',
  min: 'max',
  max: 'min',
  and: 'or',
  or: 'and',
  shl: 'shr',
  shr: 'shl',
  neg: 'mov',
}

/** What kinds of rows (packages/backend-native/test/cuda/sizes.ts) run a kernel that is not called as its kind. */
const users = {
  reduce: ['map'],
  check: ['map'],
  copy: ['concat', 'assign', 'sort'],
  indices: ['gather', 'scatter'],
  parts: ['contract'],
  offsets: ['contract'],
  product: ['contract'],
  softmaxBackward: ['softmaxBackward', 'softmax'],
  logSoftmaxBackward: ['logSoftmax'],
  crossEntropyBackward: ['crossEntropy'],
}
/** Kernels of programs, which have tests of their own (programs.test.ts, blocks.test.ts), and parts of functions. */
const left = /^(block|program_\w+|local\d+)$/
const usersOf = (kernel) => {
  if (kernel.startsWith('product_')) return ['contract']
  if (kernel.startsWith('sort_')) return ['sort']
  return users[kernel] ?? [kernel]
}

/** The changes of an instruction: what it is, the text that is replaced, and by what. */
function* changesOf(code, isKernel) {
  const [, opcode, operands] = /^(?:@!?%\w+\s+)?([\w.:]+)\s*(.*)$/.exec(code) ?? []
  if (opcode === undefined) return
  if (/^(bar\.sync|bar\.warp|barrier)/.test(opcode)) yield { kind: 'barrier', from: code, to: '' }
  const compared = /^setp\.(\w+)/.exec(opcode)?.[1]
  const comparisons = isKernel ? nextTo : opposite
  if (compared in comparisons)
    yield { kind: 'comparison', from: `setp.${compared}.`, to: `setp.${comparisons[compared]}.` }
  // Nothing changes where 0 is added.
  if (/, 0;$/.test(code) && /^(add|sub|or|sh[lr])/.test(opcode)) return
  const [first] = opcode.split('.')
  // Doubles and floats negate, words and predicates have no mov of this name.
  if (
    first in arithmetic &&
    !(first === 'neg' && /s32|s64/.test(opcode)) &&
    !(/^sh/.test(first) && /f32/.test(opcode))
  ) {
    const other =
      first === 'shl'
        ? opcode.replace('shl.b', 'shr.u')
        : first === 'shr'
          ? opcode.replace(/shr\.[us]/, 'shl.b')
          : opcode.replace(first, arithmetic[first])
    yield { kind: 'arithmetic', from: `${opcode} `, to: `${other} ` }
  } else if (/^mul\.rn\.f/.test(opcode))
    yield { kind: 'arithmetic', from: `${opcode} `, to: `${opcode.replace('mul', 'add')} ` }
  else if (/^mul\.lo\.s32/.test(opcode)) yield { kind: 'arithmetic', from: `${opcode} `, to: 'add.s32 ' }
  else if (/^(mad\.lo|fma\.rn)/.test(opcode)) {
    // The sum goes to another operand, where the line has registers of one type.
    const [to, a, b] = operands.replace(';', '').split(/,\s*/)
    if ([to, a, b].every((x) => /^%/.test(x)))
      yield { kind: 'arithmetic', from: code, to: `${opcode} ${to}, ${a}, ${b}, ${a};`, isLine: true }
  }
}

/** The changes of a body, each with the number of its line among those with the same text. */
function* mutantsOf(lines, { name, isKernel, first, last }) {
  const counts = new Map()
  for (let at = first; at <= last; at++) {
    const line = lines[at - 1]
    for (const change of changesOf(line.trim(), isKernel)) {
      // Numbers count every line in which the text is, also within a longer opcode.
      const key = change.from
      if (!counts.has(key))
        counts.set(
          key,
          lines.slice(first - 1, last).flatMap((each, i) => (each.includes(key) ? [first + i] : [])),
        )
      yield { kernel: name, line: at, code: line.trim(), number: counts.get(key).indexOf(at), ...change }
    }
  }
}

/** Some of a list, evenly from all of it. */
const some = (list, most) =>
  list.length <= most ? list : Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)])

/** The changes to try: of every kernel all barriers, and some comparisons and sums. */
function chosen(texts, perKernel) {
  const longest = new Map()
  for (const text of texts) {
    const lines = text.split('\n')
    for (const body of bodiesOf(lines)) {
      const known = longest.get(body.name)
      if (known === undefined || known.body.last - known.body.first < body.last - body.first)
        longest.set(body.name, { lines, body })
    }
  }
  return [...longest.values()].flatMap(({ lines, body }) => {
    const all = [...mutantsOf(lines, body)].filter(({ number }) => number >= 0)
    const of = (kind) => all.filter((each) => each.kind === kind)
    return [...of('barrier'), ...some(of('comparison'), perKernel), ...some(of('arithmetic'), perKernel)].map(
      (each) => ({ ...each, isKernel: body.isKernel }),
    )
  })
}

/**
 * How a change was noticed by the tests of these kinds, or by all; a process that ended, or had to be ended, did notice.
 */
const tried = (program, mutation, of, more) =>
  new Promise((done) => {
    const settings = { FLAMBEAU_CUDA_DRIVER: fakeCuda, FAKECUDA_LIMIT: '20000000', FAKECUDA_MUTATE: mutation, ...more }
    const child = fork(program, of, { env: { ...process.env, ...settings }, stdio: 'ignore' })
    const end = (outcome) => {
      clearTimeout(timer)
      child.removeAllListeners()
      child.kill('SIGKILL')
      done(outcome)
    }
    const timer = setTimeout(end, 300_000, 'error')
    child.once('message', end)
    child.once('exit', () => end('error'))
  })

export async function mutate({ each = '6', only }) {
  const work = mkdtempSync(join(tmpdir(), 'flambeau-mutants-'))
  // Next to the sources, because the addon is found from there.
  const program = join(root, 'packages', 'backend-native', '.cache', 'mutant.mjs')
  try {
    await esbuild.build({
      entryPoints: [join(root, 'packages', 'backend-native', 'test', 'cuda', 'mutant.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      conditions: ['@flambeau/source'],
      logLevel: 'error',
    })
    // The texts of what the tests run, which they pass without a change.
    const outcome = await tried(program, '', [], { FAKECUDA_TEXTS: work })
    if (outcome !== 'alive') throw new Error(`the tests fail without a change: ${outcome}`)
    const emitted = readdirSync(work).map((name) => readFileSync(join(work, name), 'utf8'))
    const libraries = compiled().map((source) => readFileSync(ptxOf(source), 'utf8'))
    const isOurs = ({ kernel }) => only === undefined || kernel.startsWith(only)
    const mutants = chosen([...libraries, ...emitted], Number(each))
      .filter(isOurs)
      .filter(({ kernel }) => !left.test(kernel))
    const counts = {}
    const queue = mutants.entries()
    const one = async () => {
      for (const [, mutant] of queue) {
        const { kernel, number, kind, from, to, line, code, isKernel } = mutant
        const mutation = [kernel, number, from, to].join('\n')
        const outcome = await tried(program, mutation, isKernel ? usersOf(kernel) : usersOfFunction(kernel))
        const excuse =
          outcome === 'alive' && equivalent.find((entry) => entry.kernel.test(kernel) && entry.code.test(code))
        const count = (counts[kind] ??= { value: 0, error: 0, alive: 0, refused: 0, equivalent: 0 })
        count[excuse ? 'equivalent' : outcome]++
        if (outcome === 'alive')
          say(`${excuse ? 'equivalent' : 'alive'}: ${kernel}, line ${line}: ${code} => ${to || 'nothing'}`)
      }
    }
    await Promise.all(Array.from({ length: availableParallelism() }, one))
    for (const [kind, { value, error, alive, refused, equivalent }] of Object.entries(counts)) {
      const caught = value + error
      say(
        `${kind}: ${caught} of ${caught + alive} noticed (${((100 * caught) / (caught + alive)).toFixed(1)} %), ${value} by values, ${error} by faults; ${equivalent} change nothing, ${refused} are no PTX`,
      )
    }
    return 0
  } finally {
    rmSync(work, { recursive: true })
  }
}

/** `wrap_float32` is a cast, which rows of maps run. */
const usersOfFunction = (name) => (name.startsWith('wrap_') ? ['map'] : [name])

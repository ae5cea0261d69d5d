// The CUDA half of the addon: makes the PTX of its sources (`node tools/cuda.mjs ptx`), compiles it for every generation
// of GPU (`... assemble`), and runs its tests by the driver for tests (`... test`). The first two need NVIDIA's compiler,
// but no GPU; what they make is committed, so nobody else needs them.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { argv } from 'node:process'
import { pathToFileURL } from 'node:url'
import { contact } from './contact.mjs'
import { readArgs, say } from './lib.mjs'
import { assembleCommitted, assembleRandom, targets } from './cuda/assemble.mjs'
import { testWithCoverage } from './cuda/coverage.mjs'
import { mutate } from './cuda/mutate.mjs'
import { compile, digest, ptxOf, sources } from './ptx.mjs'

export const hasCompiler = () => ['nvcc', 'ptxas'].every((name) => spawnSync(name, ['--version']).status === 0)

/** The first line of a committed text says what it was made from. */
const heading = (source) => `// Made by node tools/cuda.mjs ptx from sources with the digest ${digest(source)}.\n`
export const isCurrent = (source) => readFileSync(ptxOf(source), 'utf8').startsWith(heading(source))

/** Makes the texts anew. With `check` it writes nothing, and says which are not those that are committed. */
export const makePtx = async (check) => {
  let stale = 0
  for (const source of sources()) {
    const { text, error } = await compile(source)
    if (error !== undefined) {
      say(error.trimEnd())
      return 1
    }
    const whole = heading(source) + text
    if (check && readFileSync(ptxOf(source), 'utf8') !== whole) {
      say(`${basename(ptxOf(source))} is not what ${basename(source)} compiles to: node tools/cuda.mjs ptx`)
      stale++
    }
    if (!check) writeFileSync(ptxOf(source), whole)
  }
  return stale === 0 ? 0 : 1
}

/** Compiles texts for every target, and says what registers they take. */
const assemble = async ({ random }) => {
  const { faults, kernels } = await assembleCommitted()
  for (const { name, registers } of kernels) say(`${name}: ${registers} registers`)
  if (random !== undefined) {
    const { texts, faults: more } = await assembleRandom(Number(random))
    say(`${texts} texts of random expressions for ${targets.length} targets`)
    faults.push(...more)
  }
  for (const fault of faults) say(fault)
  return faults.length === 0 ? 0 : 1
}

const commands = { ptx: ({ check }) => makePtx(check === true), assemble, test: testWithCoverage, mutate }

const isProgram = import.meta.url === pathToFileURL(argv[1]).href
if (isProgram && argv[2] === 'contact') process.exitCode = await contact(argv.slice(3))
else if (isProgram) {
  const usage = `node tools/cuda.mjs COMMAND

  ptx [--check]          compiles native/src/cuda/*.cu and kernels/*.cu to PTX, or compares with what is committed
  assemble [--random N]  compiles the committed PTX for ${targets.join(', ')}, and N random expressions
  contact                tests everything on the GPU of this machine, and writes a report: contact --help
  test                   runs the tests of backend-native, and checks that those of CUDA run every instruction
  mutate [--each N] [--seed N] [--only PATTERN] [--budget S] [--again]
                         puts faults into kernels, at most N of a class and kind (400), those whose place fits, and says
                         which the tests do not notice; the slower tests of a fault are left out after S seconds (10);
                         again takes what tests run from the last time`
  const { values, positionals } = readArgs(usage, {
    allowPositionals: true,
    options: {
      check: { type: 'boolean' },
      random: { type: 'string' },
      each: { type: 'string' },
      seed: { type: 'string' },
      only: { type: 'string' },
      budget: { type: 'string' },
      again: { type: 'boolean' },
    },
  })
  const [command, ...others] = positionals
  if (others.length > 0 || !Object.hasOwn(commands, command ?? '')) {
    say(`there is no command ${positionals.join(' ')}\n${usage}`)
    process.exitCode = 2
  } else if ((command === 'ptx' || command === 'assemble') && !hasCompiler()) {
    say('this needs nvcc and ptxas, of the CUDA toolkit')
    process.exitCode = 1
  } else process.exitCode = await commands[command](values)
}

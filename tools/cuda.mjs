// The CUDA half of the addon: makes the PTX of its sources (`node tools/cuda.mjs ptx`) and compiles it for every
// generation of GPU (`... assemble`). Both need NVIDIA's compiler, but no GPU; what they make is committed, so nobody
// else needs them.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { argv } from 'node:process'
import { pathToFileURL } from 'node:url'
import { contact } from './contact.mjs'
import { run, readArgs, say } from './lib.mjs'
import { compile, digest, ptxOf, sources } from './ptx.mjs'

/** From compute capability 7.5 (Turing) to 12.0 (Blackwell). */
export const targets = ['sm_75', 'sm_80', 'sm_86', 'sm_89', 'sm_90', 'sm_100', 'sm_120']

export const hasCompiler = () => ['nvcc', 'ptxas'].every((name) => spawnSync(name, ['--version']).status === 0)

/** The first line of a committed text says what it was made from. */
const heading = (source) => `// Made by node tools/cuda.mjs ptx from sources with the digest ${digest(source)}.\n`
export const isCurrent = (source) => readFileSync(ptxOf(source), 'utf8').startsWith(heading(source))

/** Makes the texts anew. With `check` it writes nothing, and says which are not those that are committed. */
const makePtx = async (check) => {
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

/** Compiles every committed text for every target. */
const assemble = async () => {
  let failed = 0
  for (const source of sources()) {
    for (const target of targets) {
      const { code, output } = await run('ptxas', [`-arch=${target}`, '-c', '-o', '/dev/null', ptxOf(source)])
      if (code === 0) continue
      say(`${basename(ptxOf(source))}, ${target}: ${output.trimEnd()}`)
      failed++
    }
  }
  return failed === 0 ? 0 : 1
}

const commands = { ptx: ({ check }) => makePtx(check === true), assemble }

const isProgram = import.meta.url === pathToFileURL(argv[1]).href
if (isProgram && argv[2] === 'contact') process.exitCode = await contact(argv.slice(3))
else if (isProgram) {
  const usage = `node tools/cuda.mjs COMMAND

  ptx [--check]    compiles native/src/cuda/*.cu and kernels/*.cu to PTX, or compares with what is committed
  assemble         compiles the committed PTX for ${targets.join(', ')}
  contact          tests everything on the GPU of this machine, and writes a report: contact --help`
  const { values, positionals } = readArgs(usage, { allowPositionals: true, options: { check: { type: 'boolean' } } })
  const [command, ...others] = positionals
  if (others.length > 0 || !Object.hasOwn(commands, command ?? '')) {
    say(`there is no command ${positionals.join(' ')}\n${usage}`)
    process.exitCode = 2
  } else if (!hasCompiler()) {
    say('this needs nvcc and ptxas, of the CUDA toolkit')
    process.exitCode = 1
  } else process.exitCode = await commands[command](values)
}

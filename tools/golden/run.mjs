// Recomputes the golden values with real PyTorch, for `pnpm golden`: all of them, or the named ones. Each script
// declares its imports, so that samples of an op don't require pandas.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readArgs, run, say } from '../lib.mjs'

/** The parts that golden.py knows by name, and the modules that it consists of, which are not scripts. */
const parts = ['samples', 'semantics', 'autograd', 'optim', 'nn', 'init']
const modules = ['golden.py', 'format.py', 'semantics.py', 'stored.py', 'train.py', 'autograd.py']
const folder = import.meta.dirname
const python = process.env.PYTHON ?? '/usr/bin/python3'
// OpenBLAS chooses kernels by processor, which changes last digits.
const extraEnv = { OPENBLAS_CORETYPE: 'Haswell' }

const scripts = Object.fromEntries(
  readdirSync(folder)
    .filter((file) => file.endsWith('.py') && !modules.includes(file))
    .map((file) => [file.slice(0, -'.py'.length), file]),
)

const usage = `pnpm golden             all golden values, but for the transcripts
pnpm golden NAME...     some of them

Of golden.py     ${parts.join(' ')}
Scripts          ${Object.keys(scripts).join(' ')}
                 transcripts: what the examples print; it takes minutes

PYTHON names the Python that has PyTorch 1.13; ${python} unless told otherwise.`

/** Debian packages by the modules that they provide. */
const packages = {
  torch: 'python3-torch',
  torchvision: 'python3-torchvision',
  pandas: 'python3-pandas',
  PIL: 'python3-pil',
  sklearn: 'python3-sklearn',
  numpy: 'python3-numpy',
  mpmath: 'python3-mpmath',
  tensorboard: 'TensorBoard of PyPI, which Debian lacks',
  safetensors: 'safetensors of PyPI, which Debian lacks',
}

/** The modules that a script imports. */
const importsOf = (file) => {
  const source = readFileSync(join(folder, file), 'utf8')
  return Object.keys(packages).filter((name) => new RegExp(`^ *(import|from) ${name}\\b`, 'm').test(source))
}

/** Why the scripts cannot run here, or undefined. */
const lacking = async (files) => {
  const wanted = [...new Set(files.flatMap(importsOf))]
  const lines = wanted.map((name) => `try: import ${name}\nexcept ImportError: print('no ${name}')`)
  const source = [...lines, "print('torch' in globals() and torch.__version__)"].join('\n')
  const { code, output } = await run(python, ['-c', source], { extraEnv })
  if (code !== 0) return `${python} cannot be run (${output.trim().split('\n').at(-1)}): name another one by PYTHON`
  const absent = wanted.filter((name) => output.includes(`no ${name}`))
  const version = output.trim().split('\n').at(-1)
  if (absent.length > 0) {
    const debian = absent.map((name) => packages[name]).join(' ')
    return `${python} has no ${absent.join(', no ')}: on Debian 12 apt-get install ${debian}; or name another one by PYTHON`
  }
  if (wanted.includes('torch') && !version.startsWith('1.13'))
    return `golden values come from PyTorch 1.13, and ${python} has ${version}: name another one by PYTHON`
  return undefined
}

const { positionals: names } = readArgs(usage, { allowPositionals: true })
const isPart = (name) => parts.includes(name)
const isScript = (name) => Object.hasOwn(scripts, name)
const all = [...new Set([...parts, ...Object.keys(scripts)])]
const unknown = names.find((name) => !all.includes(name))
if (unknown !== undefined) {
  say(`nothing is called ${unknown}; there are ${all.join(', ')}`)
  process.exit(2)
}
const named = names.length > 0 ? names : all.filter((name) => name !== 'transcripts')
const jobs = [
  ...(named.some(isPart) ? [['golden.py', ...named.filter(isPart)]] : []),
  ...named.filter(isScript).map((name) => [scripts[name]]),
]
const why = await lacking(jobs.map(([file]) => file))
if (why !== undefined) {
  say(why)
  process.exit(1)
}
for (const [file, ...args] of jobs) {
  say([file, ...args].join(' '))
  const { code } = await run(python, [join(folder, file), ...args], { inherit: true, extraEnv })
  process.exitCode = code || process.exitCode
}

// Every public function, called with its last arguments by name from each place on: what the types accept must run, and
// what runs must compile. The calls are those of the tests of wrong arguments, written as TypeScript.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as core from '@flambeau/core'
import { Tensor } from '@flambeau/core'
import ts from 'typescript'
import type { Entry } from '../../../tools/test/door.ts'

/** Where each function, class and namespace is, by its value. */
const paths = new Map<unknown, string>()
const visit = (space: object, path: string): void => {
  for (const [name, value] of Object.entries(space)) {
    if (paths.has(value)) continue
    if (typeof value === 'function') paths.set(value, path + name)
    else if (Object.prototype.toString.call(value) === '[object Module]') visit(value, `${path}${name}.`)
  }
}
visit(core, 'core.')
const all = [...paths.values()]

/** A value as an expression of its type; `any` for what has no literal. */
function literal(value: unknown): string {
  if (value instanceof Tensor) return 'x'
  if (Array.isArray(value)) return `[${value.map(literal)}]`
  if (typeof value === 'string') return JSON.stringify(value)
  if (value === null || ['number', 'boolean', 'undefined'].includes(typeof value)) return String(value)
  return 'some'
}

/** The function of an entry as an expression, or undefined if it is no public function of that name. */
function functionOf(name: string, { fn, on }: Entry): string | undefined {
  if (name.endsWith(' =')) return undefined
  const word = name.split(' ')
  if (word[0] === 'new') return `new ${all.find((path) => path.endsWith(`.${word[1]}`))}`
  if (on !== undefined) {
    const made = on() as object
    const key = name.slice(name.indexOf('.') + 1)
    if (typeof made === 'function') return paths.has(made) ? `${paths.get(made)}.${key}` : undefined
    const path = made instanceof Tensor ? 'core.Tensor' : paths.get(made.constructor)
    return path === undefined || !(key in made) ? undefined : `some<InstanceType<typeof ${path}>>().${key}`
  }
  const path = paths.get(fn)
  if (path !== undefined) return path
  return word[0].startsWith('x.') && word[0].slice(2) in Tensor.prototype ? word[0] : undefined
}

interface Call {
  readonly text: string
  readonly run: () => unknown
}

/** The calls with the arguments from a place on by name; those that come only by name always are. */
function callsOf(name: string, entry: Entry): Call[] {
  const { params, fn, on, open } = entry
  const path = functionOf(name, entry)
  if (path === undefined || open === true) return []
  const places = params.filter((p) => !p.named)
  // What a function works on comes by position.
  const first = path.startsWith('core.') ? 1 : 0
  return places.slice(first).map((_, k) => {
    const byPlace = places.slice(0, first + k)
    const byName = [...places.slice(first + k), ...params.filter((p) => p.named)]
    const options = byName.map((p) => `${p.name}: ${literal(p.good())}`).join(', ')
    return {
      text: `${path}(${[...byPlace.map((p) => literal(p.good())), `{ ${options} }`].join(', ')})`,
      run: () =>
        fn(
          ...(on === undefined ? [] : [on()]),
          ...byPlace.map((p) => p.good()),
          Object.fromEntries(byName.map((p) => [p.name, p.good()])),
        ),
    }
  })
}

/** The messages of the type checker about lines of TypeScript, by line. */
function messagesOf(lines: readonly string[]): Map<number, string> {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const file = join(root, 'test', 'lines-by-name.ts')
  const head = ["import * as core from '@flambeau/core'", 'declare const x: core.Tensor', 'declare const some: any']
  const text = [...head, ...lines].join('\n')
  const config = ts.readConfigFile(join(root, '../../tsconfig.base.json'), ts.sys.readFile).config
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  Object.assign(options, { composite: false, noEmit: true, noUnusedLocals: false, incremental: false })
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists, readFile } = host
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true) : getSourceFile(name, ...rest)
  host.fileExists = (name) => name === file || fileExists(name)
  host.readFile = (name) => (name === file ? text : readFile(name))
  const program = ts.createProgram([file], options, host)
  const own = program.getSourceFile(file)
  const found = new Map<number, string>()
  for (const { start = 0, messageText } of program.getSemanticDiagnostics(own)) {
    const line = ts.getLineAndCharacterOfPosition(own as ts.SourceFile, start).line - head.length
    found.set(line, ts.flattenDiagnosticMessageText(messageText, ' '))
  }
  return found
}

const runs = ({ run }: Call): boolean => {
  try {
    run()
    return true
  } catch {
    return false
  }
}

/** What calls by name do: how many compile and run, and the functions of which some do only one of both. */
export function byName(entries: ReadonlyMap<string, Entry>): {
  readonly both: number
  readonly compiles: readonly string[]
  readonly runs: readonly string[]
} {
  const calls = [...entries].flatMap(([name, entry]) => callsOf(name, entry).map((call) => ({ name, ...call })))
  const messages = messagesOf(calls.map(({ text }) => text))
  const found = calls.map((call, i) => ({ name: call.name, compiles: !messages.has(i), runs: runs(call) }))
  const only = (which: 'compiles' | 'runs'): string[] => [
    ...new Set(found.filter((call) => call[which] && call.compiles !== call.runs).map(({ name }) => name)),
  ]
  return {
    both: found.filter((call) => call.compiles && call.runs).length,
    compiles: only('compiles'),
    runs: only('runs'),
  }
}

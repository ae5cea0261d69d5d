// Measures whether the C++ tests of the decoder notice faults in it: changes conditions, bounds and statements of
// reader.h, decode.cc, its part and stream.cc one at a time, runs the tests of both against each change, and prints the
// changes that no test noticed. It takes a quarter of an hour and is not part of the tests; docs/internals/native.md
// explains the survivors.
//
//   node tools/mutate-native.mjs [--jobs 2] [--only reader.h] [--each 100] [--seed 0] [--list]
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build, compiler } from '../packages/backend-native/bin/build.mjs'
import { root, say } from './lib.mjs'
import { faultLine, percent, sampled } from './sample.mjs'

const { values: options } = parseArgs({
  options: {
    jobs: { type: 'string' },
    only: { type: 'string' },
    each: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: '0' },
    list: { type: 'boolean', default: false },
  },
})
const sources = join(root, 'native')
const folder = join(sources, 'build', 'Release')

/** Each file, with the translation unit that is compiled for it. */
const files = {
  'reader.h': 'decode.cc',
  'decode.cc': 'decode.cc',
  'decode_composite.inl': 'decode.cc',
  'stream.cc': 'stream.cc',
}

/** Replacements for every match of a pattern in a line. */
const swaps = [
  [/ < /g, [' <= ']],
  [/ <= /g, [' < ']],
  [/ > /g, [' >= ']],
  [/ >= /g, [' > ']],
  [/ == /g, [' != ']],
  [/ != /g, [' == ']],
  [/ && /g, [' || ']],
  [/ \|\| /g, [' && ']],
  [/ \+ /g, [' - ']],
  [/ - /g, [' + ']],
  [/ \* /g, [' + ']],
  [/ \/ /g, [' * ']],
  [/ % /g, [' + ']],
  [/ \+ 1\b/g, ['']],
  [/ - 1\b/g, ['']],
  [/-1 - /g, ['0 - ']],
  [/\btrue\b/g, ['false']],
  [/\bfalse\b/g, ['true']],
  [/\bmaxDepth\b/g, ['(maxDepth + 1)']],
  [/\bmaxRegisters\b(?=[ )])/g, ['(maxRegisters + 1)']],
  [/(?<=[(,] ?)0(?=[,)])/g, ['1']],
  [/(?<=[(,] ?)1(?=[,)])/g, ['0', '2']],
  [/\+\+/g, ['--']],
  [/\bstd::max\b/g, ['std::min']],
]

/** The position of the parenthesis that closes the one at `from`; -1 if this text has none. */
function closing(text, from) {
  for (let at = from, open = 0; at < text.length; at++) {
    if (text[at] === '(') open++
    else if (text[at] === ')' && --open === 0) return at
  }
  return -1
}

/** All changes of a text, each as a line number, the new line, and the whole new text. */
function* mutants(text) {
  const lines = text.split('\n')
  const changed = (at, line, count = 1) => {
    const rest = new Array(count - 1).fill('')
    return {
      line: at + 1,
      was: lines.slice(at, at + count).join(' '),
      is: line,
      text: lines.toSpliced(at, count, line, ...rest).join('\n'),
    }
  }
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]
    const code = line.trim()
    if (/^(\/\/|\/?\*|#|namespace|template|using|struct|class|enum|static_assert)/.test(code)) continue
    const end = line.indexOf('//') < 0 ? line.length : line.indexOf('//')
    for (const [pattern, replacements] of swaps) {
      for (const { index, 0: found } of line.slice(0, end).matchAll(pattern)) {
        if ((line.slice(0, index).match(/"/g) ?? []).length % 2 === 1) continue
        for (const to of replacements) yield changed(at, line.slice(0, index) + to + line.slice(index + found.length))
      }
    }
    const condition = /\b(?:if|while) \(/.exec(line)
    if (condition !== null) {
      const from = condition.index + condition[0].length
      const to = closing(line, from - 1)
      if (to > 0) {
        const asked = line.slice(from, to)
        yield changed(at, `${line.slice(0, from)}!(${asked})${line.slice(to)}`)
        yield changed(at, `${line.slice(0, from)}(${asked}) && false${line.slice(to)}`)
      }
    }
    // Removes a statement of one or more lines that declares nothing.
    if (
      !/^(return|break|case|default|public|private|for|if|else|switch|do|try|\}|\{|~|explicit)/.test(code) &&
      /^[\w:.*]+(\[.*?\])?(\(| [-+*]?= |\.|->|\+\+)/.test(code)
    ) {
      let count = 1
      while (count < 6 && !lines[at + count - 1].trim().endsWith(';')) count++
      if (lines[at + count - 1].trim().endsWith(';')) yield changed(at, ';', count)
    }
    const guarded = /^(\s*if \(.*\) )(return .*|[\w.*].*);$/.exec(line)
    if (guarded !== null && !guarded[2].startsWith('return')) yield changed(at, `${guarded[1]};`)
  }
}

const run = (program, args, limit) =>
  new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'ignore', timeout: limit, killSignal: 'SIGKILL' })
    child.on('error', () => resolve(-1))
    child.on('exit', (code) => resolve(code ?? -1))
  })

const list = Object.entries(files)
  .filter(([name]) => options.only === undefined || options.only === name)
  .flatMap(([name, unit]) => {
    const text = readFileSync(join(sources, 'src', name), 'utf8')
    return sampled([...mutants(text)], Number(options.each), Number(options.seed)).map((mutant) => ({
      name,
      unit,
      ...mutant,
    }))
  })
if (options.list) {
  for (const { name, line, was, is } of list) say(faultLine(`${name}:${line}`, was, is))
  say(`${list.length} changes`)
  process.exit()
}

const { code, output } = build({ sources, folder, target: 'native_tests', quiet: true })
if (code !== 0) throw new Error(output)
const objects = readdirSync(join(folder, 'CMakeFiles'), { recursive: true })
  .filter((file) => file.endsWith('.o'))
  .filter((file) => file.includes('kernels.dir') || /(main|decode\w*_test|stream_test|program_test)\.cc\.o$/.test(file))
  .filter((file) => !/src\/(decode|stream)\.cc\.o$/.test(file))
  .map((file) => join(folder, 'CMakeFiles', file))

const work = mkdtempSync(join(tmpdir(), 'flambeau-mutants-'))
const flags = ['-std=gnu++17', '-O0', '-w', '-fPIC']
const sanitizer = ['-fsanitize=address', '-fno-sanitize-recover=all']
const heads = join(work, 'heads.h')
const includes = ['algorithm', 'initializer_list', 'memory', 'new', 'string', 'vector']
writeFileSync(heads, includes.map((name) => `#include <${name}>\n`).join(''))
spawnSync(compiler(), [...flags, '-x', 'c++-header', heads, '-o', `${heads}.gch`], { stdio: 'inherit' })

/** Whether the tests notice; undefined if the change does not compile. */
async function dies({ name, unit, text }, place) {
  rmSync(place, { recursive: true, force: true })
  mkdirSync(place, { recursive: true })
  cpSync(join(sources, 'src', unit), join(place, unit))
  writeFileSync(join(place, name), text)
  const other = join(folder, 'CMakeFiles', 'kernels.dir', 'src', `${unit === 'decode.cc' ? 'stream' : 'decode'}.cc.o`)
  const [made, tests] = [join(place, 'made.o'), join(place, 'tests')]
  // Tries again with a sanitizer, which may be the only one to notice.
  for (const extra of [[], sanitizer]) {
    const compiled = ['-I', join(sources, 'src'), '-include', heads, '-c', join(place, unit), '-o', made]
    const linked = [made, other, ...objects, '-o', tests, '-ldl', '-pthread']
    if ((await run(compiler(), [...flags, ...extra, ...compiled], 300_000)) !== 0) return undefined
    if ((await run(compiler(), [...extra, ...linked], 300_000)) !== 0) return undefined
    const asked = ['--source-file=*stream_test.cc,*program_test.cc,*decode*_test.cc', '--abort-after=1']
    if ((await run(tests, asked, 120_000)) !== 0) return true
  }
  return false
}

const unchanged = { name: 'reader.h', unit: 'decode.cc', text: readFileSync(join(sources, 'src', 'reader.h'), 'utf8') }
if ((await dies(unchanged, join(work, 'unchanged'))) !== false) throw new Error('the tests fail without a change')

const counts = { dead: 0, alive: 0, none: 0 }
const queue = list.entries()
const worker = async (_, number) => {
  for (const [, mutant] of queue) {
    const dead = await dies(mutant, join(work, `worker-${number}`))
    counts[dead === undefined ? 'none' : dead ? 'dead' : 'alive']++
    if (dead === false) say(faultLine(`${mutant.name}:${mutant.line}`, mutant.was, mutant.is))
  }
}
await Promise.all(Array.from({ length: Number(options.jobs ?? availableParallelism()) }, worker))
rmSync(work, { recursive: true, force: true })
const tried = counts.dead + counts.alive
say(`${tried} changes, ${counts.dead} noticed (${percent(counts.dead, tried)}), ${counts.none} that do not compile`)

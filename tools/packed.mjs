// `pnpm packed`: tests the packed packages in every tool that people use, and prints a table of the results. `--write`
// puts the table into docs/internals/packages.md.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stdout } from 'node:process'
import { readArgs, root, run } from './lib.mjs'

const usage = `pnpm packed             the packages, packed, in every tool: a table; it takes some ten minutes
pnpm packed --write     the same, and the table goes into docs/internals/packages.md`
const { values } = readArgs(usage, { options: { write: { type: 'boolean', default: false } } })

const page = join(root, 'docs/internals/packages.md')
const folder = mkdtempSync(join(tmpdir(), 'flambeau-packed-'))
const file = join(folder, 'results.json')

/** One line for each version of a tool and all rows with the same result. */
const table = (results) => {
  const lines = new Map()
  for (const { tool, version, what, result } of results) {
    const key = `| ${tool} | ${version} | ${result.replace(/\/\S*\/(?=\S)/g, '').replaceAll('|', '\\|')} |`
    lines.set(key, [...(lines.get(key) ?? []), what])
  }
  const rows = [...lines].map(([key, whats]) => key.replace(/\| ([^|]*) \|$/, `| ${whats.join('; ')} | $1 |`))
  return ['| tool | version | what | result |', '|---|---|---|---|', ...rows].join('\n')
}

try {
  const { code, output } = await run(
    process.execPath,
    [join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'tools/test/pack-tools.test.ts'],
    { extraEnv: { FLAMBEAU_PACKED: file } },
  )
  if (code !== 0) console.error(output)
  const rows = table(JSON.parse(readFileSync(file, 'utf8')))
  stdout.write(`${rows}\n`)
  if (values.write) {
    const text = readFileSync(page, 'utf8')
    writeFileSync(
      page,
      text.replace(/(<!-- table -->\n)[\s\S]*(<!-- end -->)/, (_, begin, end) => `${begin}\n${rows}\n\n${end}`),
    )
  }
  process.exitCode = code
} finally {
  rmSync(folder, { recursive: true })
}

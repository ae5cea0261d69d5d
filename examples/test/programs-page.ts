// The page that lists the small programs with what they use, from their sources. tools/tables.mjs writes it.
import { readdirSync, readFileSync } from 'node:fs'

const folder = (root: URL) => new URL('examples/programs/', root)

/** The names of the programs. */
export const names = (root: URL, extension = '.ts'): string[] =>
  readdirSync(folder(root))
    .filter((file) => file.endsWith(extension) && file !== 'setting.ts')
    .map((file) => file.slice(0, -extension.length))
    .sort()

/** The TypeScript of a program. */
export const sourceOf = (root: URL, name: string): string => readFileSync(new URL(`${name}.ts`, folder(root)), 'utf8')

/** What a program takes from the packages: names that it imports, and members of the namespaces among them. */
function usedBy(source: string): string[] {
  const imported = [...source.matchAll(/import \{([^}]+)\} from '(?:flambeau|@flambeau\/data)'/g)]
    .flatMap(([, list]) => list.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '' && !name.startsWith('type '))
  const used = imported.flatMap((name) => {
    const local = name.split(' as ').at(-1)!
    const members = new Set(source.match(new RegExp(`(?<![\\w.])${local}(\\.[a-zA-Z_]\\w*)+`, 'g')))
    return members.size > 0 ? [...members] : [local]
  })
  return [...new Set(used)].sort()
}

const row = (root: URL, name: string): string => {
  const source = sourceOf(root, name)
  const title = source.split('\n')[0].slice('// '.length)
  const files = `[Python](../examples/programs/${name}.py), [TypeScript](../examples/programs/${name}.ts)`
  const used = usedBy(source).map((each) => `\`${each}\``)
  return `| \`${name}\` | ${title} | ${files} | ${source.includes('compile(') ? 'yes' : ''} | ${used.join(' ')} |`
}

/** The page. */
export const page = (root: URL): string => `# Programs

Small programs as PyTorch's users write them, in Python and in TypeScript. For two seeds the TypeScript prints what PyTorch
1.13.1 prints, up to one in the last place, and the same to the letter with compiled steps. \`node tools/tables.mjs\`
writes this page from the sources, and a test compares it. Do not edit it.

| program | what it does | sources | compiled | what it uses |
| --- | --- | --- | --- | --- |
${names(root)
  .map((name) => row(root, name))
  .join('\n')}
`

export const pages = { 'programs.md': page }

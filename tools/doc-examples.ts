// Programs in texts: the ts blocks of Markdown files and the `@example`s of doc comments, taken out, run, and compared with
// what their comments say that comes out. How such a comment is written is told in docs/internals/adding-an-op.md.
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import ts from 'typescript'

export interface Block {
  readonly file: string
  /** The line of the file that the code begins at. */
  readonly line: number
  readonly code: string
  /** Why the block is not run, as its marker says; undefined if it is run. */
  readonly noRun: string | undefined
}

/** The pieces of code in the last cell of a row, one per line; a `|` in the JavaScript is written `\\|`. */
const lastCell = (row: string): string => {
  const cells = row.split(/(?<!\\)\|/)
  return [...(cells[cells.length - 2] ?? '').matchAll(/`([^`]+)`/g)]
    .map(([, code]) => code.replaceAll('\\|', '|'))
    .join('\n')
}

/** The blocks marked `ts` (`ts no-run: why` are not run), and the rows of tables whose last column is TypeScript. */
export function markdownBlocks(file: string): Block[] {
  const blocks: Block[] = []
  const lines = readFileSync(file, 'utf8').split('\n')
  for (let i = 0; i < lines.length; i++) {
    if (/\| TypeScript \|$/.test(lines[i])) {
      for (i += 2; lines[i]?.startsWith('|'); i++)
        blocks.push({ file, line: i + 1, code: lastCell(lines[i]), noRun: undefined })
    }
    const fence = /^```ts(?:\s+no-run:?\s*(.*))?$/.exec(lines[i]?.trim() ?? '')
    if (fence === null) continue
    const start = i + 1
    while (i + 1 < lines.length && lines[i + 1].trim() !== '```') i++
    blocks.push({ file, line: start + 1, code: lines.slice(start, i + 1).join('\n'), noRun: fence[1] })
  }
  return blocks
}

/** The `@example`s of doc comments; one whose first line is `// not run: why` is not run. */
export function exampleBlocks(file: string): Block[] {
  const blocks: Block[] = []
  const text = readFileSync(file, 'utf8')
  for (const comment of text.matchAll(/\/\*\*([\s\S]*?)\*\//g)) {
    const first = text.slice(0, comment.index).split('\n').length
    const lines = comment[1].split('\n').map((line) => line.replace(/^\s*\* ?/, ''))
    lines.forEach((line, i) => {
      if (!/^\s*@example\b/.test(line)) return
      const rest = lines.slice(i + 1)
      const end = rest.findIndex((next) => /^\s*@\w/.test(next))
      const code = rest
        .slice(0, end < 0 ? rest.length : end)
        .join('\n')
        .trimEnd()
      blocks.push({ file, line: first + i + 1, code, noRun: /^\s*\/\/ not run: (.*)/.exec(code)?.[1] })
    })
  }
  return blocks
}

/** The pattern of comments that state a result, where prose may also occur. */
const printed =
  /^(tensor\(|torch\.|[[{'"<]|-?\d|(true|false|null|undefined|nan|inf)$|OrderedDict|Parameter containing|\w*Error: |[A-Z]\w* ?\()/

interface Statement {
  readonly source: string
  readonly kind: 'import' | 'expression' | 'variables' | 'other'
  readonly names: readonly string[]
  /** The text of the comment behind the statement, or of the comment lines below it. */
  readonly behind: string | undefined
  readonly below: string | undefined
}

const namesIn = (name: ts.BindingName): string[] =>
  ts.isIdentifier(name)
    ? [name.text]
    : name.elements.flatMap((element) => (ts.isBindingElement(element) ? namesIn(element.name) : []))

function statementsOf(code: string): Statement[] {
  const parsed = ts.createSourceFile('block.ts', code, ts.ScriptTarget.ES2022, true)
  const lines = code.split('\n')
  const comment = (line: string | undefined): string | undefined => /^\s*\/\/ ?(.*)$/.exec(line ?? '')?.[1]
  return parsed.statements.map((statement): Statement => {
    const end = parsed.getLineAndCharacterOfPosition(statement.getEnd())
    const below: string[] = []
    for (let i = end.line + 1; comment(lines[i]) !== undefined; i++) below.push(comment(lines[i]) as string)
    const own = comment(lines[end.line].slice(end.character).replace(/^;/, ''))
    const kind = ts.isImportDeclaration(statement)
      ? 'import'
      : ts.isExpressionStatement(statement)
        ? 'expression'
        : ts.isVariableStatement(statement)
          ? 'variables'
          : 'other'
    const names = ts.isVariableStatement(statement)
      ? statement.declarationList.declarations.flatMap((declaration) => namesIn(declaration.name))
      : (ts.isClassDeclaration(statement) || ts.isFunctionDeclaration(statement)) && statement.name !== undefined
        ? [statement.name.text]
        : ts.isImportDeclaration(statement)
          ? importedNames(statement).map(({ name }) => name)
          : []
    const source = ts.isExpressionStatement(statement) ? statement.expression.getText() : statement.getText()
    return {
      source,
      kind,
      names,
      behind: own === undefined ? undefined : [own, ...below].join('\n'),
      below: below.length === 0 ? undefined : below.join('\n'),
    }
  })
}

/** The expected output of a statement, or undefined. With `strict`, every comment behind an expression is one. */
function expectation({ kind, behind, below }: Statement, prints: boolean, strict: boolean): string | undefined {
  if (kind === 'import') return undefined
  if (behind !== undefined && ((strict && kind === 'expression') || printed.test(behind))) return behind
  if (behind === undefined && below !== undefined && (prints || (kind === 'expression' && printed.test(below))))
    return below
  return undefined
}

/** The possible texts of a value: as it prints itself, or as `console.log` shows it. */
function forms(value: unknown): string[] {
  const shown = inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 6 })
  return [String(value), shown, shown.replace(/([[{]) | ([\]}])/g, '$1$2')]
}

/** `…` stands for anything. */
const matches = (expected: string, actual: string): boolean => {
  const tidy = (text: string): string =>
    text
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n')
      .trim()
  const pattern = tidy(expected)
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[\\s\\S]*?')
  return new RegExp(`^${pattern}$`).test(tidy(actual))
}

export interface Outcome {
  /** How many comments were compared. */
  readonly compared: number
  /** The variables that the block declared, for later blocks. */
  readonly declared: Readonly<Record<string, unknown>>
}

type Scope = Readonly<Record<string, unknown>>

/**
 * Runs a block with names in scope; throws if a comment differs from the result. A comment behind an expression is its
 * value, a comment under a statement that logs is its output, and `SomeError: ...` is the error it throws.
 */
export async function run(
  block: Block,
  scope: Scope,
  modules: Readonly<Record<string, Scope>>,
  { strict = true, self }: { strict?: boolean; self?: unknown } = {},
): Promise<Outcome> {
  const statements = statementsOf(block.code)
  let compared = 0
  let lines: string[] = []

  const compare = (statement: Statement, actual: readonly string[], printedLines: boolean): void => {
    const expected = expectation(statement, printedLines, strict)
    if (expected === undefined) return
    compared++
    const candidates = printedLines ? [lines.join('\n')] : actual
    if (candidates.some((candidate) => matches(expected, candidate))) return
    throw new Error(`${statement.source}\n  says\n${expected}\n  but it is\n${candidates[0]}`)
  }
  const failed = (statement: Statement, error: unknown): void => {
    const expected = expectation(statement, false, strict)
    if (expected === undefined || !/^\w*Error: /.test(expected) || !(error instanceof Error)) throw error
    // Only the first lines, so that a comment may leave out the hint.
    const actual = `${error.name}: ${error.message}`.split('\n').slice(0, expected.split('\n').length)
    compare(statement, [actual.join('\n')], false)
  }
  const at = async (k: number, fn: () => unknown): Promise<void> => {
    const statement = statements[k]
    lines = []
    let value: unknown
    try {
      value = await fn()
    } catch (error) {
      failed(statement, error)
      return
    }
    if (/^\w*Error: /.test(expectation(statement, false, strict) ?? ''))
      throw new Error(`${statement.source}\n  throws nothing`)
    compare(statement, forms(value), lines.length > 0)
  }
  const begin = (): void => void (lines = [])
  const after = (k: number, ...values: unknown[]): void => {
    compare(statements[k], values.length === 0 ? [] : [values.map(String).join(', ')], lines.length > 0)
  }
  const log = (...args: unknown[]): void => {
    lines.push(args.map((arg) => (typeof arg === 'string' ? arg : inspect(arg))).join(' '))
  }
  const load = (name: string): Scope => {
    if (modules[name] === undefined) throw new Error(`${block.file}: nothing is known of module '${name}'`)
    return modules[name]
  }

  const body = statements.map((statement, k) => {
    const { source, kind, names } = statement
    if (kind === 'import') return importText(source)
    if (kind === 'expression') return `await $at(${k}, async () => (${source}));`
    const values = kind === 'variables' && printed.test(statement.behind ?? '') ? names : []
    return `$begin();\n${source};\n$after(${[k, ...values].join(', ')});`
  })
  const declared = statements.flatMap(({ names }) => names)
  const program = `{\n${body.join('\n')}\nreturn { ${declared.join(', ')} };\n}`
  const { outputText } = ts.transpileModule(`async function $block() ${program}`, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  })
  const names = { ...speakable(scope), $at: at, $begin: begin, $after: after, $import: load }
  const make = new Function(...Object.keys(names), `${outputText}\nreturn $block;`)
  const { log: before } = console
  console.log = log
  try {
    const values = await (make(...Object.values(names)) as () => Promise<Scope>).call(self)
    return { compared, declared: values }
  } finally {
    console.log = before
  }
}

/** Without names that JavaScript reserves (`var`); these are called through their module: `ops.var`. */
const speakable = (scope: Scope): Scope => Object.fromEntries(Object.entries(scope).filter(([name]) => !reserved(name)))
const reserved = (name: string): boolean => ['var', 'default'].includes(name)

interface Imported {
  readonly name: string
  /** The name in the module; undefined for the module itself. */
  readonly from: string | undefined
}

/** The values that an import brings; types are dropped. */
function importedNames({ importClause }: ts.ImportDeclaration): Imported[] {
  const bindings = importClause?.namedBindings
  if (bindings === undefined || importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword) return []
  if (ts.isNamespaceImport(bindings)) return [{ name: bindings.name.text, from: undefined }]
  return bindings.elements
    .filter((element) => !element.isTypeOnly)
    .map(({ propertyName, name }) => ({ name: name.text, from: (propertyName ?? name).text }))
}

/** `import { a, b as c } from 'x'` as declarations. */
function importText(source: string): string {
  const [statement] = ts.createSourceFile('import.ts', source, ts.ScriptTarget.ES2022, true).statements
  const declaration = statement as ts.ImportDeclaration
  const from = `$import(${declaration.moduleSpecifier.getText()})`
  return importedNames(declaration)
    .map((imported) => `const ${imported.name} = ${from}${imported.from === undefined ? '' : `.${imported.from}`};`)
    .join(' ')
}

/**
 * The blocks of one page as one module for the type checker, every block nested in the one before, so that it sees
 * earlier names and may redeclare them. `known` are names that need no import.
 */
export function pageModule(blocks: readonly Block[], known: Readonly<Record<string, readonly string[]>>): string {
  const imports: string[] = []
  const imported = new Set<string>()
  const used = new Set<string>()
  const bodies = blocks.map(({ code }) => {
    const parsed = ts.createSourceFile('block.ts', code, ts.ScriptTarget.ES2022, true)
    let body = code
    const visit = (node: ts.Node): void => {
      const member = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node
      if (ts.isIdentifier(node) && !member) used.add(node.text)
      ts.forEachChild(node, visit)
    }
    for (const statement of parsed.statements) {
      if (!ts.isImportDeclaration(statement)) {
        visit(statement)
        continue
      }
      imports.push(statement.getText())
      const bindings = statement.importClause?.namedBindings
      if (bindings !== undefined && ts.isNamedImports(bindings))
        for (const { name } of bindings.elements) imported.add(name.text)
      body = body.replace(statement.getText(), '')
    }
    return body
  })
  for (const [module, names] of Object.entries(known)) {
    const missing = names.filter((name) => used.has(name) && !imported.has(name) && !reserved(name))
    for (const name of missing) imported.add(name)
    if (missing.length > 0) imports.push(`import { ${missing.join(', ')} } from '${module}'`)
  }
  const unique = [...new Set(imports)]
  const pages = bodies.map((body) => `{\n${body}\n`).join('')
  return `${unique.join('\n')}\n${pages}${'}\n'.repeat(bodies.length)}export {}\n`
}

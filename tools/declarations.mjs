// Declarations without what no user can reach: tsc writes one file for each source, with the names that only other
// sources need, a tenth of their text. From the entry points on, this follows exports, imports and every name in a
// declaration, and writes the statements that it met.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'

const isExported = (statement) => statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false

/** A protected member without a comment is for the classes of the package. */
const isOwn = (member) =>
  (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Protected) !== 0 &&
  ts.getJSDocCommentsAndTags(member).length === 0

const namesOf = (statement) =>
  ts.isVariableStatement(statement)
    ? statement.declarationList.declarations.map(({ name }) => name.text)
    : statement.name === undefined
      ? []
      : [statement.name.text]

/** A file's names: `*` stands for all names of another file. */
class Declarations {
  /** Statements by the name that they declare, `[file, name, statement]` by the name that they import or pass on. */
  own = new Map()
  imports = new Map()
  passed = new Map()
  /** What they pass on without naming it, and import without a name. */
  stars = []
  sides = []
  kept = new Set()
  /** What an entry point exports: nobody asks what the others are for. */
  published = new Set()

  constructor(path) {
    this.path = path
    this.source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022, true)
    for (const statement of this.source.statements) this.#read(statement)
  }

  /** The file that a specifier means; undefined in another package. */
  file({ text }) {
    return text.startsWith('.') ? join(dirname(this.path), text.replace(/(\.d)?\.ts$/, '.d.ts')) : undefined
  }

  #read(statement) {
    const file = statement.moduleSpecifier && this.file(statement.moduleSpecifier)
    // Its type has what remains of the module: `ops/methods.ts` picks the names of the table from such types.
    const isWeak = ts.isImportDeclaration(statement) && statement.importClause?.isTypeOnly
    const add = (names, { elements, name }) => {
      if (elements === undefined) names.set(name.text, [file, isWeak ? undefined : '*', statement])
      else for (const e of elements) names.set(e.name.text, [file, (e.propertyName ?? e.name).text, statement, e])
    }
    if (ts.isImportDeclaration(statement)) {
      if (statement.importClause === undefined) this.sides.push([file, statement])
      else if (statement.importClause.namedBindings) add(this.imports, statement.importClause.namedBindings)
      if (statement.importClause?.name) this.imports.set(statement.importClause.name.text, [file, 'default', statement])
    } else if (ts.isExportDeclaration(statement)) {
      if (statement.exportClause === undefined) this.stars.push([file, statement])
      else add(this.passed, statement.exportClause)
    } else if (ts.isExportAssignment(statement)) this.own.set('default', [statement])
    else if (ts.isModuleDeclaration(statement) && ts.isStringLiteral(statement.name))
      this.sides.push([this.file(statement.name), statement])
    else for (const name of namesOf(statement)) this.own.set(name, [...(this.own.get(name) ?? []), statement])
  }

  /** The text of a statement: of names in braces those that are kept, of a class what others than its package may use. */
  #textOf(statement) {
    const { elements } = statement.importClause?.namedBindings ?? statement.exportClause ?? {}
    const { text } = this.source
    if (elements !== undefined) {
      // Whether a name is a type is seen where it is declared.
      const names = elements
        .filter((element) => this.kept.has(element))
        .map((element) => element.getFullText().replace(/^(\s*)type /, '$1'))
      return text.slice(statement.pos, elements.pos) + names.join(',') + text.slice(elements.end, statement.end)
    }
    const isCommented = this.published.has(statement) || namesOf(statement).length === 0
    const from = isCommented ? statement.pos : statement.getStart()
    const space = isCommented ? '' : '\n'
    if (!ts.isClassDeclaration(statement)) return space + text.slice(from, statement.end)
    const { members } = statement
    const open = members.filter((member) => !isOwn(member)).map((member) => member.getFullText())
    return space + text.slice(from, members.pos) + open.join('') + text.slice(members.end, statement.end)
  }

  get text() {
    const kept = this.source.statements.filter((statement) => this.kept.has(statement))
    const text = kept.map((statement) => this.#textOf(statement)).join('')
    const short = text
      // Examples, which end a comment: tests run them, and a page shows them.
      .replaceAll(/^ *\* @example\n(?: *\*(?!\/).*\n)*/gm, '')
      // Indentation, and what comments have in front of their lines.
      .replaceAll(/^ +(?:\*(?!\/) ?)?/gm, '')
      .replaceAll(/\n+\*\/$/gm, '\n*/')
      .replaceAll(/^\/\*\*\n(.*)\n\*\/$/gm, '/** $1 */')
      // Semicolons at the ends of lines, but not those of comments, which are the odd parts.
      .split(/(\/\*\*.*?\*\/)/s)
      .map((part, i) => (i % 2 === 1 ? part : part.replaceAll(/;$/gm, '').replaceAll(/\n\n+/g, '\n')))
      .join('')
      .replaceAll(/^export declare /gm, 'export ')
      // Options are objects of the caller.
      .replaceAll(/^readonly (\w+\?:)/gm, '$1')
      // A class may leave out what implements it.
      .replaceAll(/^protected abstract /gm, 'protected ')
    const isOpen = kept.some((statement) => namesOf(statement).length > 0 && !isExported(statement))
    const exportsSome = kept.some((statement) => isExported(statement) || ts.isExportDeclaration(statement))
    // It says that only what is exported by name is exported.
    return isOpen || !exportsSome ? `${short}\nexport {}\n` : `${short}\n`
  }
}

/** Writes the declarations that entry points need, files of the folder `to`, from those in the folder `from`. */
export const writeDeclarations = (entries, to, from) => {
  const files = new Map()
  const met = new Set()
  const waiting = []
  const fileAt = (path) => {
    if (path === undefined) return undefined
    if (!files.has(path)) files.set(path, new Declarations(path))
    return files.get(path)
  }
  const once = (file, what) => {
    const key = `${file.path} ${what}`
    return !met.has(key) && met.add(key)
  }
  const keep = (file, statement) => {
    if (file.kept.has(statement)) return
    file.kept.add(statement)
    waiting.push([file, statement])
  }
  const enter = (file) => {
    if (!once(file, 'itself')) return
    for (const [path, statement] of file.sides) {
      keep(file, statement)
      if (path !== undefined) enter(fileAt(path))
    }
  }
  const follow = (file, [path, name, statement, element]) => {
    file.kept.add(statement).add(element)
    if (path !== undefined) takeExport(fileAt(path), name)
  }
  /** A name in the scope of a file. */
  const take = (file, name) => {
    if (!once(file, `has ${name}`)) return
    for (const statement of file.own.get(name) ?? []) keep(file, statement)
    if (file.imports.has(name)) follow(file, file.imports.get(name))
  }
  const exportsName = (file, name) =>
    file.passed.has(name) || file.own.has(name) || file.stars.some(([path]) => path && exportsName(fileAt(path), name))
  const takeExport = (file, name) => {
    enter(file)
    if (name === undefined || !once(file, `exports ${name}`)) return
    const passed = file.passed.get(name)
    if (name === '*') takeAll(file)
    else if (passed !== undefined) {
      follow(file, passed)
      if (passed[0] === undefined) take(file, passed[1])
    } else if (file.own.has(name)) take(file, name)
    else {
      const star = file.stars.find(([path]) => path && exportsName(fileAt(path), name))
      if (star !== undefined) follow(file, [star[0], name, star[1]])
    }
  }
  const takeAll = (file) => {
    for (const name of file.passed.keys()) takeExport(file, name)
    for (const [name, statements] of file.own) if (statements.some(isExported) || name === 'default') take(file, name)
    for (const [path, statement] of file.stars) follow(file, [path, '*', statement])
  }
  const listed = new Set()
  const publish = (file, name) => {
    if (file === undefined || listed.has(`${file.path} ${name}`)) return
    listed.add(`${file.path} ${name}`)
    for (const [own, statements] of file.own)
      for (const statement of statements)
        if (own === name || (name === '*' && isExported(statement))) file.published.add(statement)
    for (const [own, [path, there]] of file.passed)
      if (own === name || name === '*') publish(path === undefined ? file : fileAt(path), there)
    for (const [path] of file.stars) publish(fileAt(path), name)
  }
  for (const entry of entries) {
    const file = fileAt(join(from, relative(to, entry)))
    takeExport(file, '*')
    publish(file, '*')
  }
  while (waiting.length > 0) {
    const [file, statement] = waiting.pop()
    const walk = (node) => {
      if (ts.isIdentifier(node)) take(file, node.text)
      if (ts.isImportTypeNode(node)) {
        let first = node.qualifier
        while (first !== undefined && ts.isQualifiedName(first)) first = first.left
        const target = fileAt(file.file(node.argument.literal))
        if (target !== undefined) takeExport(target, first?.text ?? '*')
      }
      ts.forEachChild(node, walk)
    }
    walk(statement)
  }
  // Methods are typed by all functions of a module.
  for (const file of [...files.values()])
    for (const [path, , statement] of file.imports.values())
      if (file.kept.has(statement) && statement.importClause.namedBindings?.name !== undefined)
        publish(fileAt(path), '*')
  for (const file of files.values()) {
    if (!met.has(`${file.path} itself`)) continue
    const path = join(to, relative(from, file.path))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, file.text)
  }
}

// Declarations without what no user can reach: tsc writes one file for each source, with the names that only other
// sources need, a tenth of their text. From the entry points on, this follows exports, imports and every name in a
// declaration, and writes the statements that it met.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'
import { isExported, namesOf, textsOf } from './declaration-texts.mjs'

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
}

/**
 * Writes the declarations that entry points need, files of the folder `to`, from those in the folder `from`. Those of
 * `internal` entry points, for the other packages, have no comments.
 */
export const writeDeclarations = (entries, internal, to, from) => {
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
    if (!internal.includes(entry)) publish(file, '*')
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
  const reached = [...files.values()].filter((file) => met.has(`${file.path} itself`))
  const first = entries.map((entry) => fileAt(join(from, relative(to, entry))))
  for (const [path, text] of textsOf(reached, first, from)) {
    mkdirSync(dirname(join(to, path)), { recursive: true })
    writeFileSync(join(to, path), text)
  }
}

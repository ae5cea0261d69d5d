// The texts of declaration files: what declarations.mjs keeps of each, in as few files and bytes as say the same. Files
// that another one takes as a whole, by `export *` or `import *`, stay files; all others become one, `t.d.ts`, in
// which no import repeats a name. A name that two files of it declare gets a number; one that an entry point exports
// never does. Hover texts and completions come from comments and types, so they stay as they are.
import { dirname, join, relative, sep } from 'node:path'
import ts from 'typescript'
import { short } from './short-declarations.mjs'

export const isExported = (statement) =>
  statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false

export const namesOf = (statement) =>
  ts.isVariableStatement(statement)
    ? statement.declarationList.declarations.map(({ name }) => name.text)
    : statement.name === undefined
      ? []
      : [statement.name.text]

/** A protected member without a comment is for the classes of the package. */
const isOwn = (member) =>
  (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Protected) !== 0 &&
  ts.getJSDocCommentsAndTags(member).length === 0

const leftmost = (name) => {
  let first = name
  while (first !== undefined && !ts.isIdentifier(first)) first = first.left ?? first.expression
  return first
}

/** The identifiers in a statement that stand for something of the file's scope. */
const referencesIn = (statement) => {
  const found = []
  const walk = (node) => {
    if (ts.isTypeReferenceNode(node)) found.push(leftmost(node.typeName))
    else if (ts.isTypeQueryNode(node) && !ts.isImportTypeNode(node.exprName)) found.push(leftmost(node.exprName))
    else if (ts.isExpressionWithTypeArguments(node) || ts.isComputedPropertyName(node))
      found.push(leftmost(node.expression))
    ts.forEachChild(node, walk)
  }
  walk(statement)
  return found.filter((name) => name !== undefined)
}

/** A file to be written: its text, what it declares, and what it takes from others. */
class Output {
  names = new Set()
  texts = []
  libs = new Set()
  /** By the file that is imported from, names there and here. */
  imports = new Map()
  /** Names here of what others declare, by `FILE NAME`. */
  #known = new Map()

  constructor(path) {
    this.path = path
  }

  /** A name that is free here. */
  free(name) {
    let own = name
    for (let i = 2; this.names.has(own); i++) own = `${name}_${i}`
    this.names.add(own)
    return own
  }

  specifier({ path }) {
    return relative(dirname(this.path), path)
      .replace(/^(?!\.)/, './')
      .replace(/\.d\.ts$/, '.ts')
  }

  /** The name here of what another file exports; `*` stands for all of it. */
  take(from, name, preferred = name) {
    const key = `${from} ${name}`
    if (!this.#known.has(key)) {
      const own = this.free(preferred)
      this.#known.set(key, own)
      this.imports.set(from, [...(this.imports.get(from) ?? []), [name, own]])
    }
    return this.#known.get(key)
  }

  get text() {
    const libs = [...this.libs].map((name) => `/// <reference lib="${name}" />\n`)
    const lines = [...this.imports].flatMap(([from, pairs]) => {
      const named = pairs.filter(([name]) => name !== '*')
      const list = named.map(([name, own]) => (name === own ? name : `${name} as ${own}`))
      return [
        ...pairs.filter(([name]) => name === '*').map(([, own]) => `import*as ${own} from'${from}'\n`),
        ...(named.length > 0 || pairs.length === 0
          ? [`import${list.length > 0 ? `{${list}}from` : ''}'${from}'\n`]
          : []),
      ]
    })
    return [...libs, ...lines, ...this.texts].join('')
  }
}

/** The text of a list in braces, with the comments of its members. */
const passing = (elements) => elements.map(([comment, name, as]) => comment + (name === as ? name : `${name} as ${as}`))

/** Texts of declaration files by their paths in the folder `from`, given `Declarations` and those of entry points. */
export const textsOf = (files, entries, from) => {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const isKept = (file, [, , statement, element]) => file.kept.has(element ?? statement)
  const wholes = new Set(entries)
  for (const file of files) {
    const whole = [...file.imports.values(), ...file.passed.values()].filter(
      (each) => isKept(file, each) && each[3] === undefined,
    )
    for (const [path] of [...whole, ...file.stars]) if (byPath.has(path)) wholes.add(byPath.get(path))
    // What passes on names of other packages, or has a name for none.
    if ([...file.passed.values()].some(([path, , { moduleSpecifier }]) => path === undefined && moduleSpecifier))
      wholes.add(file)
    if (file.own.has('default')) wholes.add(file)
  }
  // A name that is published stays as it is.
  const publishedBy = new Map()
  const isPublished = (file, name) => file.own.get(name).some((statement) => file.published.has(statement))
  for (const file of files) {
    const names = [...file.own.keys()].filter((name) => isPublished(file, name))
    if (wholes.has(file)) continue
    if (names.some((name) => publishedBy.has(name))) wholes.add(file)
    else for (const name of names) publishedBy.set(name, file)
  }
  if (wholes.size + 1 >= files.length) for (const file of files) wholes.add(file)
  // All but entry points lie in one folder, so that their specifiers are short; `nn/index.d.ts` becomes `nn.d.ts`.
  const rest = new Output(join(from, 't.d.ts'))
  const paths = new Map(entries.map(({ path }) => [path, path]))
  const partsOf = (file) => relative(from, file.path.replace(/[/\\]index(?=\.d\.ts$)/, '')).split(sep)
  for (const file of [...wholes].sort((a, b) => partsOf(a).length - partsOf(b).length)) {
    const parts = partsOf(file)
    const names = parts.map((_, i) => join(from, parts.slice(-1 - i).join('-')))
    const used = new Set([...paths.values(), rest.path])
    if (!paths.has(file.path))
      paths.set(
        file.path,
        names.find((name) => !used.has(name)),
      )
  }
  const outputs = new Map(files.map((file) => [file, wholes.has(file) ? new Output(paths.get(file.path)) : rest]))

  // Names of what nobody declares here, such as `Map`, are taken.
  const keptOf = (file) => file.source.statements.filter((statement) => file.kept.has(statement))
  /** What a statement sees besides its file: `declare module` sees that module. */
  const augmented = (file, statement) =>
    ts.isModuleDeclaration(statement) ? byPath.get(file.file(statement.name)) : undefined
  for (const file of files)
    for (const statement of keptOf(file))
      for (const { text } of referencesIn(statement))
        if (![file.own, file.imports, augmented(file, statement)?.own].some((names) => names?.has(text)))
          outputs.get(file).names.add(text)
  const named = new Map()
  const nameOf = (file, name) => named.get(`${file.path} ${name}`)
  for (const published of [true, false])
    for (const file of files)
      for (const [name, statements] of file.own)
        if (statements.some((each) => file.kept.has(each)) && isPublished(file, name) === published)
          named.set(`${file.path} ${name}`, name === 'default' ? name : outputs.get(file).free(name))
  for (const [name, file] of publishedBy)
    if (nameOf(file, name) !== name) throw new Error(`${name} of ${file.path} is published, and in t.d.ts a global`)

  /** The file that declares a name which a file exports, and its name there. */
  const declared = (file, name) => {
    if (file.own.has(name)) return [file, name]
    const [path, there] = file.passed.get(name) ?? []
    if (there === '*' || (there !== undefined && path === undefined && !file.imports.has(there))) return [file, name]
    if (path !== undefined) return declared(byPath.get(path), there)
    if (there !== undefined) return declared(byPath.get(file.imports.get(there)[0]), file.imports.get(there)[1])
    for (const [star] of file.stars) {
      const found = byPath.has(star) && declared(byPath.get(star), name)
      if (found) return found
    }
    return undefined
  }
  /** The name in an output of what a file exports. */
  const refer = (output, file, name, preferred) => {
    const [owner, there] = declared(file, name) ?? [file, name]
    const own = nameOf(owner, there) ?? there
    return outputs.get(owner) === output ? own : output.take(output.specifier(outputs.get(owner)), own, preferred)
  }
  /** The name in an output of what a file's scope has under a name; undefined for a global. */
  const inScope = (file, name) => {
    const output = outputs.get(file)
    if (file.own.has(name)) return nameOf(file, name)
    if (!file.imports.has(name)) return undefined
    const [path, there, { importClause, moduleSpecifier }] = file.imports.get(name)
    const isAll = importClause.namedBindings?.name !== undefined
    if (path === undefined) return output.take(moduleSpecifier.text, isAll ? '*' : there, name)
    const other = byPath.get(path)
    return isAll ? output.take(output.specifier(outputs.get(other)), '*', name) : refer(output, other, there, name)
  }

  /** A part of a file's text, with names as its output has them. */
  const edited = (file, statement) => {
    const edits = []
    const walk = (node) => {
      if (ts.isImportTypeNode(node) && file.file(node.argument.literal) !== undefined) {
        const first = leftmost(node.qualifier)
        const own = refer(outputs.get(file), byPath.get(file.file(node.argument.literal)), first.text)
        edits.push([node.getStart(), first.end, node.isTypeOf ? `typeof ${own}` : own])
      }
      ts.forEachChild(node, walk)
    }
    walk(statement)
    const declarations = ts.isVariableStatement(statement) ? statement.declarationList.declarations : [statement]
    const inner = statement.body?.statements ?? []
    const owners = [...declarations, ...inner].flatMap(({ name }) => (name && ts.isIdentifier(name) ? [name] : []))
    const other = augmented(file, statement)
    for (const name of [...owners, ...referencesIn(statement)]) {
      const own = other?.own.has(name.text)
        ? outputs.get(other) === outputs.get(file)
          ? nameOf(other, name.text)
          : name.text
        : inScope(file, name.text)
      if (own !== undefined && own !== name.text) edits.push([name.getStart(), name.end, own])
    }
    edits.sort(([a], [b]) => a - b)
    return (from, to) => {
      let [text, at] = ['', from]
      for (const [start, end, own] of edits) {
        if (start < at || end > to) continue
        text += file.source.text.slice(at, start) + own
        at = end
      }
      return text + file.source.text.slice(at, to)
    }
  }

  /** The class that one extends, with its file; undefined for what is no class of these files. */
  const parentOf = (file, statement) => {
    const from = statement.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0]
    if (from === undefined || !ts.isIdentifier(from.expression)) return undefined
    const name = from.expression.text
    const [path, there] = file.imports.get(name) ?? []
    const [owner, own] = path === undefined ? [file, name] : (declared(byPath.get(path), there) ?? [])
    const found = owner?.own.get(own)?.find((each) => ts.isClassDeclaration(each))
    return found && [owner, found]
  }
  /** Whether a member of a class says what it inherits. */
  const isInherited = (file, statement, member) => {
    const named = (each) => each.name?.getText() === member.name?.getText()
    if (member.name === undefined || ts.getJSDocCommentsAndTags(member).length > 0) return false
    if (statement.members.filter(named).length > 1) return false
    const textIn = (owner, each) => edited(owner, each)(each.getStart(), each.end).replace(/^abstract /, '')
    const parameters = (statement.typeParameters ?? []).map(({ name }) => name.text)
    for (let at = parentOf(file, statement); at !== undefined; at = parentOf(...at)) {
      const [owner, other] = at
      parameters.push(...(other.typeParameters ?? []).map(({ name }) => name.text))
      const [same, ...rest] = other.members.filter(named)
      if (same === undefined) continue
      const text = textIn(file, member)
      const isGeneric = parameters.some((name) => new RegExp(`\\b${name}\\b`).test(text))
      return !isGeneric && rest.length === 0 && outputs.get(owner) === outputs.get(file) && textIn(owner, same) === text
    }
    return false
  }

  // Members of these are members of what is published.
  const bases = new Set()
  for (const file of files)
    for (const statement of file.published)
      for (let at = parentOf(file, statement); at !== undefined; at = parentOf(...at)) bases.add(at[1])

  /** The text of a declaration; of a class what others than its package may use. */
  const textOf = (file, statement) => {
    const slice = edited(file, statement)
    const isCommented = file.published.has(statement) || namesOf(statement).length === 0
    const start = isCommented ? statement.pos : statement.getStart()
    const space = isCommented ? '' : '\n'
    if (ts.isModuleDeclaration(statement)) {
      const output = outputs.get(byPath.get(file.file(statement.name)))
      const { statements } = statement.body
      if (output === outputs.get(file)) return slice(statements.pos, statements.end)
      return `${slice(start, statement.name.getStart())}'${outputs.get(file).specifier(output)}'${slice(statement.name.end, statement.end)}`
    }
    if (!ts.isClassDeclaration(statement)) return space + slice(start, statement.end)
    const { members } = statement
    const isOpen = (member) => !isOwn(member) && !isInherited(file, statement, member)
    const isRead = file.published.has(statement) || bases.has(statement)
    // One private member makes a class differ from others as well as several.
    const isPrivate = ({ modifiers, name }) =>
      name?.kind === ts.SyntaxKind.PrivateIdentifier ||
      modifiers?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)
    const hidden = members.some((member) => isPrivate(member) && !ts.isConstructorDeclaration(member))
      ? '\n#private'
      : ''
    const isShown = (member) => (ts.isConstructorDeclaration(member) || !isPrivate(member)) && isOpen(member)
    const open = members.filter(isShown).map((member) => {
      return isRead ? slice(member.pos, member.end) : `\n${slice(member.getStart(), member.end)}`
    })
    return space + slice(start, members.pos) + hidden + open.join('') + slice(members.end, statement.end)
  }

  /** What a file passes on. */
  const passedBy = (file) => {
    const output = outputs.get(file)
    const lines = []
    const lists = new Map()
    for (const [as, entry] of file.passed) {
      if (!isKept(file, entry)) continue
      const [path, there, statement, element] = entry
      const comment = element && file.source.text.slice(element.pos, element.getStart()).trim()
      const add = (specifier, name) =>
        lists.set(specifier, [...(lists.get(specifier) ?? []), [comment && `\n${comment}\n`, name, as]])
      if (statement.moduleSpecifier === undefined) add('', inScope(file, there))
      else if (path === undefined) add(statement.moduleSpecifier.text, there)
      else if (element === undefined)
        lines.push(`export*as ${as} from'${output.specifier(outputs.get(byPath.get(path)))}'\n`)
      else {
        const [owner, name] = declared(byPath.get(path), there)
        if (owner.own.has(name)) add(output.specifier(outputs.get(owner)), nameOf(owner, name))
        else add(output.specifier(outputs.get(owner)), name)
      }
    }
    for (const [path, statement] of file.stars)
      if (file.kept.has(statement)) {
        const specifier =
          path === undefined ? statement.moduleSpecifier.text : output.specifier(outputs.get(byPath.get(path)))
        lines.push(`export*from'${specifier}'\n`)
      }
    for (const [specifier, elements] of lists)
      lines.push(`export{${passing(elements)}}${specifier && `from'${specifier}'`}\n`)
    return lines.join('')
  }

  for (const file of files) {
    const output = outputs.get(file)
    const kept = keptOf(file).filter(
      (statement) => !ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement),
    )
    const text = short(kept.map((statement) => textOf(file, statement)).join(''))
    for (const [path] of file.sides) {
      const other = path !== undefined && outputs.get(byPath.get(path))
      if (other && other !== output && !output.imports.has(output.specifier(other)))
        output.imports.set(output.specifier(other), [])
    }
    for (const { fileName } of file.source.libReferenceDirectives) output.libs.add(fileName)
    const passed = output === rest ? '' : passedBy(file)
    const isOpen = kept.some((statement) => namesOf(statement).length > 0 && !isExported(statement))
    // All of a module of declarations is exported if nothing says what is.
    if (output === rest || (!isOpen && passed === '' && kept.length > 0)) {
      const bare = text.replaceAll(/(?<=^|\*\/)export (?=type |interface )/gm, '')
      output.texts.push(bare.replaceAll(/(?<=^|\*\/)declare (?!module)/gm, 'export '))
    } else output.texts.push(text.trim() === '' ? '' : text, passed, isOpen || passed === '' ? 'export{}\n' : '')
  }
  for (const { texts, imports } of outputs.values())
    if (imports.size === 0 && !texts.some((text) => /(^|\*\/)export /m.test(text)))
      // The word makes it a module.
      texts[0] = texts[0]?.replace(/(?<=^|\*\/)(?=type |interface )/m, 'export ')
  return [...new Set(outputs.values())].map((output) => [relative(from, output.path), output.text])
}

// Divides a package into files, its units: main, which a program reads when it imports the package, and others, which it
// reads when it first touches one of their names. units.json lists files and folders of the sources by unit; what only one
// unit needs goes along with it; and what a source imports on demand, `import('./io/files.ts')`, is a unit of its own.
//
// Sources know nothing of this. Functions of another unit have a stand-in, whose first call reads the file and puts the
// function in its place, so that later calls cost nothing more; `export * as nn` is an object whose members do the same.
// Classes and constants have no stand-in: a unit that needs one reads the other unit first, and main must not need any.
//
// The file of a unit is one function, which gets what main exports and returns what others ask for. So there is one main,
// whoever reads the file and how, and in a browser, where bundlers put all files together, a unit waits as well.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import ts from 'typescript'

const runtime = join(import.meta.dirname, 'units-runtime.js')

/** Lists that name classes in bundles of the sources; in ours, classes name themselves. */
const isOfSources = (path) => basename(path) === 'class-names.ts'

/** What a module imports: `names` as the other module exports them, all as '*'; or `space`, its names as an object. */
const importsOf = (path) => {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022, true)
  const found = []
  const add = (specifier, rest) => {
    if (specifier?.startsWith('.') && !isOfSources(specifier))
      found.push({ to: resolve(dirname(path), specifier), ...rest })
  }
  const walk = (node) => {
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0].text, { onDemand: true, names: [] })
    ts.forEachChild(node, walk)
  }
  walk(source)
  for (const statement of source.statements) {
    const { importClause, exportClause, moduleSpecifier, isTypeOnly } = statement
    if (moduleSpecifier === undefined || isTypeOnly || importClause?.isTypeOnly) continue
    const named = importClause?.namedBindings ?? exportClause
    if (named === undefined) add(moduleSpecifier.text, { names: ts.isExportDeclaration(statement) ? ['*'] : [] })
    else if (named.elements === undefined) add(moduleSpecifier.text, { names: [], space: true })
    else {
      const names = named.elements
        .filter((each) => !each.isTypeOnly)
        .map((each) => (each.propertyName ?? each.name).text)
      if (names.length > 0) add(moduleSpecifier.text, { names })
    }
  }
  return found
}

/** The name of a unit that is imported on demand: its file's, or its folder's. */
const nameOf = (path) => basename(path.replace(/\/index\.ts$/, ''), '.ts')

/** The imports of each module that entries reach, and its unit. */
const divide = (entries, listed) => {
  const imports = new Map()
  const reach = (path) => {
    if (imports.has(path)) return
    imports.set(path, importsOf(path))
    for (const { to } of imports.get(path)) reach(to)
  }
  for (const entry of entries) reach(resolve(entry))
  const units = new Map()
  for (const [unit, parts] of Object.entries(listed))
    for (const path of imports.keys())
      if (parts.some((part) => path.startsWith(resolve('src', part)))) units.set(path, unit)
  const lists = [...units]
  const takeAlong = (path, unit) => {
    for (const { to, onDemand } of imports.get(path)) {
      if (onDemand || units.has(to)) continue
      units.set(to, unit)
      takeAlong(to, unit)
    }
  }
  for (const entry of entries) {
    units.set(resolve(entry), 'main')
    takeAlong(resolve(entry), 'main')
  }
  for (const [path, unit] of lists) takeAlong(path, unit)
  const onDemand = new Set([...imports.values()].flat().flatMap((each) => (each.onDemand ? [each.to] : [])))
  const alone = [...onDemand].filter((path) => !units.has(path))
  const within = (path, found = new Set()) => {
    if (units.has(path) || found.has(path)) return found
    found.add(path)
    for (const each of imports.get(path)) if (!each.onDemand) within(each.to, found)
    return found
  }
  // Those that share modules are one unit.
  const ofDemand = new Set()
  for (const [path, part] of alone.map((path) => [path, within(path)])) {
    const shared = [...part].map((each) => units.get(each)).find((unit) => unit !== undefined)
    const unit = shared ?? nameOf(path)
    ofDemand.add(unit)
    for (const each of part) units.set(each, unit)
  }
  return { imports, units, onDemand, ofDemand }
}

/** The exports of modules, by evaluating them. */
const evaluate = async (paths, options) => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-units-'))
  try {
    const outfile = join(folder, 'all.mjs')
    const contents = paths.map((path, i) => `export * as m${i} from ${JSON.stringify(path)}`).join('\n')
    await build({ ...options, minify: false, stdin: { contents, resolveDir: '.' }, outfile })
    const evaluated = await import(pathToFileURL(outfile).href)
    return new Map(paths.map((path, i) => [path, evaluated[`m${i}`]]))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const ofFunctions = ['length', 'name', 'prototype', 'arguments', 'caller', 'resolve']
/**
 * Whether a call is all that can be done with a value: it is neither a class nor a function with members, but for
 * `resolve`, a function of elementwise ones (overloads.ts), which has a stand-in, too.
 */
const isCallable = (value) =>
  typeof value === 'function' &&
  !/^class\b/.test(Function.prototype.toString.call(value)) &&
  Object.getOwnPropertyNames(value).every((name) => ofFunctions.includes(name))

/**
 * Builds the units of a package; `options` and `plugins` are esbuild's. Returns the text of each by its name, and
 * the names of those that a program may need at once. */
export const buildUnits = async (entries, listed, options, plugins) => {
  const { imports, units, onDemand, ofDemand } = divide(entries, listed)
  /** What units ask of modules of other units: `[unit, path, imports]`. */
  const asked = new Map()
  for (const [path, unit] of units) {
    for (const each of imports.get(path)) {
      if (each.onDemand || units.get(each.to) === unit) continue
      const key = `${unit} ${each.to}`
      asked.set(key, [unit, each.to, [...(asked.get(key)?.[2] ?? []), each]])
    }
  }
  // Namespaces in main of modules that do not need the one that asks.
  const needs = (path, other, seen = new Set()) =>
    path === other || (!seen.has(path) && seen.add(path) && imports.get(path).some(({ to }) => needs(to, other, seen)))
  const objects = new Set()
  for (const [path, unit] of units)
    for (const { to, space } of imports.get(path))
      if (space && unit === 'main' && units.get(to) === 'main' && !needs(to, path)) objects.add(to)
  const values = await evaluate([...new Set([...[...asked.values()].map(([, path]) => path), ...objects])], options)
  const valuesOf = (path) => Object.keys(values.get(path)).sort()

  /** What a unit gives to others: an export of a module, under a short name. */
  const given = new Map([...units.values()].map((unit) => [unit, new Map()]))
  let count = 0
  const giving = (unit, path, name) => {
    const key = `${name} of ${path}`
    if (!given.get(unit).has(key)) given.get(unit).set(key, { path, name, as: `$${(count++).toString(36)}` })
    return given.get(unit).get(key).as
  }
  const list = (names, each) => names.map(each).join(', ')

  // Modules that stand in for those of other units, by `UNIT PATH`. Main has all stand-ins, with which others begin.
  const texts = new Map()
  const spaces = new Set()
  const standIns = new Map()
  for (const [unit, path, all] of asked.values())
    if (unit === 'main' && all.some(({ space }) => space)) spaces.add(path)
  for (const [unit, path, all] of asked.values()) {
    const from = units.get(path)
    const isWhole = ({ names, space }) => names[0] === '*' || (space && !spaces.has(path))
    const names = [...new Set(all.flatMap((each) => (isWhole(each) ? valuesOf(path) : each.names)))]
    if (names.length === 0) continue
    const constant = names.find((name) => !isCallable(values.get(path)[name]))
    if (constant !== undefined && unit === 'main')
      throw new Error(`${path} is in unit ${from}, and main needs its ${constant}, which is no plain function`)
    if (from === 'main' || constant !== undefined) {
      const passed = list(names, (name) => `${giving(from, path, name)} as ${name}`)
      texts.set(`${unit} ${path}`, `export { ${passed} } from './${from}.js'`)
      continue
    }
    const filled = `(from) => void ({ ${list(names, (name) => `${giving(from, path, name)}: ${name}`)} } = from)`
    standIns.set(path, new Set([...(standIns.get(path) ?? []), ...names]))
    if (unit === 'main') continue
    const first = list(names, (name) => `${giving('main', `main ${path}`, name)} as $${name}`)
    texts.set(
      `${unit} ${path}`,
      `import { ${first}, $unit } from './main.js'
export let ${list(names, (name) => `${name} = $${name}`)}
$unit('${from}', ${filled})`,
    )
  }
  for (const [path, all] of standIns) {
    const unit = units.get(path)
    const lines = ["import { $standIns } from 'units-runtime'"]
    // Short lists, because a minifier does not break one.
    for (const rest = [...all]; rest.length > 0; ) {
      const names = rest.splice(0, 40)
      const keys = names.map((name) => {
        const isElementwise = values.get(path)[name].resolve !== undefined
        return `${giving(unit, path, name)}${isElementwise ? '!' : ''}`
      })
      lines.push(`export let [${names}] = $standIns('${unit}', (own) => void ([${names}] = own), '${keys.join(' ')}')`)
    }
    texts.set(`main ${path}`, lines.join('\n'))
  }
  for (const path of spaces) {
    // Many short texts, because a minifier does not break one.
    const names = valuesOf(path)
      .join(' ')
      .match(/.{1,120}(?: |$)/g)
    const args = [units.get(path), giving(units.get(path), path, '*'), ...names.map((each) => each.trim())]
    texts.set(
      `space ${path}`,
      `import { $space } from 'units-runtime'
export const space = $space(${list(args, (each) => JSON.stringify(each))})`,
    )
    giving('main', `space ${path}`, 'space')
  }
  const waiting = new Set([...standIns].flatMap(([path, names]) => [...names].map((name) => values.get(path)[name])))
  for (const path of objects) {
    const names = valuesOf(path)
    const members = `{ ${list(names, (name) => `${name}: $${name}`)} }`
    const waits = names.some((name) => waiting.has(values.get(path)[name]))
    texts.set(
      `object ${path}`,
      `import { ${list(names, (name) => `${name} as $${name}`)} } from ${JSON.stringify(path)}
import { $object } from 'units-runtime'
export const object = ${waits ? `$object(${members})` : members}`,
    )
  }

  const inUnit = (unit) => ({
    name: 'units',
    setup: ({ onResolve, onLoad }) => {
      const standIn = (path) => ({ path, namespace: 'unit' })
      const main = unit === 'main' ? undefined : { path: './main.js', external: true }
      onResolve({ filter: /^units-runtime$/ }, () => main ?? { path: runtime })
      onResolve({ filter: /^units:/ }, ({ path }) => ({ path: `./${path.slice(6)}.js`, external: true }))
      onResolve({ filter: /^(main|space|object) / }, ({ path }) => standIn(path))
      onResolve({ filter: /^\./ }, ({ path, resolveDir, namespace }) => {
        if (namespace === 'unit') return { path, external: true }
        if (isOfSources(path)) return standIn('nothing')
        const to = resolve(resolveDir, path)
        return [unit, undefined].includes(units.get(to)) ? undefined : standIn(`${unit} ${to}`)
      })
      onLoad({ filter: /./, namespace: 'unit' }, ({ path }) => ({ contents: texts.get(path) ?? '', resolveDir: '/' }))
    },
  })
  /** Namespaces that are spaces come from main, and what is imported on demand is a file that main reads. */
  const change = (path, text) => {
    const at = (specifier) => resolve(dirname(path), specifier)
    const unit = units.get(path)
    const named = text.replaceAll(
      /^(export|import) \* as (\w+) from "(\.[^"]+)";$/gm,
      (line, verb, name, specifier) => {
        const key = `space ${at(specifier)}`
        if (unit === 'main' && objects.has(at(specifier)))
          return `${verb} { object as ${name} } from ${JSON.stringify(`object ${at(specifier)}`)};`
        if (!spaces.has(at(specifier)) || (verb === 'import' && units.get(at(specifier)) === unit)) return line
        return unit === 'main'
          ? `${verb} { space as ${name} } from ${JSON.stringify(key)};`
          : `${verb} { ${giving('main', key, 'space')} as ${name} } from "units-runtime";`
      },
    )
    const demanded = named.replaceAll(/\bimport\("(\.[^"]+)"\)/g, (call, specifier) => {
      const other = units.get(at(specifier))
      return other === unit ? call : `$demand("${other}", () => import("units:${other}"))`
    })
    return demanded === named ? named : `import { $demand } from "units-runtime";\n${demanded}`
  }
  const entryOf = (unit) => {
    const all = unit === 'main' ? [...entries, runtime] : [...onDemand].filter((path) => units.get(path) === unit)
    const lines = all.map((path) => `export * from ${JSON.stringify(resolve(path))}`)
    for (const { path, name, as } of given.get(unit).values())
      lines.push(`export ${name === '*' ? `* as ${as}` : `{ ${name} as ${as} }`} from ${JSON.stringify(path)}`)
    return lines.join('\n')
  }
  /** In short lines. */
  const braces = (pairs) => `{${pairs.map(([key, value], i) => `${i % 16 === 15 ? '\n' : ''}${key}:${value}`)}}`
  const pairsOf = (names) =>
    names.split(',').flatMap((each) => (each.trim() === '' ? [] : [each.trim().split(/\s+as\s+/)]))
  /**
   * The text of a unit's file: imports become the parameters of a function, exports what it returns. What main gives is an
   * array, whose positions are shorter than names.
   */
  const asFunction = (text, ofMain) => {
    const parameters = new Map([['main', []]])
    const body = text
      .replaceAll(/\bimport\s*(?:\{([^}]*)\}\s*from\s*)?"\.\/(\w+)\.js";?/g, (_, names = '', from) => {
        parameters.set(from, [...(parameters.get(from) ?? []), ...pairsOf(names)])
        return ''
      })
      .replace(
        /\bexport\s*\{([^}]*)\};?\s*$/,
        (_, names) => `return${braces(pairsOf(names).map(([own, as = own]) => [as, own]))}`,
      )
    const [, ...needs] = parameters.keys()
    const given = [...parameters].map(([from, pairs]) =>
      braces(pairs.map(([name, own = name]) => [from === 'main' ? ofMain.indexOf(name) : name, own])),
    )
    return `export default{needs:${JSON.stringify(needs)},run:((${given})=>{${body}})}\n`
  }
  /** What main exports: its names and its own for them. The names of what it gives to units begin with a $. */
  const exportsOf = (text) => {
    const [, body, list] = /^(.*)\bexport\s*\{([^}]*)\};?\s*$/s.exec(text)
    const pairs = pairsOf(list).map(([own, as = own]) => [as, own])
    const isGiven = ([name]) => name.startsWith('$') && name !== '$readBy'
    return { body, given: pairs.filter(isGiven), exported: pairs.filter((pair) => !isGiven(pair)) }
  }
  /**
   * The text of main's file: a function that sets what the file exports. V8 looks up each name that a function uses among
   * the exports, one after the other, unless it finds the name before; and what main gives to units need not be exported.
   */
  const asMain = ({ body, given, exported }) => {
    const words = new Set(body.match(/[\w$]+/g))
    let tried = 0
    const short = () => {
      const name = `_${(tried++).toString(36)}`
      return words.has(name) ? short() : name
    }
    const variables = exported.map(([as, own]) => [short(), as, own])
    const lines = (list, between = ',') => list.map((each, i) => (i % 12 === 11 ? `\n${each}` : each)).join(between)
    const names = lines(variables.map(([name]) => name))
    const exports = lines(variables.map(([name, as]) => `${name} as ${as}`))
    const set = lines(
      variables.map(([name, , own]) => `${name}=${own}`),
      ';',
    )
    const toUnits = lines(given.map(([, own]) => own))
    // In parentheses, because V8 then compiles a function together with what is around it.
    const end = `${new Map(given).get('$main')}(()=>[${toUnits}],(function(){${set}}))`
    return `var ${names};export{${exports}};(function(){${body}\n${end}})()\n`
  }
  const built = [...given.keys()].map(async (unit) => {
    const { outputFiles } = await build({
      ...options,
      stdin: { contents: entryOf(unit), resolveDir: resolve('.') },
      outfile: `${unit}.js`,
      write: false,
      plugins: [inUnit(unit), ...plugins(change)],
    })
    return [unit, outputFiles[0].text]
  })
  const files = new Map(await Promise.all(built))
  // A minifier does not break lists of names.
  const main = exportsOf(files.get('main').replaceAll(';var[', ';\nvar['))
  const ofMain = main.given.map(([name]) => name)
  for (const [unit, text] of files) files.set(unit, unit === 'main' ? asMain(main) : asFunction(text, ofMain))
  const names = [...given.keys()].filter((unit) => unit !== 'main' && !ofDemand.has(unit))
  return { texts: files, names }
}

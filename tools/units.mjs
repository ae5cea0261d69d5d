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
import { identifiersIn, inLines, isVariable } from './minified.mjs'

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
    if (named === undefined && ts.isExportDeclaration(statement)) add(moduleSpecifier.text, { names: ['*'] })
    else if (named === undefined) add(moduleSpecifier.text, { names: [], forEffect: true })
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
      if (each.forEffect && unit === 'main')
        throw new Error(`${each.to} is in unit ${units.get(each.to)}, and main imports it for what it does`)
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

  /** What a unit gives to others, as an array: exports of modules. The bundler knows them as $0, $1 and so on. */
  const given = new Map([...units.values()].map((unit) => [unit, new Map()]))
  const placeOf = (unit, path, name) => {
    const all = given.get(unit)
    const key = `${name} of ${path}`
    if (!all.has(key)) all.set(key, { path, name, place: all.size })
    return all.get(key).place
  }
  const giving = (...names) => `$${placeOf(...names)}`
  const list = (names, each) => names.map(each).join(', ')

  // Modules that stand in for those of other units, by `UNIT PATH`. Main has all stand-ins, with which others begin.
  const texts = new Map()
  const spaces = new Set()
  const standIns = new Map()
  for (const [unit, path, all] of asked.values())
    if (unit === 'main' && all.some(({ space }) => space)) spaces.add(path)
  /** The unit that others read first, because most programs need it. */
  const [first] = Object.keys(listed)
  const links = [...asked.values()].map(([unit, path, all]) => {
    const from = units.get(path)
    const isWhole = ({ names, space }) => names[0] === '*' || (space && !spaces.has(path))
    const names = [...new Set(all.flatMap((each) => (isWhole(each) ? valuesOf(path) : each.names)))]
    const constant = names.find((name) => !isCallable(values.get(path)[name]))
    if (constant !== undefined && unit === 'main')
      throw new Error(`${path} is in unit ${from}, and main needs its ${constant}, which is no plain function`)
    const waits = from !== 'main' && constant === undefined && (from !== first || unit === 'main')
    if (waits) standIns.set(path, new Set([...(standIns.get(path) ?? []), ...names]))
    return { unit, path, from, names, waits }
  })
  // What most units ask of main has its first places: they take fewer digits, and lists of them fewer commas.
  const times = new Map()
  for (const { unit, path, from, names, waits } of links) {
    if (unit === 'main' || (from !== 'main' && !waits)) continue
    for (const name of names) {
      const key = JSON.stringify([waits ? `main ${path}` : path, name])
      times.set(key, (times.get(key) ?? 0) + 1)
    }
  }
  const runtimeNames = ['$demand', '$named', '$unit']
  for (const name of runtimeNames) times.set(JSON.stringify([runtime, name]), units.size)
  for (const [key] of [...times].sort(([, a], [, b]) => b - a)) placeOf('main', ...JSON.parse(key))

  // The stand-ins of a unit have its first places, in lists of 40, because a minifier does not break a list.
  for (const unit of new Set(units.values())) {
    const all = [...standIns].flatMap(([path, names]) =>
      units.get(path) === unit ? [...names].map((name) => ({ path, name, place: placeOf(unit, path, name) })) : [],
    )
    const lines = ["import { $standIns } from 'units-runtime'"]
    for (const rest = all; rest.length > 0; ) {
      const some = rest.splice(0, 40)
      const names = some.map(({ place }) => `$${place}`)
      const isElementwise = some.map(({ path, name }) => values.get(path)[name].resolve !== undefined)
      const elementwise = isElementwise.flatMap((is, i) => (is ? [i] : []))
      const args = [`'${unit}'`, `(own) => void ([${names}] = own)`, some[0].place, some.length, ...elementwise]
      lines.push(`export let [${names}] = $standIns(${args})`)
    }
    texts.set(`stand-ins ${unit}`, lines.join('\n'))
  }
  for (const [path, all] of standIns) {
    const from = units.get(path)
    const names = list([...all], (name) => `${giving(from, path, name)} as ${name}`)
    texts.set(`main ${path}`, `export { ${names} } from 'stand-ins ${from}'`)
  }
  for (const { unit, path, from, names, waits } of links) {
    if (names.length === 0 || (waits && unit === 'main')) continue
    if (!waits) {
      const passed = list(names, (name) => `${giving(from, path, name)} as ${name}`)
      texts.set(`${unit} ${path}`, `export { ${passed} } from './${from}.js'`)
      continue
    }
    const filled = `(from) => void ({ ${list(names, (name) => `${placeOf(from, path, name)}: ${name}`)} } = from)`
    const beginning = list(names, (name) => `${giving('main', `main ${path}`, name)} as $${name}`)
    texts.set(
      `${unit} ${path}`,
      `import { ${beginning} } from './main.js'
import { $unit } from 'units-runtime $unit'
export let ${list(names, (name) => `${name} = $${name}`)}
$unit('${from}', ${filled})`,
    )
  }
  for (const path of spaces) {
    // Many short texts, because a minifier does not break one.
    const names = valuesOf(path)
      .join(' ')
      .match(/.{1,120}(?: |$)/g)
    const args = [units.get(path), placeOf(units.get(path), path, '*'), ...names.map((each) => each.trim())]
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

  // A name is a module for all files of a unit, so that the unit takes it once, if at all.
  for (const name of runtimeNames)
    texts.set(`units-runtime ${name}`, `export { ${giving('main', runtime, name)} as ${name} } from './main.js'`)
  const inUnit = (unit) => ({
    name: 'units',
    setup: ({ onResolve, onLoad }) => {
      const standIn = (path) => ({ path, namespace: 'unit' })
      const main = { path: './main.js', external: true }
      onResolve({ filter: /^units-runtime/ }, ({ path }) => (unit === 'main' ? { path: runtime } : standIn(path)))
      onResolve({ filter: /^units-main$/ }, () => main)
      onResolve({ filter: /^units:/ }, ({ path }) => ({ path: `./${path.slice(6)}.js`, external: true }))
      onResolve({ filter: /^(main|space|object|stand-ins) / }, ({ path }) => standIn(path))
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
          : `${verb} { ${giving('main', key, 'space')} as ${name} } from "units-main";`
      },
    )
    const demanded = named.replaceAll(/\bimport\("(\.[^"]+)"\)/g, (call, specifier) => {
      const other = units.get(at(specifier))
      return other === unit ? call : `$demand("${other}", () => import("units:${other}"))`
    })
    // Main has what every unit needs of the runtime, once.
    const needs = [
      demanded === named ? '' : 'import { $demand } from "units-runtime $demand";\n',
      unit !== 'main' && text.includes('__named(') ? 'import { $named as __named } from "units-runtime $named";\n' : '',
    ]
    return needs.join('') + demanded
  }
  const entryOf = (unit) => {
    const all = unit === 'main' ? [...entries, runtime] : [...onDemand].filter((path) => units.get(path) === unit)
    const lines = all.map((path) => `export * from ${JSON.stringify(resolve(path))}`)
    for (const { path, name, place } of given.get(unit).values())
      lines.push(`export ${name === '*' ? `* as $${place}` : `{ ${name} as $${place} }`} from ${JSON.stringify(path)}`)
    return lines.join('\n')
  }
  const braces = (pairs) => `{${inLines(pairs.map(([key, value]) => `${key}:${value}`))}}`
  const pairsOf = (names) =>
    names.split(',').flatMap((each) => {
      const [own, as = own] = each.trim().split(/\s+as\s+/)
      return own === '' ? [] : [[own, as]]
    })
  const isPlace = (name) => /^\$\d+$/.test(name)
  /** What a file gives to others: an array in the order of places, then what it exports by name. */
  const asGiven = (pairs) => {
    const places = []
    for (const [own, as] of pairs) if (isPlace(as)) places[as.slice(1)] = own
    const named = pairs.filter(([, as]) => !isPlace(as)).map(([own, as]) => [as, own])
    const list = `[${inLines(places)}]`
    return named.length === 0 ? list : `Object.assign(${list},${braces(named)})`
  }
  /** The text of a unit's file: imports become the parameters of a function, exports what it returns. */
  const asFunction = (text) => {
    const parameters = new Map([['main', []]])
    const body = text
      .replaceAll(/\bimport\s*(?:\{([^}]*)\}\s*from\s*)?"\.\/(\w+)\.js";?/g, (_, names = '', from) => {
        parameters.set(from, [...(parameters.get(from) ?? []), ...pairsOf(names)])
        return ''
      })
      .replace(/\bexport\s*\{([^}]*)\};?\s*$/, (_, names) => `return ${asGiven(pairsOf(names))}`)
    const [, ...needs] = parameters.keys()
    /** Places as an object's keys, or with a comma for each that is left out, whichever is shorter. */
    const taken = [...parameters.values()].map((pairs) => {
      const list = []
      for (const [as, own] of pairs) list[as.slice(1)] = own
      const forms = [braces(pairs.map(([as, own]) => [as.slice(1), own])), `[${inLines(list)}]`]
      return forms.sort((a, b) => a.length - b.length)[0]
    })
    return `export default{needs:${JSON.stringify(needs)},run:((${taken})=>{${body}})}\n`
  }
  /**
   * The text of main's file: a function that sets what the file exports. V8 looks up each name that a function uses among
   * the exports, one after the other, unless it finds the name before; and what main gives to units need not be exported.
   */
  const asMain = (text) => {
    const [, body, list] = /^(.*)\bexport\s*\{([^}]*)\};?\s*$/s.exec(text)
    const pairs = pairsOf(list)
    const isExported = ([, as]) => !as.startsWith('$') || as === '$readBy'
    const taken = identifiersIn(body)
    let tried = 0
    const short = () => {
      const name = `_${(tried++).toString(36)}`
      return taken.has(name) ? short() : name
    }
    // A variable has the name that it exports, if the function has no other use for that name and no other takes less.
    const variableFor = (name) => (taken.has(name) || name.length > 13 || !isVariable(name) ? short() : name)
    const exported = pairs.filter(isExported).map(([own, as]) => [variableFor(as), as, own])
    const [named, renamed] = [true, false].map((is) => exported.filter(([name, as]) => (name === as) === is))
    const variables = (some) => inLines(some.map(([name]) => name))
    const exports = inLines(renamed.map(([name, as]) => `${name} as ${as}`))
    const set = inLines(
      exported.map(([name, , own]) => `${name}=${own}`),
      ';',
    )
    const toUnits = asGiven(pairs.filter(([, as]) => isPlace(as)))
    const [start] = pairs.find(([, as]) => as === '$main')
    // In parentheses, because V8 then compiles a function together with what is around it.
    const end = `${start}(()=>(${toUnits}),(function(){${set}}))`
    return `export var ${variables(named)};var ${variables(renamed)};export{${exports}};(function(){${body}\n${end}})()\n`
  }
  const built = [...given.keys()].map(async (unit) => {
    const { outputFiles } = await build({
      ...options,
      stdin: { contents: entryOf(unit), resolveDir: resolve('.') },
      outfile: `${unit}.js`,
      write: false,
      plugins: [inUnit(unit), ...plugins(change)],
    })
    const [{ text }] = outputFiles
    // A minifier does not break lists of names.
    return [unit, unit === 'main' ? asMain(text.replaceAll(';var[', ';\nvar[')) : asFunction(text)]
  })
  const files = new Map(await Promise.all(built))
  const names = [...given.keys()].filter((unit) => unit !== 'main' && !ofDemand.has(unit))
  return { texts: files, names }
}

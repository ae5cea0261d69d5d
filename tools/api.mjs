// API reports: the public API of each entry point as text, checked in under packages/*/etc, so that every change of it
// is reviewed. In a package's folder, `node ../../tools/api.mjs` compares; `pnpm api` (--update) rewrites all reports.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import { mergedMembers, programOf } from './api-members.mjs'
import { build } from './build.mjs'
import { published, readArgs, readJson, root } from './lib.mjs'

const quiet = { default: { logLevel: 'none' } }

const configOf = (folder, entry, name, temp) => {
  const projectFolder = join(root, 'packages', folder)
  return ExtractorConfig.prepare({
    configObject: {
      projectFolder,
      mainEntryPointFilePath: join(projectFolder, entry),
      compiler: {
        overrideTsconfig: {
          extends: join(root, 'tsconfig.base.json'),
          // Reports describe the published packages, so they read other packages as users do.
          compilerOptions: { customConditions: [], composite: false, types: ['node'] },
          files: [join(projectFolder, entry)],
        },
      },
      newlineKind: 'lf',
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: join(projectFolder, 'etc'),
        reportTempFolder: temp,
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        extractorMessageReporting: quiet,
        tsdocMessageReporting: quiet,
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(projectFolder, 'package.json'),
  })
}

/** The declarations of a package are read once for all its entry points. */
const once = (make) => {
  const made = new Map()
  return (folder, ...more) => {
    if (!made.has(folder)) {
      const entries = entryPoints(folder).map(({ entry }) => join(root, 'packages', folder, entry))
      made.set(folder, make(entries, ...more))
    }
    return made.get(folder)
  }
}
const compilerOf = once((additionalEntryPoints, config) => CompilerState.create(config, { additionalEntryPoints }))
const membersOf = once(programOf)

const report = (folder, entry, name, temp, update) => {
  const config = configOf(folder, entry, name, temp)
  mkdirSync(config.reportFolder, { recursive: true })
  let lines = ''
  const { succeeded, apiReportChanged } = Extractor.invoke(config, {
    compilerState: compilerOf(folder, config),
    localBuild: update,
    messageCallback: (message) => {
      message.handled = true
      // The message would name a file in a folder that has been removed by then.
      if (message.messageId.startsWith('console-api-report')) return
      if (message.logLevel === 'error' || message.logLevel === 'warning') lines += `${message.text}\n`
    },
  })
  return { succeeded, apiReportChanged, lines }
}

/** Compares a report made here with the one checked in; returns the same kind of result as api-extractor. */
const compare = (folder, file, text, update) => {
  const path = join(root, 'packages', folder, 'etc', file)
  const apiReportChanged = text !== (existsSync(path) ? readFileSync(path, 'utf8') : '')
  if (apiReportChanged && update) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  return { succeeded: true, apiReportChanged, lines: '' }
}

/** The second report of an entry point, if it has merged members. */
const reportMembers = (folder, entry, name, update) => {
  const members = mergedMembers(
    membersOf(folder),
    join(root, 'packages', folder, entry),
    join(root, 'packages', folder),
  )
  // A mapped type that could not follow a function's type gives never, a method that nobody can call.
  const broken = members.filter((line) => line.endsWith(': never'))
  if (broken.length > 0) return { succeeded: false, apiReportChanged: false, lines: broken.join('\n') }
  return compare(folder, `${name}.members.txt`, members.map((line) => `${line}\n`).join(''), update)
}

/**
 * api-extractor cannot re-export a class with merged members from another package, so a package that is little more
 * than `export * from` another one is reported as its declaration file stands.
 */
const passesOn = (declarations) => /^export \* from '@flambeau\//m.test(declarations)
const reportText = (folder, entry, name, update) => {
  const declarations = readFileSync(join(root, 'packages', folder, entry), 'utf8')
  const heading = `## API of ${name}: its declaration file\n\n`
  return compare(folder, `${name}.api.md`, `${heading}\`\`\`ts\n${declarations.trimEnd()}\n\`\`\`\n`, update)
}
const reportEntry = (folder, entry, name, temp, update) =>
  passesOn(readFileSync(join(root, 'packages', folder, entry), 'utf8'))
    ? reportText(folder, entry, name, update)
    : report(folder, entry, name, temp, update)

/** What a bundled package publishes is as short as it can be; what tsc wrote says the same and is easier to read. */
const asWritten = (folder, entry) => {
  const written = join(root, 'packages', folder, '.tsc')
  return existsSync(written) ? entry.replace(/^\.\/dist/, './.tsc') : entry
}

/**
 * Every entry point of a package has its own report: core.api.md, core.backend.api.md. That of all of core shows what its
 * public part has.
 */
const entryPoints = (folder) =>
  Object.entries(readJson('packages', folder, 'package.json').exports)
    .filter(([subpath, target]) => target.types && subpath !== './public')
    .map(([subpath, target]) => ({
      entry: asWritten(folder, target.types),
      name: [folder, ...subpath.split('/').slice(1)].join('.'),
    }))

const usage = `node tools/api.mjs             in a package's folder: compares its API reports with what was built
node tools/api.mjs --update    builds, and writes all API reports anew`
const { update = false } = readArgs(usage, { options: { update: { type: 'boolean' } } }).values
if (update) process.exitCode = (await build(undefined, { inherit: true })).code
const here = basename(process.cwd())
const folders = update
  ? published
  : published.filter((name) => name === here && basename(dirname(process.cwd())) === 'packages')
const temp = mkdtempSync(join(tmpdir(), 'flambeau-api-'))
try {
  for (const folder of process.exitCode ? [] : folders) {
    for (const { entry, name } of entryPoints(folder)) {
      const results = {
        [`${name}.api.md`]: reportEntry(folder, entry, name, temp, update),
        [`${name}.members.txt`]: reportMembers(folder, entry, name, update),
      }
      for (const [file, { succeeded, apiReportChanged, lines }] of Object.entries(results)) {
        if (update && apiReportChanged) console.log(`packages/${folder}/etc/${file} written`)
        if (succeeded && (update || !apiReportChanged)) continue
        console.error(`The API differs from packages/${folder}/etc/${file}; to see the change: pnpm api`)
        if (lines) console.error(lines.trimEnd())
        process.exitCode = 1
      }
    }
  }
} finally {
  rmSync(temp, { recursive: true })
}

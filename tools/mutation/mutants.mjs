// Lists the mutants that Stryker would make, so that a sample of them can be chosen; Stryker has no sampling of its
// own.
import { readFile } from 'node:fs/promises'
import { createInstrumenter } from '@stryker-mutator/instrumenter'
import { commonTokens } from '@stryker-mutator/api/plugin'
import { globSync } from 'tinyglobby'
import { createInjector } from 'typed-inject'

/** Strings are not mutated: most are hints after an error's sentence, and the sentences are compared with PyTorch's. */
export const excludedMutations = ['StringLiteral']

const silent = {
  isDebugEnabled: () => false,
  debug() {},
  info() {},
  warn() {},
}

const instrument = async (files) =>
  createInjector()
    .provideValue(commonTokens.logger, silent)
    .injectFunction(createInstrumenter)
    .instrument(
      await Promise.all(files.map(async (file) => ({ ...file, content: await readFile(file.name, 'utf8') }))),
      { plugins: null, excludedMutations, ignorers: [], mutationRange: [] },
    )

const keyOf = ({ fileName, location: { start, end }, replacement }) =>
  `${fileName}:${start.line}:${start.column}-${end.line}:${end.column}:${replacement}`

export async function mutantsOf(patterns) {
  const { mutants } = await instrument(
    globSync(patterns)
      .sort()
      .map((name) => ({ name, mutate: true })),
  )
  // Excluded mutants are found nevertheless. A block of many lines tells little, because every test that needs it
  // fails.
  return mutants.filter(
    ({ mutatorName, status, location: { start, end } }) =>
      status !== 'Ignored' && (mutatorName !== 'BlockStatement' || end.line - start.line < 8),
  )
}

/** The sources with these mutants in them, each off until its id is switched on. */
export async function instrumented(chosen) {
  const names = [...new Set(chosen.map(({ fileName }) => fileName))]
  const { files, mutants } = await instrument(
    names.map((name) => ({
      name,
      mutate: chosen.filter(({ fileName }) => fileName === name).map(({ location }) => location),
    })),
  )
  const wanted = new Set(chosen.map(keyOf))
  return { files, mutants: mutants.filter((mutant) => wanted.has(keyOf(mutant))) }
}

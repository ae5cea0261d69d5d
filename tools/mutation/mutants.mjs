// The mutants that Stryker would make, so that some of them can be chosen: it has no sampling of its own.
import { readFile } from 'node:fs/promises'
import { createInstrumenter } from '@stryker-mutator/instrumenter'
import { commonTokens } from '@stryker-mutator/api/plugin'
import { globSync } from 'tinyglobby'
import { createInjector } from 'typed-inject'

/** Texts are not mutated: most are hints after an error's sentence, and the sentences are compared with PyTorch's. */
export const excludedMutations = ['StringLiteral']

const silent = {
  isDebugEnabled: () => false,
  debug() {},
  info() {},
  warn() {},
}

export async function mutantsOf(patterns) {
  const instrumenter = createInjector().provideValue(commonTokens.logger, silent).injectFunction(createInstrumenter)
  const names = globSync(patterns).sort()
  const files = await Promise.all(
    names.map(async (name) => ({ name, mutate: true, content: await readFile(name, 'utf8') })),
  )
  const found = await instrumenter.instrument(files, {
    plugins: null,
    excludedMutations,
    ignorers: [],
    mutationRange: [],
  })
  // Those that are excluded are found all the same. Ranges choose: one that holds most of a file would choose all of it.
  return found.mutants.filter(
    ({ mutatorName, status, location: { start, end } }) =>
      status !== 'Ignored' && (mutatorName !== 'BlockStatement' || end.line - start.line < 8),
  )
}

/** So many of them, evenly over the list, so that every file has its share; the seed says where in each stretch. */
export function sampled(mutants, count, seed) {
  if (count >= mutants.length) return mutants
  let state = seed + 1
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const stretch = mutants.length / count
  return Array.from({ length: count }, (_, i) => mutants[Math.floor((i + random()) * stretch)])
}

// One Vitest, which runs the files of every message it gets, under the state that the message gives for `setup.mjs`.
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createVitest } from 'vitest/node'

const { include, only, bail } = JSON.parse(process.argv[2])
/** The results of this run. Vitest's own result includes what it remembers of earlier runs. */
let tests = []
let beat = 0
function alive() {
  if (Date.now() - beat < 500) return
  beat = Date.now()
  process.send({ alive: true })
}
function ended(test) {
  alive()
  const { state, errors } = test.result()
  const error = errors?.[0]?.message.split('\n')[0]
  tests.push({ file: test.module.moduleId, name: test.fullName, state, error, time: test.diagnostic()?.duration ?? 0 })
}
const vitest = await createVitest('test', {
  watch: false,
  include,
  setupFiles: [join(dirname(fileURLToPath(import.meta.url)), 'setup.mjs')],
  bail,
  // Sources with mutants are slow, and the caller limits the time.
  testTimeout: 0,
  hookTimeout: 0,
  fileParallelism: false,
  // Runs files in the given order.
  sequence: {
    sequencer: class {
      shard = (files) => files
      sort = (files) => files
    },
  },
  reporters: [{ onTestModuleStart: alive, onTestCaseResult: ended }],
})
const found = (await vitest.globTestSpecifications()).filter(({ moduleId }) => new RegExp(only).test(moduleId))
const specifications = new Map(found.map((one) => [one.moduleId, one]))
process.on('message', async ({ state, files }) => {
  writeFileSync(process.env.MUTATION_STATE, JSON.stringify(state))
  const chosen = (files ?? [...specifications.keys()]).map((name) => specifications.get(name))
  tests = []
  const run = await vitest.runTestSpecifications(chosen)
  const ids = new Set(chosen.map(({ moduleId }) => moduleId))
  const testModules = run.testModules.filter(({ moduleId }) => ids.has(moduleId))
  const errors = [
    ...[...run.unhandledErrors, ...testModules.flatMap((module) => [...module.errors()])].map(
      ({ message }) => message.split('\n')[0],
    ),
    ...testModules.filter((module) => !module.ok()).map(({ moduleId }) => `a hook of ${moduleId}`),
  ]
  process.send({ tests, errors })
})
process.send({ ready: true })

// One Vitest, which runs the files of every message it gets, under the state that the message brings for `setup.mjs`.
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createVitest } from 'vitest/node'

const { include, only, bail } = JSON.parse(process.argv[2])
let beat = 0
const alive = () => {
  if (Date.now() - beat < 500) return
  beat = Date.now()
  process.send({ alive: true })
}
const vitest = await createVitest('test', {
  watch: false,
  include,
  setupFiles: [join(dirname(fileURLToPath(import.meta.url)), 'setup.mjs')],
  bail,
  // Sources with mutants in them are slow, and the one who asks counts the time.
  testTimeout: 0,
  hookTimeout: 0,
  fileParallelism: false,
  // Files are run in the order in which they are given.
  sequence: {
    sequencer: class {
      shard = (files) => files
      sort = (files) => files
    },
  },
  reporters: [{ onTestModuleStart: alive, onTestCaseResult: alive }],
})
const found = (await vitest.globTestSpecifications()).filter(({ moduleId }) => new RegExp(only).test(moduleId))
const specifications = new Map(found.map((one) => [one.moduleId, one]))
process.on('message', async ({ state, files }) => {
  writeFileSync(process.env.MUTATION_STATE, JSON.stringify(state))
  const chosen = (files ?? [...specifications.keys()]).map((name) => specifications.get(name))
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(chosen)
  const tests = testModules.flatMap((module) =>
    [...module.children.allTests()].map((test) => ({
      file: module.moduleId,
      name: test.fullName,
      state: test.result().state,
      error: test.result().errors?.[0]?.message.split('\n')[0],
      time: test.diagnostic()?.duration ?? 0,
    })),
  )
  const errors = [...unhandledErrors, ...testModules.flatMap((module) => [...module.errors()])].map(
    ({ message }) => message.split('\n')[0],
  )
  process.send({ tests, errors })
})
process.send({ ready: true })

// Runs in every worker before a test file: switches on the mutant, skips the tests that do not reach it, and in the run
// without mutants records which test reaches which.
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeEach, expect } from 'vitest'
import { coverageFile } from './runner.mjs'

const { mutant, hitLimit, tests, packages, coverage } = JSON.parse(readFileSync(process.env.MUTATION_STATE, 'utf8'))
const stryker = (globalThis.__stryker__ ??= {})
stryker.mutantCoverage = { static: {}, perTest: {} }
stryker.activeMutant = mutant
if (mutant !== undefined) Object.assign(stryker, { hitCount: 0, hitLimit })
// Code reached now runs when a module is loaded; code reached before the first test runs while tests are described.
if (coverage !== undefined) for (const name of packages) await import(/* @vite-ignore */ name)

const file = expect.getState().testPath
const nameOf = (task) =>
  task.suite === undefined || task.suite === task.file ? task.name : `${nameOf(task.suite)} > ${task.name}`

stryker.currentTestId = file
const reaching = tests?.[file]
beforeEach(({ task, skip }) => {
  const name = nameOf(task)
  if (Array.isArray(reaching) && !reaching.includes(name)) skip()
  stryker.currentTestId = `${file}\n${name}`
})
afterEach(() => {
  stryker.currentTestId = file
})
afterAll(() => {
  if (coverage !== undefined) writeFileSync(coverageFile(coverage, file), JSON.stringify(stryker.mutantCoverage))
})

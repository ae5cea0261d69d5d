// A vitest reporter that only counts, for the last line of `npm test`, and names what failed, for the lines before it. Errors
// outside of any test count as failures.
import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'

export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    if (!process.env.FLAMBEAU_COUNTS) return
    const counts = { passed: 0, failed: 0, skipped: 0, failures: [] }
    const fail = (name, [error] = []) => {
      counts.failed++
      counts.failures.push(`${name}: ${String(error?.message ?? error ?? 'failed').split('\n', 1)}`)
    }
    for (const error of unhandledErrors) fail('outside of any test', [error])
    for (const module of modules) {
      const before = counts.failed
      const file = relative(process.cwd(), module.moduleId)
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result()
        if (state === 'failed' || state === 'pending') fail(`${file} > ${test.fullName}`, errors)
        else counts[state]++
      }
      // A file that could not be loaded, or a hook that threw, fails without a failed test.
      if (module.state() === 'failed' && counts.failed === before) fail(file, module.errors())
    }
    writeFileSync(process.env.FLAMBEAU_COUNTS, JSON.stringify(counts))
  }
}

// A vitest reporter that only counts, for the last line of `npm test`. Errors outside of any test count as failures.
import { writeFileSync } from 'node:fs'

export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    if (!process.env.FLAMBEAU_COUNTS) return
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      let failedTests = 0
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'failed') failedTests++
        counts[state === 'pending' ? 'failed' : state]++
      }
      // A file that could not be loaded, or a hook that threw, fails without a failed test.
      if (module.state() === 'failed' && failedTests === 0) counts.failed++
    }
    writeFileSync(process.env.FLAMBEAU_COUNTS, JSON.stringify(counts))
  }
}

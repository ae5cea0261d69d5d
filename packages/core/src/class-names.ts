// Classes keep their names when a bundler shortens them, ours or a user's: reprs, error classes and messages print them.
import { setClassNames } from './base/class-name.ts'
import * as errors from './base/errors.ts'
import * as nn from './nn/index.ts'
import * as optim from './optim/index.ts'

setClassNames(() => {
  for (const exported of [errors, nn, optim, optim.lrScheduler]) {
    for (const [name, value] of Object.entries(exported)) {
      if (typeof value === 'function' && /^[A-Z]/.test(name)) {
        Object.defineProperty(value, 'name', { value: name, configurable: true })
      }
    }
  }
})

// The classes that reprs, error classes and messages name.
import { nameClasses } from './base/class-name.ts'
import * as errors from './base/errors.ts'
import * as nn from './nn/index.ts'
import * as optim from './optim/index.ts'

for (const classes of [errors, nn, optim, optim.lrScheduler, optim.swaUtils]) nameClasses(classes)

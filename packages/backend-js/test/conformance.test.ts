import { describeBackend } from '@flambeau/backend-conformance'
import { js } from '../src/index.ts'

describeBackend(() => js(), { skip: [] })

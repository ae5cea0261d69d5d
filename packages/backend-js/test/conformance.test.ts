import { describeBackend } from '@flambeau/backend-conformance'
import { freeing } from '../../core/src/tensor/effects.ts'
import { js } from '../src/index.ts'

// Compositions and backward passes free small tensors as they do large ones, so that every op's gradients meet it.
freeing.from = 0
describeBackend(() => js(), { skip: [] })

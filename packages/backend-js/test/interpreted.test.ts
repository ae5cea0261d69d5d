// The backend on a page that forbids making functions from text: it interprets expressions, with the same results.
import { describeBackend } from '@flambeau/backend-conformance'
import { expect, it } from 'vitest'

const allowed = globalThis.Function
globalThis.Function = function forbidden() {
  throw new EvalError('refused by the content security policy')
} as unknown as FunctionConstructor
const { js } = await import('../src/index.ts')
const { mayCompile } = await import('../src/kernels/map.ts')
globalThis.Function = allowed

it('the page forbids it', () => {
  expect(mayCompile).toBe(false)
  expect(js().compile).toBeUndefined()
})

describeBackend(() => js(), { level: 'kernels' })

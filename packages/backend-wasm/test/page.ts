// The conformance suite in a page, on its main thread or in a worker, which runs the same script.
import { js } from '@flambeau/backend-js'
import { report, setFallback, useDevice } from '@flambeau/core'
import { CheckedBackend } from '@flambeau/core/backend'
import { type CellOptions, cellsOf } from '../../backend-conformance/src/cells.ts'
import { wasm } from '../src/index.ts'

export interface Run {
  /** The address of the module. */
  readonly module: string
  readonly place: 'main thread' | 'worker'
  readonly options: CellOptions
}
/** The results of the cells. */
export interface Outcome {
  readonly passed: number
  readonly failed: readonly string[]
  readonly fallbacks: readonly string[]
}

/** What this script uses of a page and of a worker; the types of the two conflict. */
interface Scope {
  readonly document?: object
  onmessage: ((event: { readonly data: Run }) => void) | null
  postMessage(outcome: Outcome): void
  setImmediate?: unknown
  readonly Worker: new (
    address: string,
    options: object,
  ) => {
    onmessage: ((event: { readonly data: Outcome }) => void) | null
    onerror: ((event: { readonly message: string }) => void) | null
    postMessage(run: Run): void
  }
}
const scope = globalThis as unknown as Scope

// The suite's own check of memory waits for collections with it.
scope.setImmediate ??= (resolve: () => void) => setTimeout(resolve)

const here = async ({ module, options }: Run): Promise<Outcome> => {
  setFallback(js())
  const checked = new CheckedBackend(await wasm({ module }))
  let passed = 0
  const failed: string[] = []
  for (const { name, run } of cellsOf(checked, options)) {
    useDevice(checked)
    await run().then(
      () => passed++,
      (error: Error) => failed.push(`${name}: ${error.message}`),
    )
  }
  return { passed, failed, fallbacks: Object.keys(report()).filter((name) => name.startsWith('wasm')) }
}

const conformance = (run: Run): Promise<Outcome> =>
  run.place === 'main thread'
    ? here(run)
    : new Promise((resolve, reject) => {
        const worker = new scope.Worker('bundle.js', { type: 'module' })
        worker.onmessage = ({ data }) => resolve(data)
        worker.onerror = ({ message }) => reject(new Error(message))
        worker.postMessage(run)
      })

if (scope.document === undefined) scope.onmessage = async ({ data }) => scope.postMessage(await here(data))
else Object.assign(globalThis, { conformance })

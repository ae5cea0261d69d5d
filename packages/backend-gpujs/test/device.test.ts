// The device in a real browser: a lost context, reads that wait, large products, a worker, a content security policy.
import { beforeAll, expect } from 'vitest'
import { inPage } from '../../../tools/test/browser.ts'
import { chromiumMissing, testWith } from '../../../tools/test/machine.ts'
import { scriptOf } from '../../../tools/test/page-script.ts'

let script = ''
beforeAll(async () => {
  script = await scriptOf(new URL('page-device.ts', import.meta.url))
})

const args = ['--enable-unsafe-swiftshader']
type Page = Parameters<Parameters<typeof inPage>[1]>[0]

/**
 * Calls a function of the page in a separate turn, because the page's policy does not apply to calls by the debugger.
 */
const call = (page: Page, name: string, argument?: string): Promise<unknown> =>
  page.evaluate(
    ([name, argument]: (string | undefined)[]) =>
      new Promise((resolve) => {
        const { [name as string]: work } = globalThis as unknown as Record<string, (x?: string) => unknown>
        setTimeout(() => resolve(work(argument)))
      }),
    [name, argument],
  )

for (const mode of ['webgl2', 'webgl']) {
  testWith('browser', chromiumMissing, `a lost context of ${mode} is an error, and a new one trains on`, () =>
    inPage({ script, args }, async (page) => {
      const lost = expect.stringMatching(
        /^the WebGL context of device 'gpujs' was lost, and with it what its tensors held\n.*gpujs\(\).*state dict/,
      )
      expect(await call(page, 'lose', mode)).toEqual({
        saved: [0.75, 1.75],
        errors: [lost, lost, lost],
        other: true,
        result: [0.9375, 1.1875],
        kernelClass: mode === 'webgl2' ? 'WebGL2Kernel' : 'WebGLKernel',
      })
    }),
  )
}

for (const mode of ['webgl2', 'webgl']) {
  testWith('browser', chromiumMissing, `asynchronous reads on ${mode}, and memory that is moved to the host`, () =>
    inPage({ script, args }, async (page) => {
      expect(await call(page, 'later', mode)).toEqual({
        values: [[2, 4, 6, 8], [4, 6], 20],
        good: expect.closeTo(Math.log(2), 5),
        refused: expect.stringContaining('all elements of input should be between 0 and 1'),
        after: [1, 0],
        // With WebGL 1 the flag is read separately.
        readbacks: mode === 'webgl2' ? 6 : 7,
      })
      expect(await call(page, 'spill', mode)).toEqual({ spilt: true, wrong: 0 })
    }),
  )
}

for (const mode of ['webgl2', 'webgl']) {
  testWith('browser', chromiumMissing, `large products on ${mode}`, () =>
    inPage({ script, args }, async (page) => {
      expect(await call(page, 'products', mode)).toEqual({ wrong: 0, ran: true })
    }),
  )
}

testWith('browser', chromiumMissing, 'a worker computes on WebGL 2 of its own', () =>
  inPage({ script, args, file: (path) => (path === '/worker.js' ? script : undefined) }, async (page) => {
    const result = await page.evaluate(
      () =>
        new Promise((resolve) => {
          const { Worker } = globalThis as unknown as {
            Worker: new (path: string, options: object) => { onmessage: (event: { data: unknown }) => void }
          }
          const worker = new Worker('/worker.js', { type: 'module' })
          worker.onmessage = ({ data }) => resolve(data)
        }),
    )
    expect(result).toEqual({ mode: 'webgl2', sum: 12 })
  }),
)

testWith('browser', chromiumMissing, 'a policy without eval allows WebGL, and the other modes say what they need', () =>
  inPage({ script, args, policy: "script-src 'self'" }, async (page) => {
    expect(await call(page, 'compute')).toEqual({ mode: 'webgl2', sum: 12 })
    expect(await call(page, 'compute', 'webasm')).toEqual({ error: expect.stringContaining("'wasm-unsafe-eval'") })
    expect(await call(page, 'compute', 'cpu')).toEqual({ error: expect.stringContaining("'unsafe-eval'") })
  }),
)

testWith('browser', chromiumMissing, 'without WebGL the mode is WebAssembly', () =>
  inPage({ script, args: ['--disable-3d-apis'] }, async (page) => {
    expect(await call(page, 'compute')).toEqual({ mode: 'webasm', sum: 12 })
    expect(await call(page, 'compute', 'webgl2')).toEqual({
      error: expect.stringMatching(/^mode 'webgl2' is not available: the browser gives no webgl2 context\n/),
    })
  }),
)

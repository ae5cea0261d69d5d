// Which mode a device computes in: by default the best available; if an unavailable mode is requested, one sentence
// with the reason and the remedy.
import { afterEach, expect, it, vi } from 'vitest'
import type { Engine } from '../src/adapter.ts'
import { GlContext } from '../src/gl.ts'
import { gpujs, type Mode } from '../src/index.ts'
import { choose } from '../src/modes.ts'
import type { Kernel } from '../src/plan.ts'
import { found, glModes } from './each-mode.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.unstubAllEnvs()
  vi.doUnmock('gl')
})

const forbidden = (): never => {
  throw new EvalError('Code generation from strings disallowed for this context')
}

it('takes the best available mode, and says what the better ones lack', async () => {
  const { mode, tried, why } = (await gpujs()).report()
  const order: readonly Mode[] = ['webgl2', 'headlessgl', 'webasm', 'cpu']
  const best = order.find((each) => found.includes(each)) as Mode
  expect(mode).toBe(best)
  expect(why).toBe('the best mode found')
  expect(tried.map((x) => x.mode)).toEqual(order.slice(0, order.indexOf(best) + 1))
  expect(tried.map((x) => x.reason === undefined)).toEqual(tried.map((x) => x.mode === best))
})

it('returns one device for concurrent calls', async () => {
  const [a, b] = await Promise.all([gpujs({ mode: 'cpu' }), gpujs({ mode: 'cpu' })])
  expect(a).toBe(b)
})

it('falls back to WebAssembly and to JavaScript without GL', async () => {
  vi.doMock('gl', () => forbidden())
  const { engine, tried } = await choose(undefined)
  expect(engine.mode).toBe('webasm')
  expect(tried[0].reason).toMatch(/^package 'gl' is installed but cannot be loaded \(/)
  vi.stubGlobal('WebAssembly', undefined)
  const next = await choose(undefined)
  expect(next.engine.mode).toBe('cpu')
  expect(next.tried).toHaveLength(4)
})

it.each<[mode: Mode, sentence: string, remedy: string]>([
  ['webgl', "mode 'webgl' is not available: it is a browser's", "In Node WebGL 1 is mode 'headlessgl'."],
  ['webgl2', "mode 'webgl2' is not available: package 'gl' is installed but cannot be loaded (", 'npm rebuild gl'],
  [
    'headlessgl',
    "mode 'headlessgl' is not available: package 'gl' is installed but cannot be loaded (",
    'npm rebuild gl',
  ],
])('says why %s is not available', async (mode, sentence, remedy) => {
  vi.doMock('gl', () => forbidden())
  const error = await gpujs({ mode, maxBytes: 1 }).catch((e: Error) => e)
  expect(error).toMatchObject({ name: 'RuntimeError', message: expect.stringContaining(sentence) })
  expect((error as Error).message.split('\n')[1]).toContain(remedy)
})

it('says that headless GL needs a display', async () => {
  vi.doMock('gl', () => ({ default: () => null }))
  vi.stubEnv('DISPLAY', ':99')
  await expect(choose('webgl2')).rejects.toThrow(
    /^mode 'webgl2' is not available: package 'gl' gives no context on display ':99'\n.*xvfb-run/,
  )
  if (process.platform !== 'linux') return
  vi.stubEnv('DISPLAY', undefined)
  await expect(choose('headlessgl')).rejects.toThrow(
    /^mode 'headlessgl' is not available: package 'gl' needs a display\n.*xvfb-run/,
  )
})

it('releases a context that cannot render to float textures', async () => {
  const given: string[] = []
  const poor = () => ({
    getExtension: extension,
    getParameter: () => 0,
    createFramebuffer: () => ({}),
  })
  const extension = (name: string) => (name === 'STACKGL_destroy_context' ? { destroy: () => given.push(name) } : null)
  vi.doMock('gl', () => ({ default: poor }))
  vi.stubEnv('DISPLAY', ':99')
  await expect(choose('webgl2')).rejects.toThrow(
    "mode 'webgl2' is not available: this GPU cannot render to float textures (EXT_color_buffer_float)\nTake another mode.",
  )
  expect(given).toEqual(['STACKGL_destroy_context'])
})

it('names the directive of a content security policy that forbids a mode', async () => {
  vi.stubGlobal('Function', forbidden)
  await expect(choose('cpu')).rejects.toThrow(/functions cannot be compiled here .*\n.*'unsafe-eval'/)
  vi.stubGlobal('WebAssembly', { Module: forbidden })
  await expect(choose('webasm')).rejects.toThrow(/WebAssembly cannot be compiled here .*\n.*'wasm-unsafe-eval'/)
  vi.doMock('gl', () => forbidden())
  await expect(choose(undefined)).rejects.toThrow(
    /^none of gpu.js's modes is available: webgl2: .*; headlessgl: .*; webasm: .*; cpu: .*\n.*setDevice\('js'\)/,
  )
})

it('refuses an unknown mode and a memory limit of 0', async () => {
  await expect(gpujs({ mode: 'webgpu' as Mode })).rejects.toThrow(
    "unknown mode 'webgpu'\nModes are webgl2, webgl, headlessgl, webasm, cpu.",
  )
  await expect(gpujs({ maxBytes: 0 })).rejects.toThrow('maxBytes must be at least 1, not 0')
})

const kernel = (source: string, length = 1): Kernel => ({ source, length, textures: [], numbers: 0, functions: [] })

it.each(glModes)('%s computes only on its own context', async (mode) => {
  const engines: Engine[] = []
  for (let i = 0; i < 2; i++) engines.push((await choose(mode)).engine)
  const results = engines.map((engine) => {
    const context = engine.context as GlContext
    const texture = context.create(1)
    engine.compile(kernel('function () { return 5; }')).run([], texture)
    return context.read({ texture, start: 0, count: 1 })
  })
  expect(results).toEqual([Float32Array.of(5), Float32Array.of(5)])
  engines[0].dispose()
  const { context } = engines[1]
  expect((context as GlContext).lost).toBe(false)
  engines[1].dispose()
})

it.each(glModes)('%s refuses a tensor that no texture can hold', async (mode) => {
  const { engine } = await choose(mode)
  const { gl, version } = engine.context as GlContext
  const small = new GlContext(
    new Proxy(gl, {
      get: (target, name: string) =>
        name === 'getParameter' ? () => 64 : typeof target[name] === 'function' ? () => 0 : target[name],
    }),
    version,
  )
  expect(small.maxSize).toBe(64)
  expect(() => small.create(4097)).toThrow(
    /^a tensor of 4097 elements does not fit into a texture of this GPU, whose sides are at most 64\n/,
  )
  engine.dispose()
})

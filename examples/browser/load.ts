// Loads backends by name, on demand, with a description of what each found in this browser.
import { js, type useDevice } from 'flambeau'
import { type BackendName, backends } from './catalogue.ts'

interface Loaded {
  readonly backend: Parameters<typeof useDevice>[0]
  readonly about: string
}

/** Whether code may be generated from text here; a content security policy may forbid it. */
const mayEvaluate = (): boolean => {
  try {
    return new Function('return true')()
  } catch {
    return false
  }
}

/** A browser reports vendor, device and driver; users know the device. */
const deviceOf = (renderer: string): string => /^ANGLE \([^,]*, (.*), [^,]*\)$/.exec(renderer)?.[1] ?? renderer

export const load: Readonly<Record<BackendName, () => Promise<Loaded>>> = {
  js: async () => ({
    backend: js(),
    about: mayEvaluate() ? backends.js.about : 'Plain JavaScript, interpreted: the policy of this page forbids eval.',
  }),
  wasm: async () => {
    const { wasm } = await import('@flambeau/backend-wasm')
    // The server of the page has the module under this name (src/page.ts).
    const backend = await wasm({ module: new URL('/flambeau.wasm', location.href) })
    return { backend, about: backends.wasm.about }
  },
  gpujs: async () => {
    if (!mayEvaluate()) {
      throw new Error(
        'gpu.js makes its kernels from text, which the policy of this page forbids.\n' +
          "Allow 'unsafe-eval' in script-src of its content security policy, or stay on js.",
      )
    }
    const { gpujs } = await import('@flambeau/backend-gpujs')
    const backend = await gpujs()
    const { mode, renderer, tried } = backend.report()
    const lacking = tried.flatMap((other) =>
      other.reason === undefined ? [] : [` No ${other.mode}: ${other.reason}.`],
    )
    return { backend, about: `gpu.js in mode ${mode}: ${deviceOf(renderer)}.${lacking.join('')}` }
  },
}

// Backends by name. Each is loaded when it is asked for, and says what it found of this browser.
import { js, type useDevice } from 'flambeau'
import { type BackendName, backends } from './catalogue.ts'

interface Loaded {
  readonly backend: Parameters<typeof useDevice>[0]
  readonly about: string
}

/** Whether code may be made of text here; a content security policy may forbid it. */
const mayEvaluate = (): boolean => {
  try {
    return new Function('return true')()
  } catch {
    return false
  }
}

/** A browser tells vendor, device and driver; the device is what people know. */
const deviceOf = (renderer: string): string => /^ANGLE \([^,]*, (.*), [^,]*\)$/.exec(renderer)?.[1] ?? renderer

export const load: Readonly<Record<BackendName, () => Promise<Loaded>>> = {
  js: async () => ({
    backend: js(),
    about: mayEvaluate() ? backends.js.about : 'Plain JavaScript, interpreted: the policy of this page forbids eval.',
  }),
  gpujs: async () => {
    if (!mayEvaluate()) {
      throw new Error(
        'gpu.js makes its kernels of text, which the policy of this page forbids.\n' +
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

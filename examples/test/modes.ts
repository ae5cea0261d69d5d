// gpu.js's modes in Node, and why one is not available here: those of WebGL need the package `gl` and a display.
import { gpujs } from '@flambeau/backend-gpujs'
import '../../tools/test/display.ts'

const missing = (mode: 'cpu' | 'webasm' | 'webgl2'): Promise<string | undefined> =>
  gpujs({ mode }).then(
    () => undefined,
    (error: Error) => error.message,
  )

export const modes = await Promise.all(
  (['cpu', 'webasm', 'webgl2'] as const).map(async (mode) => ({ mode, missing: await missing(mode) })),
)

// The modes for tests of all modes: those of WebGL only if this machine has it in Node.
import '../../../tools/test/display.ts'
import { required } from '../../../tools/lib.mjs'
import type { Mode } from '../src/index.ts'
import { choose } from '../src/modes.ts'

async function missing(mode: Mode): Promise<string | undefined> {
  try {
    ;(await choose(mode)).engine.dispose()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

export const modes: readonly Mode[] = ['cpu', 'webasm', 'webgl2', 'headlessgl']
/** By mode, why it is not available here. */
export const missingModes = new Map<Mode, string>()
for (const mode of modes) {
  const reason = await missing(mode)
  if (reason !== undefined) missingModes.set(mode, reason)
}
if (missingModes.size > 0) {
  const told = [...missingModes].map(([mode, reason]) => `${mode}: ${reason}`).join('\n')
  if (required.has('gpujs')) throw new Error(`FLAMBEAU_REQUIRE names gpujs, and there is no\n${told}`)
  console.warn(`SKIPPED: gpu.js's modes that are not to be had here:\n${told}`)
}
export const found: readonly Mode[] = modes.filter((mode) => !missingModes.has(mode))
export const glModes = found.filter((mode) => mode === 'webgl2' || mode === 'headlessgl')

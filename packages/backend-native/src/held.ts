// How many bytes of array buffers are alive in this thread, and a way to have V8 free what nobody holds.
import { memoryUsage } from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export const bytesHeld = (): number => memoryUsage().arrayBuffers

/** V8 has no other function for it; a limit that garbage alone exceeds must not be an error. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // Array buffers are freed by the collection after the one that found them dead.
  collect()
  collect()
}

// A backend for tests of memory: it counts what is alive, and what was freed holds no numbers any more.
import { js } from '@flambeau/backend-js'
import { hostOf } from '@flambeau/core/backend'
import type {
  Backend,
  Capabilities,
  DeviceBuffer,
  Instr,
  Memory,
  Output,
  Spec,
  TypedArray,
  View,
} from '@flambeau/core/backend'

/** js, which tracks allocations and frees. */
export class Counting implements Backend {
  readonly name = 'counting'
  readonly caps: Capabilities
  readonly live = new Set<DeviceBuffer>()
  /** The most buffers that were alive at once, and how many were freed. */
  most = 0
  freed = 0

  constructor(caps: Partial<Capabilities> = {}) {
    this.caps = { ...js().caps, ...caps }
  }

  alloc(spec: Spec): DeviceBuffer {
    const buffer = js().alloc(spec)
    this.live.add(buffer)
    this.most = Math.max(this.most, this.live.size)
    return buffer
  }

  free(buffer: DeviceBuffer): void {
    if (!this.live.delete(buffer)) throw new Error('freed twice, or not from here')
    this.freed++
    const { data, start, length } = hostOf({ buffer })
    data.fill(Number.NaN, start, start + length)
  }

  supports = (): boolean => true
  run = (instr: Instr): void => js().run(instr)
  write = (out: Output, data: TypedArray): void => js().write(out, data)
  read = (view: View): Promise<TypedArray> => js().read(view)
  readSync = (view: View): TypedArray => js().readSync(view)
  async sync(): Promise<void> {}
  memory = (): Memory => ({ ...js().memory(), cells: this.live.size })
  dispose(): void {}
}

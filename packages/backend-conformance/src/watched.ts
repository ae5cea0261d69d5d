// A backend that notes what it runs, and may be without its kernels of compositions: how tests see that such a kernel ran, and
// what stands in its place.
import type { Backend, Instr } from '@flambeau/core/backend'

/** The backend with its kernels of compositions or without them; the kinds of instructions that it runs are added to `seen`. */
export function watched(backend: Backend, whole: boolean, seen: Set<string>): Backend {
  const caps = whole ? backend.caps : { ...backend.caps, fused: undefined }
  return new Proxy(backend, {
    get(target, key) {
      if (key === 'caps') return caps
      const value = target[key as keyof Backend] as unknown
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        if (key === 'run') seen.add((args[0] as Instr).kind)
        return value.apply(target, args)
      }
    },
  })
}

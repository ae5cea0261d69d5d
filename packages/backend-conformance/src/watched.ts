// Wraps a backend to record the kinds of instructions that it runs, and optionally to hide its kernels for
// compositions, so that tests can see whether such a kernel ran and what replaced it.
import type { Backend, Instr } from '@flambeau/core/backend'

/** The backend with or without its kernels for compositions; adds the kinds of instructions that it runs to `seen`. */
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

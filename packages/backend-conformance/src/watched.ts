// Backends that are another one but for some members: to see which instructions run, to change them, to hide kernels.
import type { Backend, CompositeKind, Instr } from '@flambeau/core/backend'

/** The backend with some members replaced. */
export const wrapped = (backend: Backend, members: Partial<Backend>): Backend =>
  new Proxy(backend, {
    get(target, key) {
      if (Object.hasOwn(members, key)) return members[key as keyof Backend]
      const value = target[key as keyof Backend] as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })

/**
 * The backend with all, some or none of its kernels for compositions; adds the kinds of instructions that it runs to
 * `seen`.
 */
export const watched = (backend: Backend, whole: boolean | ReadonlySet<CompositeKind>, seen: Set<string>): Backend =>
  wrapped(backend, {
    caps: whole === true ? backend.caps : { ...backend.caps, fused: whole || undefined },
    run(instr: Instr) {
      seen.add(instr.kind)
      backend.run(instr)
    },
  })

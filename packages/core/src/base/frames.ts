// How much of a stack an error keeps.

/**
 * Sets how many frames V8 keeps of a stack, and returns how many it kept before. Modules, ops and backends add more than its
 * ten before the line of the user's program. A program that keeps none still gets none, and where the built-in objects are
 * frozen nothing changes.
 */
export function keepFrames(count?: unknown): unknown {
  const { stackTraceLimit: limit } = Error as { stackTraceLimit?: number }
  Reflect.set(Error, 'stackTraceLimit', count ?? (limit && Math.max(limit, 50)))
  return limit
}

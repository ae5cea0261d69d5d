// Instructions that only JavaScript computes, beside a host whose memory may move meanwhile.
import { type Instr, runOnHost } from '@flambeau/core/backend'
import type { Host } from './host.ts'

/** Thrown by a host's routines when the arrays of a computation have lost their elements: it begins again. */
export const moved = new Error('the memory of a computation has moved')

export function computeElsewhere(instr: Instr<'host'>, { matrices }: Host): void {
  for (;;) {
    try {
      return runOnHost(instr, matrices)
    } catch (error) {
      if (error !== moved) throw error
    }
  }
}

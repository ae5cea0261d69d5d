// Kernels over elements: a grid of threads, each of which takes every so many elements. All begin alike.
import type { DType } from '@flambeau/core/backend'
import type { Launch } from '../plan.ts'
import { inTurns } from '../text/turns.ts'
import type { Value } from '../value.ts'
import { begin, type KernelWriter, type MakeWriter, threads } from '../text/writer.ts'

/** More blocks would wait for the first ones, whose threads go on with further elements instead. */
const mostBlocks = 4096

/** What a kernel does with an element: first what it reads, which several elements do before the first writes. */
interface Each<T> {
  read(n: Value): T
  write(element: T): void
  /** The same for four neighbours, if all operands lie side by side. */
  readonly fours?: Fours<T>
}

export interface Fours<T> {
  readonly operands: readonly { readonly address: Value; readonly dtype: DType }[]
  /** Elements 4 * i to 4 * i + 3. */
  read(i: Value): readonly T[]
  write(elements: readonly T[], i: Value): void
}

/** Elements of a thread whose kernel mostly waits for memory. */
const perThread = 4

/**
 * `waits`: the kernel mostly waits for memory, so a thread reads several elements before it computes. `visits`: an element
 * of the grid stands for so many.
 */
export function planEach<T>(
  make: MakeWriter,
  name: string,
  count: number,
  waits: boolean,
  open: (w: KernelWriter) => Each<T>,
  visits = 1,
): Launch {
  const w = make()
  begin(w)
  return { ...elements(w, name, count, waits, open), visits: count * visits }
}

/** A kernel that only notes failures. */
export function planTest<T>(
  make: MakeWriter,
  name: string,
  count: number,
  open: (w: KernelWriter, fail: (value: Value) => void) => Each<T>,
): Launch {
  const w = make()
  const flag = begin(w)
  const tag = w.param({ is: 'tag' })
  return { ...elements(w, name, count, true, () => open(w, (value) => w.fail(flag, tag, value))), visits: count }
}

function elements<T>(
  w: KernelWriter,
  name: string,
  count: number,
  waits: boolean,
  open: (w: KernelWriter) => Each<T>,
): Launch {
  const n = w.param({ is: 'int', value: count })
  const { read, write, fours } = open(w)
  const at = w.indexMad(w.position('block'), w.int(threads), w.position('thread'))
  const step = w.index('mul', w.position('blocks'), w.int(threads))
  if (!waits) w.loop(at, n, step, (i) => write(read(i)))
  else {
    let first = at
    if (fours !== undefined) {
      // What vectors take is left out afterwards: all but the last elements, if the operands are aligned.
      const begin = w.variable(at)
      w.when(w.isWhole(fours.operands), () => {
        const whole = w.index('shiftRight', n, w.int(2))
        w.loop(at, whole, step, (i) => fours.write(fours.read(i), i))
        w.set(begin, w.indexMad(whole, w.int(4), at))
      })
      first = begin
    }
    inTurns(w, first, n, step, read, write)
  }
  const { kernel, params } = w.kernel(name)
  const blocks = Math.ceil(count / (waits ? threads * perThread : threads))
  return { kernel, grid: [Math.min(blocks, mostBlocks), 1, 1], block: threads, shared: 0, params }
}

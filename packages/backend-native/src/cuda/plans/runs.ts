// What begins and ends a run of a compiled program. A table in memory has the number of the run, and then moves, each from a
// place to another: a run brings numbers, draws and arguments to where its kernels expect them, takes results away from
// there, and counts itself. So several replays of a graph need nothing from the host in between, and a program of small
// values does all of this in the block of its instructions (text/block.ts).
import type { Launch, Param } from '../plan.ts'
import type { PtxWriter } from '../text/ptx.ts'
import { begin, threads } from '../text/writer.ts'
import type { Value } from '../value.ts'

/** Bytes of a move: from, its step, to, its step, how many bytes, and how many runs do it, 64 bits each. */
export const moveBytes = 48
/** Bytes in front of the moves: the number of the run. */
export const tableHead = 8

/** Bytes that a thread moves before blocks become more, and the most blocks of a move. */
const perThread = 64
const mostShift = 8

/** The code that moves `bytes` by pieces of a width, a thread every so many. */
function copy(w: PtxWriter, width: number, bytes: Value, from: Value, to: Value, at: Value, step: Value): void {
  const shift = w.int(Math.log2(width))
  const count = w.register('i32')
  const whole = w.op('shr.u64', 'i64', bytes, shift)
  w.line(`cvt.u32.u64 ${count.text}, ${whole.text}`)
  w.loop(at, count, step, (i) => {
    const [source, target] = [from, to].map((place) => w.op('mad.wide.s32', 'i64', i, w.int(width), place))
    const pieces = Array.from({ length: width === 16 ? 2 : 1 }, () => w.register(width < 8 ? 'i32' : 'i64').text)
    const [code, values] =
      width === 16 ? ['v2.b64', `{${pieces.join(', ')}}`] : [{ 8: 'b64', 4: 'b32', 1: 'u8' }[width], pieces[0]]
    w.line(`ld.global.${code} ${values}, [${source.text}]`)
    w.line(`st.global.${code} [${target.text}], ${values}`)
  })
}

/** The launch that does the moves from number `first` on, which have so many bytes; none if there are none. */
export function planMoves(w: PtxWriter, table: number, first: number, moves: readonly number[]): Launch[] {
  if (moves.length === 0) return []
  const shift = Math.min(mostShift, Math.ceil(Math.log2(Math.max(1, Math.max(...moves) / (threads * perThread)))))
  begin(w)
  const param = (param: Param): Value => w.param(param)
  const [base, start, parts] = [
    param({ is: 'long', value: table }),
    param({ is: 'int', value: first }),
    param({ is: 'int', value: shift }),
  ]
  const block = w.position('block')
  const own = w.index('shiftRight', block, parts)
  const part = w.index('sub', block, w.op('shl.b32', 'i32', own, parts))
  const place = w.op('mad.wide.s32', 'i64', w.index('add', start, own), w.int(moveBytes), base)
  const word = (address: Value, offset: number): Value => {
    const to = w.register('i64')
    w.line(`ld.global.b64 ${to.text}, [${address.text}+${offset}]`)
    return to
  }
  const [from, fromStep, to, toStep, bytes, runs] = [0, 1, 2, 3, 4, 5].map((i) => word(place, tableHead + 8 * i))
  const run = word(base, 0)
  w.returnIf(w.op('setp.ge.s64', 'pred', run, runs))
  const [source, target] = [
    [from, fromStep],
    [to, toStep],
  ].map(([x, step]) => w.op('mad.lo.s64', 'i64', run, step, x))
  const at = w.indexMad(part, w.int(threads), w.position('thread'))
  const step = w.op('shl.b32', 'i32', w.variable(w.int(threads)), parts)
  const all = w.op('or.b64', 'i64', w.op('or.b64', 'i64', source, target), bytes)
  for (const width of [16, 8, 4]) {
    const rest = w.op('and.b64', 'i64', all, w.literal(width - 1, 'i64'))
    w.when(w.op('setp.eq.s64', 'pred', rest, w.literal(0, 'i64')), () => {
      copy(w, width, bytes, source, target, at, step)
      w.leave()
    })
  }
  copy(w, 1, bytes, source, target, at, step)
  const { kernel, params } = w.kernel('moves')
  const visits = moves.reduce((sum, bytes) => sum + Math.ceil(bytes / 4), 0)
  return [{ kernel, grid: [moves.length << shift, 1, 1], block: threads, shared: 0, params, visits }]
}

/** The launch that counts the run as complete. */
export function planCount(w: PtxWriter, table: number): Launch {
  begin(w)
  const base = w.param({ is: 'long', value: table })
  w.when(w.compare('eq', w.position('thread'), w.int(0)), () => {
    const run = w.register('i64')
    w.line(`ld.global.b64 ${run.text}, [${base.text}]`)
    const next = w.op('add.s64', 'i64', run, w.literal(1, 'i64'))
    w.line(`st.global.b64 [${base.text}], ${next.text}`)
  })
  const { kernel, params } = w.kernel('count')
  return { kernel, grid: [1, 1, 1], block: threads, shared: 0, params, visits: 1 }
}

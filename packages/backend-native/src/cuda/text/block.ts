// One kernel that does what many small ones do: a single block runs their bodies one after the other, with a barrier in
// between, because a node of a graph costs more than a body over a few thousand elements. A body is written for blocks of
// 256 threads. The block has four groups of as many, and a group takes the place of a block of the body's grid: it has
// its own barrier and its own part of shared memory. So all numbers are those of the separate kernels, bit for bit.
import type { Body, Kernel } from '../plan.ts'
import type { Prelude } from './prelude.ts'
import { end, heading, loadsOf, registersOf } from './ptx.ts'
import type { Type } from '../value.ts'
import { threads } from './writer.ts'

export const groups = 4

/** Words of 8 bytes in front of a record's parameters: the number of its body, and its blocks. */
export const recordHead = 1

/** A body works with any number of blocks: its threads take every so many elements. */
export const strides = ({ code }: Body): boolean => code.includes('%nctaid.x')

/** The words of a record that fits every body. */
export const recordWords = (bodies: readonly Body[]): number =>
  recordHead + Math.max(...bodies.map(({ params }) => params.length))

/** The code of a body in the block: its registers are read from the record at %at. */
function phase(body: Body, number: number): string {
  let offset = 0
  const places = new Map(
    body.shared.map(({ name, bytes }) => {
      const place = offset
      offset += bytes
      return [name, place]
    }),
  )
  const own = (label: string): string => `$P${number}${label}`
  const code = body.code
    .replaceAll('%tid.x', '%member')
    .replaceAll('%ctaid.x', '%turn')
    .replaceAll('%nctaid.x', '%blocks')
    .replaceAll('bar.sync 0;', `bar.sync %named, ${threads};`)
    .replaceAll(/mov\.u32 (%r\d+), (s\d+);/g, (_, to, name) => `add.u32 ${to}, %own, ${places.get(name)};`)
    .replaceAll(/\$(L\d+|end)\b/g, (_, label) => own(label))
  return `${own('')}:
${loadsOf(body, 'shared', (i) => `%at+${8 * (recordHead + i)}`)}	mov.u32 %turn, %group;
${own('Again')}:
	setp.ge.u32 %is, %turn, %blocks;
	@%is bra $Ended;
${code}${own(end.slice(1))}:
${body.shared.length === 0 ? '' : `\tbar.sync %named, ${threads};\n`}	add.u32 %turn, %turn, ${groups};
	bra ${own('Again')};
`
}

/** Branches to the body whose number is in %body, among those from `first` to before `last`. */
function choice(first: number, last: number): string {
  if (last - first === 1) return `\tbra $P${first};\n`
  const middle = (first + last) >> 1
  const above = `$From${middle}To${last}`
  return `	setp.ge.u32 %is, %body, ${middle};
	@%is bra ${above};
${choice(first, middle)}${above}:
${choice(middle, last)}`
}

/** A kernel that runs a body for each of its records; its parameters are their address and their number. */
export function blockKernel(prelude: Prelude, bodies: readonly Body[]): Kernel {
  const words = recordWords(bodies)
  const used: Record<Type, number> = { pred: 0, i32: 0, i64: 0, f32: 0, f64: 0 }
  let own = 8
  for (const body of bodies) {
    for (const type of Object.keys(used) as Type[]) used[type] = Math.max(used[type], body.used[type])
    own = Math.max(
      own,
      body.shared.reduce((sum, { bytes }) => sum + bytes, 0),
    )
  }
  const name = 'block'
  const text = `${heading}${prelude.textOf(bodies.flatMap(({ calls }) => [...calls]))}.visible .entry ${name}(
	.param .b64 records,
	.param .b32 count
)
.maxntid ${groups * threads}, 1, 1
.minnctapersm 1
{
${registersOf(used)}	.reg .pred %is, %brings, %more;
	.reg .b32 %thread, %member, %group, %named, %own, %at, %next, %left, %body, %blocks, %turn;
	.reg .b64 %from, %word;
	.shared .align 8 .b8 slots[${16 * words}];
	.shared .align 8 .b8 memory[${groups * own}];
	mov.u32 %thread, %tid.x;
	and.b32 %member, %thread, ${threads - 1};
	shr.u32 %group, %thread, 8;
	add.u32 %named, %group, 1;
	mov.u32 %own, memory;
	mad.lo.u32 %own, %group, ${own}, %own;
	ld.param.b64 %from, [records];
	ld.param.b32 %left, [count];
	mad.wide.u32 %from, %thread, 8, %from;
	setp.lt.u32 %brings, %thread, ${words};
	mov.u32 %at, slots;
	mad.lo.u32 %next, %thread, 8, %at;
	@!%brings bra $Begin;
	ld.global.b64 %word, [%from];
	st.shared.b64 [%next], %word;
$Begin:
	bar.sync 0;
$Record:
	sub.u32 %left, %left, 1;
	setp.ne.u32 %more, %left, 0;
	and.pred %more, %more, %brings;
	@!%more bra $Run;
	add.u64 %from, %from, ${8 * words};
	ld.global.b64 %word, [%from];
$Run:
	ld.shared.b32 %body, [%at];
	ld.shared.b32 %blocks, [%at+4];
${choice(0, bodies.length)}${bodies.map(phase).join('')}$Ended:
	mov.u32 %next, slots;
	sub.u32 %at, %next, %at;
	add.u32 %at, %at, %next;
	add.u32 %at, %at, ${8 * words};
	@!%more bra $Meet;
	mad.lo.u32 %next, %thread, 8, %at;
	st.shared.b64 [%next], %word;
$Meet:
	bar.sync 0;
	setp.ne.u32 %is, %left, 0;
	@%is bra $Record;
	ret;
}
`
  return { text, name }
}

// Where the instructions of a text come from, so that what many texts did can be counted together. In a library that nvcc
// made, and in the functions that kernels take from the prelude, that is a line. A kernel that was written for an
// expression has its own text; there it is the place in the kernel's structure: the kernel's name and how its loops and
// conditions nest, the block among these, and the instruction without its registers and constants. So the same verb of
// a plan is one place, however many expressions it was written for.

// A call is none, because the interpreter has the function's instructions in its place.
const isInstruction = (line) => /^\s*(@!?%\w+\s+)?(?!call\b)[a-z][\w.:]*(\s|;)/.test(line)
const isLibrary = (text) => text.startsWith('// Made by ')

/** The instruction without its operands, but with what guards it. */
const formOf = (code) => /^(@!?%\w+\s+)?([^\s;]+)/.exec(code.replace(/^(@!?)%\w+/, '$1%p'))[0]

/** The bodies of a text: its kernels and functions, with the first and last of their lines, counted from 1. */
export function bodiesOf(lines) {
  const bodies = []
  let name
  let isKernel = false
  let first = 0
  lines.forEach((line, i) => {
    const head = /\.(entry|func)\s*(?:\([^)]*\)\s*)?([\w$]+)/.exec(line)
    if (head !== null && !line.trimEnd().endsWith(';')) [name, isKernel] = [head[2], head[1] === 'entry']
    else if (line.startsWith('{')) first = i + 2
    else if (line.startsWith('}') && name !== undefined) {
      bodies.push({ name, isKernel, first, last: i })
      name = undefined
    }
  })
  return bodies
}

/** Blocks of a kernel of one instruction. */
const most = 12

/** For each line of a body the blocks around it, as numbers among their neighbours, and how blocks nest. */
function structureOf(lines, first, last) {
  const labels = new Map()
  for (let at = first; at <= last; at++) {
    const label = /^\s*(\$\w+):/.exec(lines[at - 1])
    if (label !== null) labels.set(label[1], at)
  }
  // A branch back makes a loop from its target on; a branch forward skips a block, which ends at its target.
  const blocks = []
  for (let at = first; at <= last; at++) {
    const target = labels.get(/\bbra(?:\.uni)?\s+(\$\w+)/.exec(lines[at - 1])?.[1])
    if (target !== undefined)
      blocks.push(target < at ? { kind: 'loop', from: target, to: at } : { kind: 'if', from: at + 1, to: target })
  }
  // What follows the test of a loop is the loop itself.
  const own = blocks.filter(
    (x) => !blocks.some((y) => y.kind === 'loop' && x.kind === 'if' && x.from > y.from && x.to === y.to + 1),
  )
  own.sort((a, b) => a.from - b.from || b.to - a.to)
  // A kernel that is made of many has each time another structure, so in it only instructions are told apart; the kernels
  // that it is made of are known by themselves.
  const isShort = own.length <= most
  let skeleton = ''
  const paths = new Map()
  const open = []
  const counts = [0]
  let next = 0
  for (let at = first; at <= last; at++) {
    while (open.length > 0 && open.at(-1).to < at) {
      open.pop()
      counts.pop()
      skeleton += ')'
    }
    while (next < own.length && own[next].from === at) {
      open.push({ ...own[next], number: counts[counts.length - 1]++ })
      counts.push(0)
      skeleton += `${own[next++].kind}(`
    }
    paths.set(at, isShort ? open.map(({ kind, number }) => `${kind} ${number}`).join(', ') : 'anywhere')
  }
  return { skeleton: isShort ? skeleton + ')'.repeat(open.length) : 'many blocks', paths }
}

/**
 * The places of a text's instructions by the numbers of their lines: `site` names one, `kernel` its kernel or function
 * (`isKernel`), `code` is the line.
 */
export function sitesOf(text) {
  const lines = text.split('\n')
  const sites = new Map()
  for (const { name, isKernel, first, last } of bodiesOf(lines)) {
    const structure = isKernel && !isLibrary(text) ? structureOf(lines, first, last) : undefined
    for (let at = first; at <= last; at++) {
      const code = lines[at - 1].trim()
      if (!isInstruction(code)) continue
      const where =
        structure === undefined
          ? `line ${at - first}`
          : `${structure.skeleton}, ${structure.paths.get(at) || 'outside'}: ${formOf(code)}`
      sites.set(at, { site: `${name}: ${where}`, kernel: name, isKernel, code })
    }
  }
  return sites
}

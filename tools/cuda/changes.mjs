// Faults in PTX: what changes of an instruction there are, and those of all texts that tests load. A fault is one of a place
// (sites.mjs), so a kernel that is written for many expressions has it in all of them, as if its plan were wrong.
import { sitesOf } from './sites.mjs'

/** Replacements of a comparison by its neighbour. */
const nextTo = {
  lt: 'le',
  le: 'lt',
  gt: 'ge',
  ge: 'gt',
  lo: 'ls',
  ls: 'lo',
  hi: 'hs',
  hs: 'hi',
  eq: 'ne',
  ne: 'eq',
  ltu: 'leu',
  leu: 'ltu',
  gtu: 'geu',
  geu: 'gtu',
  equ: 'neu',
  neu: 'equ',
}
/** Functions change between formulas that agree where they do, so there a comparison is turned round. */
const opposite = {
  lt: 'ge',
  le: 'gt',
  gt: 'le',
  ge: 'lt',
  eq: 'ne',
  ne: 'eq',
  ltu: 'ge',
  leu: 'gt',
  gtu: 'le',
  geu: 'lt',
  equ: 'neu',
  neu: 'equ',
}
const arithmetic = {
  add: 'sub',
  sub: 'add',
  min: 'max',
  max: 'min',
  and: 'or',
  or: 'and',
  shl: 'shr',
  shr: 'shl',
  neg: 'mov',
}

/** The changes of an instruction: of what class it is, and the line that replaces it. */
export function* changesOf(code, isKernel) {
  const [, guard = '', opcode, operands] = /^(@!?%\w+\s+)?([\w.:]+)\s*(.*)$/.exec(code) ?? []
  if (opcode === undefined) return
  const as = (other, those = operands) => `${guard}${other} ${those}`
  if (/^(bar\.sync|bar\.warp|barrier)/.test(opcode)) yield { class: 'barrier', is: '' }
  const compared = /^setp\.(\w+)/.exec(opcode)?.[1]
  const comparisons = isKernel ? nextTo : opposite
  if (compared in comparisons)
    yield { class: 'comparison', is: as(opcode.replace(`setp.${compared}`, `setp.${comparisons[compared]}`)) }
  // Nothing changes where 0 is added.
  if (/, 0;$/.test(code) && /^(add|sub|or|sh[lr])/.test(opcode)) return
  const [first] = opcode.split('.')
  // Doubles and floats negate, words and predicates have no mov of this name.
  if (first in arithmetic && !(first === 'neg' && /s32|s64/.test(opcode))) {
    const other =
      first === 'shl'
        ? opcode.replace('shl.b', 'shr.u')
        : first === 'shr'
          ? opcode.replace(/shr\.[bus]/, 'shl.b')
          : opcode.replace(first, arithmetic[first])
    yield { class: 'arithmetic', is: as(other) }
  } else if (/^mul\.rn\.f/.test(opcode)) yield { class: 'arithmetic', is: as(opcode.replace('mul', 'add')) }
  else if (/^mul\.lo\.s32/.test(opcode)) yield { class: 'arithmetic', is: as('add.s32') }
  else if (/^(mad\.lo|fma\.rn)/.test(opcode)) {
    // The sum goes to another operand, where the line has registers of one type.
    const [to, a, b] = operands.replace(';', '').split(/,\s*/)
    if ([to, a, b].every((x) => /^%/.test(x))) yield { class: 'arithmetic', is: as(opcode, `${to}, ${a}, ${b}, ${a};`) }
  }
}

const kindOf = (text, isKernel) => (text.startsWith('// Made by ') ? 'library' : isKernel ? 'written' : 'function')

/**
 * The faults of all texts, by their digests. `lines` are where a fault is, `was` and `is` the line; `kind` says whether it
 * is in a kernel that is written, in a function of the prelude, or in the library. Of the instructions that a text has at
 * one place, a draw takes one.
 */
export function faultsOf(texts, random) {
  const places = new Map()
  for (const [digest, text] of texts) {
    const counts = new Map()
    for (const [line, { site, kernel, code, isKernel }] of sitesOf(text)) {
      const nth = counts.get(site) ?? 0
      counts.set(site, nth + 1)
      const place = places.get(site) ?? { kernel, isKernel, kind: kindOf(text, isKernel), all: [] }
      places.set(site, place)
      place.all.push({ digest, line, nth, code })
    }
  }
  const faults = []
  for (const [site, { kernel, isKernel, kind, all }] of places) {
    const { nth } = all[Math.floor(random() * all.length)]
    const those = all.filter((each) => each.nth === nth)
    for (const change of changesOf(those[0].code, isKernel)) {
      // Registers have other names in other texts.
      const lines = those.map(({ digest, line, code }) => {
        const is = [...changesOf(code, isKernel)].find((each) => each.class === change.class)?.is
        return { digest, line, is }
      })
      faults.push({
        site,
        kernel,
        kind,
        was: those[0].code,
        ...change,
        lines: lines.filter(({ is }) => is !== undefined),
      })
    }
  }
  return faults
}

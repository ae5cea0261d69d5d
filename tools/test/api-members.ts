// The members of public classes and interfaces, from a package's API report (packages/*/etc/*.api.md), for tests that
// must cover the whole API. A check of its own keeps the report current.
import { readFileSync } from 'node:fs'

export interface Member {
  readonly owner: string
  /** 'constructor', a method, `name =` for a setter, '()' for a call signature. */
  readonly name: string
  /** Whether it takes arguments. */
  readonly takes: boolean
}

const opening = /^(?:export )?(?:declare )?(?:abstract )?(class|interface) (\w+)/
const member = /^ {4}(?:static |abstract |readonly )*(set )?((?:\[[\w.]+\]|\w+)?)\??(?:<.*?>)?\((.*)/

/** The members that can be called or set, by their classes and interfaces, without protected ones. */
export function membersOf(report: URL): Member[] {
  const members: Member[] = []
  let owner: string | undefined
  for (const line of readFileSync(report, 'utf8').split('\n')) {
    const found = opening.exec(line)
    // `Generator_2` stands for the export Generator.
    if (found !== null) owner = found[2].replace(/_\d$/, '')
    else if (line.startsWith('}')) owner = undefined
    else if (owner !== undefined && !/^ {4}protected /.test(line)) {
      const [, set, name, rest] = member.exec(line) ?? []
      if (rest === undefined) continue
      const takes = !/^(\.\.\.none: \[\])?\)/.test(rest)
      members.push({ owner, name: name === '' ? '()' : set === undefined ? name : `${name} =`, takes })
    }
  }
  return members
}

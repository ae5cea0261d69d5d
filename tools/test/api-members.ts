// The members of public classes and interfaces, from a package's API report (packages/*/etc/*.api.md): what tests of all that
// is public are held to. The report is kept current by its own check.
import { readFileSync } from 'node:fs'

export interface Member {
  readonly owner: string
  /** 'constructor', a method, `name =` for what is set, '()' for what is called itself. */
  readonly name: string
  /** Whether it takes arguments. */
  readonly takes: boolean
}

const opening = /^(?:export )?(?:declare )?(?:abstract )?(class|interface) (\w+)/
const member = /^ {4}(?:static |abstract |readonly )*(set )?((?:\[[\w.]+\]|\w+)?)\??(?:<.*?>)?\((.*)/

/** The members that can be called or set, by the classes and interfaces that have them; without those that are protected. */
export function membersOf(report: URL): Member[] {
  const members: Member[] = []
  let owner: string | undefined
  for (const line of readFileSync(report, 'utf8').split('\n')) {
    const found = opening.exec(line)
    // `Generator_2` stands for what is exported as Generator.
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

// The floors as subjects: the arithmetic without a library, in JavaScript and, if there is a compiler, in C++.
import { join } from 'node:path'
import { compiled, fastest } from './cpp.ts'
import type { Absent, Subject } from './subject.ts'
import { here } from './subjects.ts'

const inJavaScript = (name: string, title: string, ...args: readonly string[]): Subject => ({
  name,
  title,
  command: process.execPath,
  args: [here('./serve.js'), here('../floors/index.js'), ...args],
})

/** The floors in C++, for this machine or with other flags. The sources are beside dist. */
export const inC = (folder = here('../../floors/cpp/'), flags: readonly string[] = fastest): Subject | Absent =>
  compiled('floor c++', `vectors in C++, g++ ${flags.join(' ')}`, join(folder, 'floors.cpp'), flags)

export const floors = (): (Subject | Absent)[] => [
  inJavaScript('floor', 'loops in JavaScript without a library'),
  inJavaScript('floor products', 'their matrix products alone', 'products'),
  inJavaScript('floor unrounded', 'the same without the roundings that equal bits ask for', 'unrounded'),
  inC(),
]

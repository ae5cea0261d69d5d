// The floors as subjects: the arithmetic without a library.
import type { Subject } from './subject.ts'
import { here } from './subjects.ts'

const floor = (name: string, title: string, ...args: readonly string[]): Subject => ({
  name,
  title,
  command: process.execPath,
  args: [here('./serve.js'), here('../floors/index.js'), ...args],
})

export const floors = (): Subject[] => [
  floor('floor', 'loops in JavaScript without a library'),
  floor('floor products', 'their matrix products alone', 'products'),
]

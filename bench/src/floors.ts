// The floors as subjects: the arithmetic without a library, in JavaScript and, where a compiler is, in C++.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Absent, Subject } from './subject.ts'
import { here } from './subjects.ts'

const inJavaScript = (name: string, title: string, ...args: readonly string[]): Subject => ({
  name,
  title,
  command: process.execPath,
  args: [here('./serve.js'), here('../floors/index.js'), ...args],
})

/** Sources lie beside dist. */
const sources = here('../../floors/cpp/')

const fastest = ['-O3', '-march=native', '-fno-math-errno', '-fno-trapping-math']

/** Compiled for this machine, or by other flags, into a folder that is gone when the process ends. */
export function inC(folder = sources, flags: readonly string[] = fastest): Subject | Absent {
  const [name, title] = ['floor c++', `vectors in C++, g++ ${flags.join(' ')}`]
  const built = mkdtempSync(join(tmpdir(), 'flambeau-floors-'))
  process.on('exit', () => rmSync(built, { recursive: true }))
  const command = join(built, 'floors')
  try {
    const words = ['-std=c++17', ...flags, '-o', command, join(folder, 'floors.cpp')]
    execFileSync('g++', words, { stdio: ['ignore', 'ignore', 'pipe'] })
    return { name, title, command, args: [] }
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return { name, title, absent: missing ? 'no g++ here' : (error as Error).message }
  }
}

export const floors = (): (Subject | Absent)[] => [
  inJavaScript('floor', 'loops in JavaScript without a library'),
  inJavaScript('floor products', 'their matrix products alone', 'products'),
  inJavaScript('floor unrounded', 'the same without the roundings that equal bits ask for', 'unrounded'),
  inC(),
]

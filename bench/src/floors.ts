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

/** Compiled for this machine into a folder that is gone when the process ends. */
function inC(): Subject | Absent {
  const [name, title] = ['floor c++', 'loops in C++, g++ -O3 -march=native -ffast-math']
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-floors-'))
  process.on('exit', () => rmSync(folder, { recursive: true }))
  const command = join(folder, 'floors')
  try {
    // Sources lie beside dist.
    const source = here('../../floors/floors.cpp')
    const flags = ['-std=c++17', '-O3', '-march=native', '-ffast-math']
    execFileSync('g++', [...flags, '-o', command, source], { stdio: ['ignore', 'ignore', 'pipe'] })
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

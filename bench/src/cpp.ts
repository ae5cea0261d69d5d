// Subjects in C++: a source is compiled when a bench starts, if there is a compiler.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Absent, Subject } from './subject.ts'

/** For this machine. */
export const fastest = ['-O3', '-march=native', '-fno-math-errno', '-fno-trapping-math']

/** Compiles into a folder that is removed when the process ends. */
export function compiled(name: string, title: string, source: string, flags: readonly string[]): Subject | Absent {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-cpp-'))
  process.on('exit', () => rmSync(folder, { recursive: true }))
  const command = join(folder, 'subject')
  try {
    execFileSync('g++', ['-std=c++17', '-o', command, source, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] })
    return { name, title, command, args: [] }
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return { name, title, absent: missing ? 'no g++ here' : (error as Error).message }
  }
}

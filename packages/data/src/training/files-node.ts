// Files that grow, in Node.
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { RuntimeError } from '@flambeau/core'

/** A file that is written at its end. */
export interface GrowingFile {
  readonly path: string
  write(bytes: Uint8Array): void
  /** Cuts off what is behind the first `size` bytes. */
  truncate(size: number): void
  close(): void
}

/** Throws the system's errors with the path, and what to do. */
function withPath<T>(path: string, use: () => T): T {
  try {
    return use()
  } catch (error) {
    throw new RuntimeError(`${path}: ${(error as Error).message}`, 'Event files and logs need a folder to write to.')
  }
}

/** Opens a file to write at its end, and makes it and its folder if they are not there. */
export function openFile(path: string): GrowingFile {
  const file = withPath(path, () => {
    mkdirSync(dirname(path), { recursive: true })
    return openSync(path, 'a')
  })
  return {
    path,
    write: (bytes) =>
      withPath(path, () => {
        for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
      }),
    truncate: (size) => ftruncateSync(file, size),
    close: () => closeSync(file),
  }
}

/** The bytes of a file; none if it is not there. */
export const readWhole = (path: string): Uint8Array =>
  withPath(path, () => (existsSync(path) ? readFileSync(path) : new Uint8Array(0)))

export const host = (): string => hostname()
export const processId = (): number => process.pid

const waiting = new Set<() => void>()
/** Calls a function when the process ends, until the returned function is called. */
export function atExit(run: () => void): () => void {
  if (waiting.size === 0) process.on('exit', endAll)
  waiting.add(run)
  return () => {
    waiting.delete(run)
    if (waiting.size === 0) process.off('exit', endAll)
  }
}
const endAll = (): void => {
  for (const run of waiting) run()
}

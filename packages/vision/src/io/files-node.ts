// Files in Node: paths and file URLs from the disk, other URLs from the network.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getSystemErrorMap } from 'node:util'
import { RuntimeError } from '@flambeau/core'
import { fetchBytes } from './files-web.ts'

/** An error of the system in Python's words. */
function systemError(error: unknown, path: string | URL): unknown {
  const errno = (error as NodeJS.ErrnoException).errno ?? 0
  const text = getSystemErrorMap().get(errno)?.[1]
  if (text === undefined) return error
  const sentence = `[Errno ${-errno}] ${text[0].toUpperCase()}${text.slice(1)}: '${String(path)}'`
  return new RuntimeError(sentence, 'Is the path right? A folder that a file is to be saved in must exist.')
}

/** The bytes of a path, a file URL or another URL. */
export const readBytes = async (source: string | URL): Promise<Uint8Array> => {
  if (/^https?:/i.test(String(source))) return fetchBytes(source)
  const isFileUrl = typeof source === 'string' && source.startsWith('file:')
  try {
    return await readFile(isFileUrl ? new URL(source) : source)
  } catch (error) {
    throw systemError(error, source)
  }
}

/** The bytes of a file, or undefined if there is none. */
export const readFileNow = (path: string): Uint8Array | undefined =>
  existsSync(path) && statSync(path).isFile() ? readFileSync(path) : undefined

export function writeFileNow(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes)
  } catch (error) {
    throw systemError(error, path)
  }
}

/** Below this depth a folder contains itself, by a link. */
const DEEPEST = 64

/** The paths of all files below a folder, relative to it, or undefined if there is no such folder. Follows links. */
export const listFiles = (folder: string): string[] | undefined => {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return undefined
  const found: string[] = []
  const visit = (prefix: string, depth: number): void => {
    for (const entry of readdirSync(join(folder, prefix), { withFileTypes: true })) {
      const path = prefix + entry.name
      const target = entry.isSymbolicLink() ? statSync(join(folder, path), { throwIfNoEntry: false }) : entry
      if (target === undefined) continue
      // A folder without files is listed, too, so that a class without pictures is found.
      if (target.isDirectory()) {
        found.push(`${path}/`)
        if (depth < DEEPEST) visit(`${path}/`, depth + 1)
      } else if (target.isFile()) found.push(path)
    }
  }
  visit('', 0)
  return found
}

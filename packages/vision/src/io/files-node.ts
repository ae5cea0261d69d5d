// Files in Node: paths and file URLs from the disk, other URLs from the network.
import { readdirSync, readFileSync, realpathSync, type Stats, statSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getSystemErrorMap } from 'node:util'
import { RuntimeError } from '@flambeau/core'
import { fetchBytes } from './files-web.ts'

/** What to do about errors of reading. */
const remedies: Partial<Record<string, string>> = {
  ENOENT: 'Is the path right?',
  ENOTDIR: 'It is a file: give the path of the folder that it is in.',
  EISDIR: 'It is a folder: the file may be in it.',
  EACCES: 'You may not read it: change its permissions, or those of the folders that it is in.',
}

/** An error of the system in Python's words, and what to do. */
function systemError(error: unknown, path: string | URL, remedy?: string): unknown {
  const { errno = 0, code = '' } = error as NodeJS.ErrnoException
  const text = getSystemErrorMap().get(errno)?.[1]
  if (text === undefined) return error
  const sentence = `[Errno ${-errno}] ${text[0].toUpperCase()}${text.slice(1)}: '${String(path)}'`
  return new RuntimeError(sentence, remedy ?? remedies[code])
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
export const readFileNow = (path: string): Uint8Array | undefined => {
  try {
    return readFileSync(path)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw systemError(error, path)
  }
}

export function writeFileNow(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes)
  } catch (error) {
    throw systemError(error, path, 'A folder that a file is to be saved in must exist.')
  }
}

/** What is at a path; undefined for a link that leads nowhere. */
const targetOf = (path: string): Stats | undefined => {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

/**
 * The paths of all files below a folder, relative to it. Follows links, but not those to a folder that they are in.
 * Throws a RuntimeError for a folder that is not there or cannot be read.
 */
export const listFiles = (folder: string): string[] => {
  const found: string[] = []
  const visit = (prefix: string, around: readonly string[]): void => {
    for (const entry of readdirSync(join(folder, prefix), { withFileTypes: true })) {
      const path = prefix + entry.name
      const target = entry.isSymbolicLink() ? targetOf(join(folder, path)) : entry
      // A link that leads nowhere is a file that cannot be read.
      if (target?.isFile() !== false) found.push(path)
      else if (target.isDirectory()) {
        // A folder without files is listed, too, so that a class without pictures is found.
        found.push(`${path}/`)
        const real = realpathSync(join(folder, path))
        if (!around.includes(real)) visit(`${path}/`, [...around, real])
      }
    }
  }
  try {
    visit('', [realpathSync(folder)])
  } catch (error) {
    throw systemError(error, (error as NodeJS.ErrnoException).path ?? folder)
  }
  return found
}

// Files in Node: paths and file URLs from the disk, other URLs from the network.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fetchBytes } from './files-web.ts'

/** The bytes of a path, a file URL or another URL. */
export const readBytes = async (source: string | URL): Promise<Uint8Array> => {
  if (/^https?:/i.test(String(source))) return fetchBytes(source)
  const isFileUrl = typeof source === 'string' && source.startsWith('file:')
  return readFile(isFileUrl ? new URL(source) : source)
}

/** The bytes of a file, or undefined if there is none. */
export const readFileNow = (path: string): Uint8Array | undefined =>
  existsSync(path) && statSync(path).isFile() ? readFileSync(path) : undefined

export const writeFileNow = (path: string, bytes: Uint8Array): void => writeFileSync(path, bytes)

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

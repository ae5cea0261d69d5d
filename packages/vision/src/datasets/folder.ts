// Where a data set finds its files: a folder on the disk, or the files themselves by their paths.
import { listFiles, readFileNow } from '#files'
import type { signatures } from '@flambeau/core'

/** A folder, or its files: their bytes by their paths in it, which works in browsers, too. */
export type Root = string | Readonly<Record<string, Uint8Array>>

export interface Folder {
  /** For messages. */
  readonly name: string
  /** The path in full, for messages. */
  where(path: string): string
  /** The bytes of a file, or undefined if there is none. */
  read(path: string): Uint8Array | undefined
  /** The paths of all files and, with a slash at the end, folders. */
  list(): string[]
}

const isFiles = (x: unknown): x is Readonly<Record<string, Uint8Array>> =>
  typeof x === 'object' && x !== null && Object.values(x).every((bytes) => bytes instanceof Uint8Array)

export const rootKind: signatures.Kind<Root> = {
  expected: 'str',
  accepts: (x) => typeof x === 'string' || (isFiles(x) && Object.getPrototypeOf(x) === Object.prototype),
  hint: 'A root is the path of a folder, or the files themselves: { path: bytes }.',
}

const join = (folder: string, path: string): string => (folder.endsWith('/') ? folder : `${folder}/`) + path

export const folderOf = (root: Root): Folder => {
  if (typeof root === 'string') {
    const where = (path: string) => join(root, path)
    return { name: root, where, read: (path) => readFileNow(where(path)), list: () => listFiles(root) }
  }
  return {
    name: 'the given files',
    where: (path) => path,
    read: (path) => (Object.hasOwn(root, path) ? root[path] : undefined),
    list() {
      const files = Object.keys(root)
      const folders = files.flatMap((file) => {
        const parts = file.split('/').slice(0, -1)
        return parts.map((_, i) => `${parts.slice(0, i + 1).join('/')}/`)
      })
      return [...new Set([...folders, ...files])]
    },
  }
}

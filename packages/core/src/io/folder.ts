// Folders of files that are written as a whole: by a path in Node, by a handle in a browser, whose files are replaced
// when their stream is closed.
import { TypeError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { type Folder, folderAt, pathOf } from './files.ts'
import type { UrlLike } from './source.ts'
import type { FileHandleLike } from './targets.ts'

/** What is used of a FileSystemDirectoryHandle. */
export interface DirectoryHandleLike {
  readonly name: string
  keys(): AsyncIterable<string>
  getFileHandle(
    name: string,
    options?: { readonly create?: boolean },
  ): Promise<FileHandleLike & { getFile(): Promise<unknown> }>
  removeEntry(name: string): Promise<void>
}

/** Where files are: a path, the URL of a folder, or a folder that a browser lets a page write. */
export type FolderLike = string | UrlLike | DirectoryHandleLike

const handleFolder = (handle: DirectoryHandleLike): Folder => ({
  name: handle.name || 'the folder',
  async names() {
    const names: string[] = []
    for await (const name of handle.keys()) names.push(name)
    return names
  },
  pathOf: (name) => (handle.name ? `${handle.name}/${name}` : name),
  async make() {},
  source: async (name) => (await handle.getFileHandle(name)).getFile(),
  async write(name, save) {
    const isNew = !(await this.names()).includes(name)
    try {
      await save(await handle.getFileHandle(name, { create: true }))
    } catch (error) {
      if (isNew) await handle.removeEntry(name).catch(() => undefined)
      throw error
    }
  },
  remove: (name) => handle.removeEntry(name),
  // A browser removes them itself.
  async sweep() {},
})

/** A checkpoint's file. */
export interface CheckpointFile {
  readonly step: number
  readonly path: string
}

/** What was loaded: the checkpoint's file, and the state of every part by its name, values among them. */
export interface LoadedCheckpoint extends CheckpointFile {
  readonly state: Readonly<Record<string, unknown>>
}

/** The folder that a program names; throws a TypeError for anything else. */
export function folderOf(given: unknown): Folder {
  const has = (...names: readonly string[]): boolean =>
    typeof given === 'object' && given !== null && names.every((name) => name in given)
  if (typeof given === 'string' || has('href', 'protocol'))
    return folderAt(pathOf('Checkpoint', given as string | UrlLike))
  if (has('getFileHandle', 'removeEntry')) return handleFolder(given as DirectoryHandleLike)
  throw new TypeError(
    `Checkpoint(): argument 'folder' must be str, URL or FileSystemDirectoryHandle, not ${typeName(given)}`,
    'Pass the path of a folder; in a browser, await navigator.storage.getDirectory().',
  )
}

// Files of Node, the only place of core that knows it. Node's modules are asked for when a path is opened, so that core
// loads in every engine. A file is replaced as a whole: its new content is written beside it, reaches the disk, and gets
// its name, so that whatever happens on the way leaves the old file or the new one.
import { RuntimeError, TypeError } from '../base/errors.ts'
import { checkRange, type Source, type UrlLike } from './source.ts'

interface Handle {
  read(into: Uint8Array, at: number, length: number, position: number): Promise<{ readonly bytesRead: number }>
  write(bytes: Uint8Array): Promise<{ readonly bytesWritten: number }>
  stat(): Promise<{ readonly size: number; isDirectory(): boolean }>
  sync(): Promise<void>
  close(): Promise<void>
}
interface Files {
  open(path: string, flags: string): Promise<Handle>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  realpath(path: string): Promise<string>
  readdir(path: string): Promise<string[]>
  mkdir(path: string, options: { readonly recursive: true }): Promise<unknown>
  stat(path: string): Promise<{ readonly mtimeMs: number }>
}
interface Node {
  readonly pid: number
  kill(pid: number, signal: 0): void
  getBuiltinModule(id: 'fs/promises'): Files
  getBuiltinModule(id: 'path'): { dirname(path: string): string }
  getBuiltinModule(id: 'url'): { fileURLToPath(url: string): string }
}

/** Node, or the error for a path where there are no files. */
function node(caller: string, path: string): Node {
  const { process } = globalThis as { readonly process?: Partial<Node> }
  if (typeof process?.getBuiltinModule === 'function') return process as Node
  throw new RuntimeError(`${caller}(): '${path}' is a path, and there are no files here`, instead[caller])
}

const instead: Readonly<Record<string, string>> = {
  save: 'Without a target, save() returns the bytes: new Blob([bytes]). Or pass a FileSystemFileHandle.',
  load: 'Pass a File or Blob, or the address: new URL(path, location.href).',
  Checkpoint: 'Pass a FileSystemDirectoryHandle: await navigator.storage.getDirectory().',
}

/** The path of a string or of a URL of a file. */
export function pathOf(caller: string, given: string | UrlLike): string {
  const text = typeof given === 'string' ? given : given.href
  if (/^file:/i.test(text)) return node(caller, text).getBuiltinModule('url').fileURLToPath(text)
  if (typeof given === 'string' && !/^\w\w+:\/\//.test(text)) return text
  throw new TypeError(`${caller}(): ${text} is not the address of a file`, 'Pass a path, or a URL that begins file:')
}

/** Python's sentence for an error of the system, which names the path; other errors as they are. */
export function systemError(error: unknown, path: string): unknown {
  const { code, errno, message } = error as { code?: string; errno?: number; message: string }
  if (typeof errno !== 'number' || typeof code !== 'string') return error
  const text = /^\w+: (.)(.*?)(?:, \w+.*)?$/.exec(message)
  const words = text === null ? code : text[1].toUpperCase() + text[2]
  return new RuntimeError(`[Errno ${Math.abs(errno)}] ${words}: '${path}'`, hints[code])
}

const hints: Readonly<Record<string, string>> = {
  ENOENT: 'Is the path right? A folder that a file is to be saved in must exist.',
  ENOTDIR: 'A part of the path is a file, not a folder.',
  EISDIR: 'It is a folder: name a file in it.',
  EACCES: 'This user may not do that there.',
  EPERM: 'This user may not do that there.',
  EROFS: 'Nothing can be written there.',
  ENOSPC: 'The disk is full. A file that was there before is unchanged.',
  EFBIG: 'The file would be larger than is allowed. A file that was there before is unchanged.',
  EDQUOT: 'The quota is used up. A file that was there before is unchanged.',
}

/** Opens a file for reading by range. */
export async function openFile(path: string): Promise<Source> {
  const fs = node('load', path).getBuiltinModule('fs/promises')
  const attempt = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      throw systemError(error, path)
    }
  }
  const handle = await attempt(fs.open(path, 'r'))
  try {
    const stat = await attempt(handle.stat())
    if (stat.isDirectory()) throw new RuntimeError(`[Errno 21] Is a directory: '${path}'`, hints.EISDIR)
    const source: Source = {
      name: path,
      size: stat.size,
      async read(start, end) {
        checkRange(source, start, end)
        const bytes = new Uint8Array(end - start)
        await source.fill(start, bytes)
        return bytes
      },
      async fill(start, target) {
        checkRange(source, start, start + target.length)
        for (let at = 0; at < target.length; ) {
          const { bytesRead } = await attempt(handle.read(target, at, target.length - at, start + at))
          if (bytesRead === 0)
            throw new RuntimeError(`${path}: became shorter while it was read`, 'Does another program write it?')
          at += bytesRead
        }
      },
      close: () => handle.close(),
    }
    return source
  } catch (error) {
    await handle.close()
    throw error
  }
}

let written = 0

/**
 * Writes a file as a whole, or not at all. If the process ends meanwhile, the part that was written stays beside the
 * file, with `.tmp-` and a number behind the name.
 */
export async function writeFile(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const host = node('save', path)
  const fs = host.getBuiltinModule('fs/promises')
  // Through a link, the file that it leads to is replaced.
  const target = await fs.realpath(path).catch(() => path)
  let beside = ''
  // A process that had the same number may have left a file of this name.
  const open = async (): Promise<Handle> => {
    for (;;) {
      beside = `${target}.tmp-${host.pid}-${written++}`
      try {
        return await fs.open(beside, 'wx')
      } catch (error) {
        if ((error as { code?: string }).code !== 'EEXIST') throw error
      }
    }
  }
  let handle: Handle | null = null
  try {
    handle = await open()
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk.subarray(at))).bytesWritten
    }
    await handle.sync()
    await handle.close()
    await fs.rename(beside, target)
  } catch (error) {
    await handle?.close().catch(() => undefined)
    if (handle !== null) await fs.unlink(beside).catch(() => undefined)
    throw systemError(error, path)
  }
  await syncFolder(fs, host.getBuiltinModule('path').dirname(target))
}

/** Lets a new name reach the disk. Some systems do not open folders; there the name is safe already. */
async function syncFolder(fs: Files, folder: string): Promise<void> {
  const handle = await fs.open(folder, 'r').catch(() => null)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}

// ---- folders ----

/** A folder of files that are written as a whole. */
export interface Folder {
  /** How messages call it. */
  readonly name: string
  /** The names of its files; none if there is no such folder. */
  names(): Promise<string[]>
  pathOf(name: string): string
  make(): Promise<void>
  /** What `load` takes for a file. */
  source(name: string): Promise<unknown>
  /** Calls `save` with the target for a file. */
  write(name: string, save: (target: unknown) => Promise<unknown>): Promise<void>
  remove(name: string): Promise<void>
  /** Removes what processes that ended have left beside files. */
  sweep(pattern: RegExp): Promise<void>
}

/** A folder by its path. */
export function folderAt(path: string): Folder {
  const host = node('Checkpoint', path)
  const fs = host.getBuiltinModule('fs/promises')
  const at = (name: string): string => `${path}/${name}`
  const attempt = async <T>(work: Promise<T>, on: string, otherwise?: T): Promise<T> => {
    try {
      return await work
    } catch (error) {
      if (otherwise !== undefined && (error as { code?: string }).code === 'ENOENT') return otherwise
      throw systemError(error, on)
    }
  }
  const isAlive = (pid: number): boolean => {
    try {
      host.kill(pid, 0)
      return true
    } catch (error) {
      return (error as { code?: string }).code !== 'ESRCH'
    }
  }
  return {
    name: path,
    names: () => attempt(fs.readdir(path), path, []),
    pathOf: at,
    make: async () => void (await attempt(fs.mkdir(path, { recursive: true }), path)),
    source: async (name) => at(name),
    write: async (name, save) => void (await save(at(name))),
    remove: async (name) => void (await attempt<unknown>(fs.unlink(at(name)), at(name), null)),
    async sweep(pattern) {
      for (const name of await attempt(fs.readdir(path), path)) {
        const pid = pattern.test(name) ? Number(/\.tmp-(\d+)-\d+$/.exec(name)?.[1]) : Number.NaN
        if (Number.isNaN(pid)) continue
        // A file with this process's number is an older one's if it is older than this process.
        const { mtimeMs } = await fs.stat(at(name)).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }))
        const isLeft = pid === host.pid ? mtimeMs < performance.timeOrigin : !isAlive(pid)
        if (isLeft) await fs.unlink(at(name)).catch(() => undefined)
      }
    },
  }
}

declare const performance: { readonly timeOrigin: number }

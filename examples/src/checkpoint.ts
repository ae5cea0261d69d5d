// The file of a checkpoint: JSON with a digest. It is written beside its place and then renamed, so that it is always
// whole, whenever the program ends.
import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { UsageError } from './arguments.ts'
import type { Checkpoint } from './run.ts'

/** What a checkpoint belongs to; a training of something else does not resume it. */
export interface Owner {
  readonly lesson: string
  readonly data: string
  readonly seed: string
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Calls `write` with the name of a file beside `file`, and removes it if it is still there afterwards. */
const writing = (file: string, write: (beside: string) => void): void => {
  const beside = `${file}.${process.pid}.new`
  try {
    write(beside)
  } catch (error) {
    throw new UsageError(`cannot write '${file}': ${(error as Error).message}`)
  } finally {
    rmSync(beside, { force: true })
  }
}

/** Throws a UsageError if a file cannot be written. */
export const checkWritable = (file: string): void => writing(file, (beside) => writeFileSync(beside, ''))

/** Writes a checkpoint. Throws a UsageError if the file cannot be written; an older one is then still there. */
export const writeCheckpoint = (file: string, owner: Owner, checkpoint: Checkpoint): void => {
  const content = JSON.stringify(checkpoint)
  const head = JSON.stringify({ ...owner, digest: digestOf(content) })
  writing(file, (beside) => {
    const descriptor = openSync(beside, 'w')
    try {
      writeFileSync(descriptor, `${head.slice(0, -1)},"checkpoint":${content}}\n`)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(beside, file)
  })
}

/**
 * The checkpoint in a file, or undefined if there is no such file. Throws a UsageError if it cannot be read, if it is
 * damaged, or if it is of something else.
 */
export const readCheckpoint = (file: string, owner: Owner): Checkpoint | undefined => {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new UsageError(`cannot read '${file}': ${(error as Error).message}`)
  }
  const { checkpoint, digest, ...found } = parsed(text)
  if (checkpoint === undefined || digest !== digestOf(JSON.stringify(checkpoint))) {
    throw new UsageError(`'${file}' is damaged or no checkpoint: delete it to begin anew, or name another file`)
  }
  for (const [what, own] of Object.entries(owner)) {
    if (found[what] === own) continue
    throw new UsageError(`'${file}' is a checkpoint of ${what} ${found[what]}, not ${own}: name another file`)
  }
  return checkpoint as Checkpoint
}

const parsed = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

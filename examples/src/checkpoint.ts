// The file of a training: the states of the model and what trains it, which every program that reads safetensors finds by
// name, and where the training is.
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { load, save } from 'flambeau'
import { UsageError } from './arguments.ts'
import type { Checkpoint } from './run.ts'

/** What a training is of; one of something else does not resume it. */
export interface Owner {
  readonly lesson: string
  readonly data: string | null
  readonly seed: string
}

const sentence = (error: unknown): string => (error as Error).message.split('\n')[0]

/** Throws a UsageError if a file cannot be written. */
export const checkWritable = (file: string): void => {
  const beside = `${file}.${process.pid}.new`
  try {
    writeFileSync(beside, '')
  } catch (error) {
    throw new UsageError(`cannot write '${file}': ${sentence(error)}`)
  } finally {
    rmSync(beside, { force: true })
  }
}

/** Writes a training. Throws a UsageError if the file cannot be written; an older one is then still there. */
export const writeCheckpoint = async (
  file: string,
  owner: Owner,
  { things, ...training }: Checkpoint,
): Promise<void> => {
  try {
    await save({ ...things, training: { ...owner, ...training } }, file)
  } catch (error) {
    throw new UsageError(`cannot save: ${sentence(error)}`)
  }
}

/**
 * The training in a file, or undefined if there is no such file. Throws a UsageError if it cannot be read, or if it is
 * of something else.
 */
export const readCheckpoint = async (file: string, owner: Owner): Promise<Checkpoint | undefined> => {
  if (!existsSync(file)) return undefined
  let saved: { readonly training?: (Checkpoint & Owner) | undefined }
  try {
    saved = (await load(file)) as typeof saved
  } catch (error) {
    throw new UsageError(`cannot resume: ${sentence(error)}`)
  }
  const { training, ...things } = saved
  if (training?.lesson === undefined) throw new UsageError(`'${file}' is no training of a lesson: name another file`)
  for (const [what, own] of Object.entries(owner)) {
    const found = training[what as keyof Owner]
    if (found !== own)
      throw new UsageError(`'${file}' is a training of ${what} ${found}, not ${own}: name another file`)
  }
  return { ...training, things }
}

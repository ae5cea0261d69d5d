// The file of a training, for the command line.
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { load, save } from 'flambeau'
import { UsageError } from './arguments.ts'
import type { Checkpoint } from './run.ts'
import { type Owner, trainingIn, treeOf } from './saved.ts'

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
export const writeCheckpoint = async (file: string, owner: Owner, checkpoint: Checkpoint): Promise<void> => {
  try {
    await save(treeOf(owner, checkpoint), file)
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
  let loaded: unknown
  try {
    loaded = await load(file)
  } catch (error) {
    throw new UsageError(`cannot resume: ${sentence(error)}`)
  }
  const training = trainingIn(loaded)
  if (training === undefined) throw new UsageError(`'${file}' is no training of a lesson: name another file`)
  for (const [what, own] of Object.entries(owner)) {
    const found = training[what as keyof Owner]
    if (found !== own)
      throw new UsageError(`'${file}' is a training of ${what} ${found}, not ${own}: name another file`)
  }
  return training
}

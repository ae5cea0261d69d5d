// What the file of a training holds: the states of the model and of what trains it, by names that every reader of
// safetensors finds, and where the training is. The command line and the page save and load the same files.
import type { Checkpoint } from './run.ts'

/** What a training is of; one of something else does not resume it. */
export interface Owner {
  readonly lesson: string
  readonly data: string | null
  readonly seed: string
}

/** What is saved. */
export const treeOf = (owner: Owner, { things, ...training }: Checkpoint): Readonly<Record<string, unknown>> => ({
  ...things,
  training: { ...owner, ...training },
})

/** The training in what was loaded; undefined if it is something else. */
export const trainingIn = (loaded: unknown): (Owner & Checkpoint) | undefined => {
  if (typeof loaded !== 'object' || loaded === null || !('training' in loaded)) return undefined
  const { training, ...things } = loaded
  const isTraining = typeof training === 'object' && training !== null && 'lesson' in training
  return isTraining ? { ...(training as Owner & Checkpoint), things } : undefined
}

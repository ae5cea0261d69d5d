// The initial numbers of a workload for all subjects, as files that every language can read.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tensor } from 'flambeau'
import type { Workload } from '../workloads/workload.ts'
import type { Stored } from './answering.ts'

/** Writes inputs into a folder; inputs that workloads share are written once. */
export class InputFiles {
  readonly #folder: string
  readonly #written = new Map<Workload['inputs'], Record<string, Stored>>()

  constructor(folder: string) {
    this.#folder = folder
  }

  async of({ name, inputs }: Pick<Workload, 'name' | 'inputs'>): Promise<Record<string, Stored>> {
    const known = this.#written.get(inputs)
    if (known !== undefined) return known
    const stored = Object.entries(await inputs()).map(
      ([key, tensor]) => [key, this.#store(`${name}-${key}`, tensor)] as const,
    )
    const written = Object.fromEntries(stored)
    this.#written.set(inputs, written)
    return written
  }

  #store(name: string, tensor: Tensor): Stored {
    const file = join(this.#folder, name)
    const dtype = tensor.dtype === 'int32' ? 'int32' : 'float32'
    writeFileSync(file, tensor.toArray() as Float32Array | Int32Array)
    return { file, shape: [...tensor.shape], dtype }
  }
}

// The undo log restores state if a call that makes several changes fails: elements of memory, and anything that effects
// and optimizers register.
import type { Output, Spec } from '../backend/backend.ts'
import type { Device } from './device.ts'
import { copyTo, isCertain, rowMajor } from './dispatch.ts'
import { effects } from './effects.ts'
import type { Tensor } from './tensor.ts'

export class UndoLog {
  readonly #restores: (() => void)[] = []
  readonly #saved = new Set<Output['buffer']>()

  add(restore: () => void): void {
    this.#restores.push(restore)
  }

  /** Saves the elements of a buffer that is about to be written for the first time. */
  save(device: Device, { buffer, sizes, dtype }: Output): void {
    if (this.#saved.has(buffer)) return
    this.#saved.add(buffer)
    const spec: Spec = { sizes, dtype }
    const copy = { ...spec, buffer: device.backend.alloc(spec) }
    copyTo(device, rowMajor({ ...spec, buffer }), copy)
    this.add(() => copyTo(device, rowMajor(copy), { ...spec, buffer }))
  }

  /** Restores everything, the last change first. */
  restore(): void {
    for (const restore of this.#restores.reverse()) restore()
  }
}

/**
 * Writes to several tensors, or to none if one write fails. The caller has checked everything that can be checked, so
 * only a backend that is not `certain` can fail half-way; nothing is copied for the others. A recorder undoes its whole
 * step.
 */
export function atomically(tensors: readonly Tensor[], write: () => void): void {
  if (effects.sink !== null || tensors.every(({ storage }) => isCertain(storage.device))) {
    write()
    return
  }
  const log = new UndoLog()
  for (const { storage, dtype } of tensors) {
    const { version, buffer, device, size } = storage
    log.add(() => void (storage.version = version))
    log.save(device, { buffer, sizes: [size], dtype })
  }
  try {
    write()
  } catch (error) {
    log.restore()
    throw error
  }
}

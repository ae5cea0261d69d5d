// What a step changed while it was recorded, so that an error leaves everything as it was: elements of memory from
// before the step, and whatever effects and optimizers say of themselves.
import type { Backend, DeviceBuffer, Output, Spec } from '../backend/backend.ts'
import { copyTo, rowMajor } from '../tensor/dispatch.ts'

export class UndoLog {
  readonly #restores: (() => void)[] = []
  readonly #saved = new Set<DeviceBuffer>()

  add(restore: () => void): void {
    this.#restores.push(restore)
  }

  /** Keeps the elements of a buffer that is about to be written for the first time. */
  save(backend: Backend, out: Output): void {
    const { buffer } = out
    if (this.#saved.has(buffer)) return
    this.#saved.add(buffer)
    const spec: Spec = { shape: out.shape, dtype: out.dtype }
    const copy = { ...spec, buffer: backend.alloc(spec) }
    copyTo(backend, rowMajor({ ...spec, buffer }), copy)
    this.add(() => copyTo(backend, rowMajor(copy), { ...spec, buffer }))
  }

  /** Everything back, the last change first. */
  restore(): void {
    for (const restore of this.#restores.reverse()) restore()
  }
}

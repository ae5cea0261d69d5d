// Browsers have no disk to write event files and logs to.
import { RuntimeError } from '@flambeau/core'
import type { GrowingFile } from './files-node.ts'

const noDisk = (path: string): RuntimeError =>
  new RuntimeError(
    `${path}: there is no file system in this environment`,
    'Event files and logs are written in Node. In a page, keep the values in an array, and show or send them.',
  )

export const openFile = (path: string): GrowingFile => {
  throw noDisk(path)
}
export const readWhole = (path: string): Uint8Array => {
  throw noDisk(path)
}
export const host = (): string => 'browser'
export const processId = (): number => 0
export const atExit =
  (_run: () => void): (() => void) =>
  () => {}

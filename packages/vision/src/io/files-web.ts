// Files in a browser: anything that `fetch` can reach, and no disk.
import { RuntimeError } from '@flambeau/core'

/** Fetches the bytes at a URL; throws a RuntimeError if the status is not a success. */
export const fetchBytes = async (source: string | URL): Promise<Uint8Array> => {
  const response = await fetch(source)
  if (!response.ok) throw new RuntimeError(`${String(source)}: ${response.status} ${response.statusText}`)
  return new Uint8Array(await response.arrayBuffer())
}

export const readBytes = fetchBytes

const noDisk = (path: string, hint: string): RuntimeError =>
  new RuntimeError(`${path}: there is no file system in this environment`, hint)
const passFiles = 'Fetch it and pass what it holds: { root: { path: bytes } }, or { weights: await response.json() }.'

export const readFileNow = (path: string): Uint8Array | undefined => {
  throw noDisk(path, passFiles)
}
export const listFiles = (folder: string): string[] => {
  throw noDisk(folder, passFiles)
}
export const writeFileNow = (path: string, _bytes: Uint8Array): void => {
  throw noDisk(path, 'encodePng and encodeJpeg return the bytes of a file.')
}

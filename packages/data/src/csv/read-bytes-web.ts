// Reading bytes in a browser: whatever `fetch` can reach.
import { RuntimeError } from '@flambeau/core'

/** The bytes at a URL; throws a RuntimeError for a status that is no success. */
export const fetchBytes = async (source: string | URL): Promise<Uint8Array> => {
  const response = await fetch(source)
  if (!response.ok) throw new RuntimeError(`${String(source)}: ${response.status} ${response.statusText}`)
  return new Uint8Array(await response.arrayBuffer())
}

export const readBytes = fetchBytes

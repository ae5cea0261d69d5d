// Reads bytes in a browser: anything that `fetch` can reach.
import { RuntimeError } from '@flambeau/core'

/** Fetches the bytes at a URL; throws a RuntimeError if the status is not a success. */
export const fetchBytes = async (source: string | URL): Promise<Uint8Array> => {
  const response = await fetch(source)
  if (!response.ok) throw new RuntimeError(`${String(source)}: ${response.status} ${response.statusText}`)
  return new Uint8Array(await response.arrayBuffer())
}

export const readBytes = fetchBytes

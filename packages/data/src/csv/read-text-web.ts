// Reading text in a browser: whatever `fetch` can reach.
import { RuntimeError } from '@flambeau/core'

/** The text at a URL; throws a RuntimeError for a status that is no success. */
export const fetchText = async (source: string | URL): Promise<string> => {
  const response = await fetch(source)
  if (!response.ok) throw new RuntimeError(`${String(source)}: ${response.status} ${response.statusText}`)
  return response.text()
}

export const readText = fetchText

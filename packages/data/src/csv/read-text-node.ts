// Reading text in Node: paths and file URLs from the disk, the rest from the network.
import { readFile } from 'node:fs/promises'
import { fetchText } from './read-text-web.ts'

export const readText = async (source: string | URL): Promise<string> => {
  const isRemote = /^https?:/i.test(String(source))
  if (isRemote) return fetchText(source)
  const isFileUrl = typeof source === 'string' && source.startsWith('file:')
  return readFile(isFileUrl ? new URL(source) : source, 'utf8')
}

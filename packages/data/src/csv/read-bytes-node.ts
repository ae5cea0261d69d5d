// Reads bytes in Node: paths and file URLs from the disk, other URLs from the network.
import { readFile } from 'node:fs/promises'
import { fetchBytes } from './read-bytes-web.ts'

export const readBytes = async (source: string | URL): Promise<Uint8Array> => {
  const isRemote = /^https?:/i.test(String(source))
  if (isRemote) return fetchBytes(source)
  const isFileUrl = typeof source === 'string' && source.startsWith('file:')
  return readFile(isFileUrl ? new URL(source) : source)
}

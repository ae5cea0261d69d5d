// Common parts of the tests of files: golden files, files that a test builds, and the bits of what was read.
import { Tensor } from '@flambeau/core'
import { expect } from 'vitest'
import { readGolden } from '../golden-tensors.ts'

export interface GoldenArray {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data: string
  readonly stored?: string
}
export interface GoldenFile {
  readonly file: string
  readonly tensors: Readonly<Record<string, GoldenArray>>
}
export const golden = readGolden<{
  readonly read: Readonly<Record<string, GoldenFile>>
  readonly written: Readonly<Record<string, GoldenFile>>
  readonly halves: Readonly<Record<string, string>> & { readonly lower: readonly number[] }
}>('files')

export const fromText = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))
export const toText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

/** Dtype, shape and bits; a NaN is a NaN. */
export const bitsOf = (x: Tensor): GoldenArray => {
  const { buffer, byteOffset, byteLength } = x.toArray()
  return { dtype: x.dtype, shape: [...x.shape], data: toText(new Uint8Array(buffer, byteOffset, byteLength)) }
}

/** A safetensors file with a header as text or as an object. */
export function safetensorsFile(header: unknown, data: Uint8Array | number = 0, length?: bigint): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const head = new DataView(new ArrayBuffer(8))
  head.setBigUint64(0, length ?? BigInt(json.length), true)
  const bytes = typeof data === 'number' ? new Uint8Array(data) : data
  return new Uint8Array(Buffer.concat([new Uint8Array(head.buffer), json, bytes]))
}

/** The error of a promise, which must be one of flambeau's; its first line. */
export async function errorOf(work: Promise<unknown>): Promise<{ name: string; sentence: string; hint: string }> {
  const error = await work.then(
    (value) => expect.fail(`no error, but ${String(value)}`),
    (given: unknown) => given as Error,
  )
  const [sentence, ...hint] = error.message.split('\n')
  return { name: error.name, sentence, hint: hint.join('\n') }
}

export const isTensor = (x: unknown): x is Tensor => x instanceof Tensor

// Where files come from and go to: paths, URLs, blobs, responses, streams. Only what is asked for is read.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { js } from '@flambeau/backend-js'
import { io, load, ones, save, type Tensor, tensor, useDevice, zeros } from '@flambeau/core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { garbage } from '../../src/backend/garbage.ts'
import { bitsOf, errorOf, safetensorsFile } from './files.ts'

useDevice(js())
const folder = mkdtempSync(join(tmpdir(), 'flambeau-io-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string): string => join(folder, name)

const tree = { a: tensor([1, 2]), b: zeros(70_000), c: tensor([3]), note: 'x' }
const bytes = await save(tree)
const isTree = (loaded: unknown): void => {
  const { a, b, c, note } = loaded as typeof tree
  expect([a.toNested(), b.shape, c.toNested(), note]).toEqual([[1, 2], [70_000], [3], 'x'])
}

describe('a path', () => {
  it.each([
    ['.safetensors', { x: ones(2) }],
    ['.npz', { x: ones(2) }],
    ['.npy', ones(2)],
  ])('%s is written as a whole and read', async (ending, value) => {
    const path = at(`file${ending}`)
    writeFileSync(path, 'old')
    expect(await save(value, path)).toBe(undefined)
    expect(readdirSync(folder)).toEqual([`file${ending}`])
    expect(new Uint8Array(readFileSync(path))).toEqual(
      await save(value, undefined, { format: ending.slice(1) as io.FormatName }),
    )
    for (const source of [path, pathToFileURL(path), pathToFileURL(path).href, new Uint8Array(readFileSync(path))]) {
      const loaded = (await load(source)) as Tensor | Map<string, Tensor> | { x: Tensor }
      const x = loaded instanceof Map ? loaded.get('x') : 'x' in loaded ? loaded.x : loaded
      expect(bitsOf(x as Tensor)).toEqual(bitsOf(ones(2)))
    }
    rmSync(path)
  })

  it('that cannot be opened is a sentence', async () => {
    writeFileSync(at('file'), 'no tensors')
    const sentences = await Promise.all(
      [
        load(at('nothing')),
        load(folder),
        load(join(at('file'), 'x')),
        load(at('file')),
        load(''),
        load('ftp://x/y'),
        load(new URL('ftp://x/y')),
        save(ones(1), join(at('none'), 'x.npy')),
        save(ones(1), join(at('file'), 'x.npy')),
        save(ones(1), at('x')),
        save(ones(1), new URL('https://x/y.npy')),
      ].map(async (work) => (await errorOf(work)).sentence),
    )
    expect(sentences).toEqual([
      `[Errno 2] No such file or directory: '${at('nothing')}'`,
      `[Errno 21] Is a directory: '${folder}'`,
      `[Errno 20] Not a directory: '${join(at('file'), 'x')}'`,
      `${at('file')}: is not a file of tensors: it begins with the bytes 6e 6f 20 74 65 6e 73 6f`,
      "[Errno 2] No such file or directory: ''",
      'load(): ftp://x/y is not the address of a file',
      'load(): ftp://x/y is not the address of a file',
      `[Errno 2] No such file or directory: '${join(at('none'), 'x.npy')}'`,
      `[Errno 20] Not a directory: '${join(at('file'), 'x.npy')}'`,
      `save(): the ending of '${at('x')}' says no format`,
      'save(): https://x/y.npy is not the address of a file',
    ])
    rmSync(at('file'))
  })

  it('keeps the old file if saving fails, and nothing beside it', async () => {
    const path = at('kept.npy')
    await save(ones(3), path)
    const freed = zeros(3)
    const saving = save({ x: freed, y: ones(1) }, path, { format: 'npz' })
    setImmediate(() => freed.dispose())
    await saving.catch(() => undefined)
    await errorOf(save({ x: freed }, path, { format: 'npz' }))
    expect(readdirSync(folder)).toEqual(['kept.npy'])
    rmSync(path)
  })

  it('that is a link replaces the file that it leads to', async () => {
    await save(ones(1), at('real.npy'))
    symlinkSync(at('real.npy'), at('link.npy'))
    await save(ones(2), at('link.npy'))
    expect(((await load(at('real.npy'))) as Tensor).shape).toEqual([2])
    for (const name of ['real.npy', 'link.npy']) rmSync(at(name))
  })

  it('is a sentence where there are no files', async () => {
    vi.stubGlobal('process', Object.create(process, { getBuiltinModule: { value: undefined } }))
    try {
      expect(await errorOf(load('x.npy'))).toEqual({
        name: 'RuntimeError',
        sentence: "load(): 'x.npy' is a path, and there are no files here",
        hint: 'Pass a File or Blob, or the address: new URL(path, location.href).',
      })
      expect((await errorOf(save(ones(1), 'x.npy'))).sentence).toContain('there are no files here')
      isTree(await load(bytes))
    } finally {
      vi.unstubAllGlobals()
    }
  })

  it('of 10 GB gives one tensor, and its list, without the rest being read', async () => {
    const path = at('sparse.safetensors')
    const giga = 10 * 2 ** 30
    const f32 = (size: number, from: number): object => ({
      dtype: 'F32',
      shape: [size / 4],
      data_offsets: [from, from + size],
    })
    const head = safetensorsFile({ big: f32(giga, 0), small: f32(8, giga), last: f32(4096, giga + 8) })
    writeFileSync(path, head)
    truncateSync(path, head.length + giga + 8 + 4096)
    const before = process.memoryUsage().arrayBuffers
    const steps: io.Progress[] = []
    const loaded = (await load(path, { only: 'small', onProgress: (step) => steps.push(step) })) as Map<string, Tensor>
    expect(loaded.get('small')?.toNested()).toEqual([0, 0])
    const { tensors, size } = await io.list(path, { onProgress: (step) => steps.push(step) })
    expect([tensors.map((x) => x.name), size]).toEqual([['big', 'small', 'last'], head.length + giga + 8 + 4096])
    expect(Math.max(...steps.map((step) => step.loaded))).toBeLessThan(2000)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6)
    rmSync(path)
  })
})

describe('a source in memory', () => {
  const chunked = (size: number): ReadableStream<Uint8Array> => {
    let from = 0
    return new ReadableStream({
      pull(controller) {
        controller.enqueue(bytes.slice(from, (from += size)))
        if (from >= bytes.length) controller.close()
      },
    })
  }
  it.each<[string, () => io.Loadable]>([
    ['a Uint8Array within others', () => new Uint8Array([1, 2, 3, ...bytes]).subarray(3)],
    ['an ArrayBuffer', () => bytes.slice().buffer as ArrayBuffer],
    ['a Blob', () => new Blob([bytes as Uint8Array<ArrayBuffer>])],
    ['a File', () => new File([bytes as Uint8Array<ArrayBuffer>], 'x.safetensors')],
    ['a Response', () => new Response(bytes as Uint8Array<ArrayBuffer>) as io.ResponseLike],
    ['a stream of small chunks', () => chunked(1001)],
    ['a stream of large chunks', () => chunked(100_000)],
    ['a data URL', () => `data:application/octet-stream;base64,${Buffer.from(bytes).toString('base64')}`],
  ])('%s', async (_, source) => isTree(await load(source())))

  it('is named in messages', async () => {
    const damaged = new Uint8Array(9) as Uint8Array<ArrayBuffer>
    const names = [new File([damaged], 'a.npy'), new Blob([damaged]), new Response(damaged), new Response(damaged).body]
    const found = await Promise.all(names.map(async (x) => (await errorOf(load(x as io.Loadable))).sentence))
    expect(found.map((text) => text.slice(0, text.indexOf(':')))).toEqual(['a.npy', 'Blob', 'response', 'stream'])
  })

  it('that is no stream of bytes, or never ends, or fails, is an error', async () => {
    const texts = new ReadableStream({ pull: (controller) => controller.enqueue('text') })
    expect((await errorOf(load(texts))).sentence).toBe('load(): a stream of str is not a stream of bytes')
    let cancelled: unknown
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1000)),
      cancel: (reason) => void (cancelled = reason),
    })
    expect((await errorOf(load(endless, { maxBytes: 10_000 }))).sentence).toBe('stream: has more than 10000 bytes')
    expect(String(cancelled)).toContain('has more than 10000 bytes')
    const failing = new ReadableStream({ pull: (controller) => controller.error(new Error('cut')) })
    await expect(load(failing)).rejects.toThrow('cut')
  })

  it('reports its progress, and stops on a signal', async () => {
    const steps: io.Progress[] = []
    isTree(await load(bytes, { onProgress: (step) => steps.push(step) }))
    const last = steps.at(-1)
    expect(last?.loaded).toBe(last?.total)
    expect(steps.every((step, i) => i === 0 || step.loaded >= steps[i - 1].loaded)).toBe(true)
    const controller = new AbortController()
    const stopping = load(bytes, { signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) })
    await expect(stopping).rejects.toThrow('enough')
  })
})

it('memory that is loaded is no garbage: it is looked for before, and not meanwhile', async () => {
  const layers = await save(Array.from({ length: 40 }, () => zeros(2 ** 18)))
  // Each look reads the processor's time, once to three times.
  const looks = vi.spyOn(process, 'cpuUsage')
  try {
    await load(layers)
    expect(looks.mock.calls.length).toBeLessThan(4)
    for (let i = 0; i < 5; i++) garbage.opens(2 ** 23)
    expect(looks.mock.calls.length).toBeGreaterThan(4)
  } finally {
    looks.mockRestore()
  }
})

describe('a URL', () => {
  let server: Server
  let address = ''
  const served: string[] = []
  const answer = ({ url = '', headers }: IncomingMessage, response: ServerResponse): void => {
    served.push(headers.range ?? 'all')
    const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '')
    if (url === '/none') response.writeHead(404).end()
    else if (url === '/ranges' && range !== null) {
      const [from, to] = [Number(range[1]), Math.min(Number(range[2]) + 1, bytes.length)]
      response
        .writeHead(206, { 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` })
        .end(bytes.subarray(from, to))
    } else if (url === '/short')
      response.writeHead(206, { 'content-range': 'bytes 0-9/999999' }).end(bytes.subarray(0, 10))
    else response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
  }
  beforeAll(async () => {
    server = createServer(answer)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => void server.close())

  it('is loaded with its progress', async () => {
    const steps: io.Progress[] = []
    isTree(await load(new URL('/x', address), { onProgress: (step) => steps.push(step) }))
    expect(steps[0].total).toBe(bytes.length)
  })
  it('is asked for ranges where only a part is wanted', async () => {
    served.length = 0
    const some = (await load(`${address}/ranges`, { only: ['a', 'c'] })) as Map<string, Tensor>
    expect(some.get('c')?.toNested()).toEqual([3])
    expect(served.length).toBe(2)
    served.length = 0
    expect((await io.list(`${address}/ranges`)).tensors.length).toBe(3)
    expect(served).toEqual(['bytes=0-65535'])
    // A server without ranges sends all of it.
    expect([...((await load(`${address}/x`, { only: 'a' })) as Map<string, Tensor>).keys()]).toEqual(['a'])
  })
  it('that does not answer is a sentence', async () => {
    expect((await errorOf(load(`${address}/none`))).sentence).toBe(`load(): ${address}/none answers 404 Not Found`)
    expect((await errorOf(load('http://127.0.0.1:9/x'))).sentence).toMatch(
      /^load\(\): cannot fetch http:\/\/127.0.0.1:9\/x: /,
    )
    expect((await errorOf(io.list(`${address}/short`))).name).toBe('ValueError')
    const aborted = AbortSignal.abort(new Error('enough'))
    await expect(load(`${address}/x`, { signal: aborted })).rejects.toThrow('enough')
  })
})

describe('a target', () => {
  const collected = (): { stream: WritableStream<Uint8Array>; bytes: () => Uint8Array } => {
    const chunks: Uint8Array[] = []
    return {
      stream: new WritableStream({ write: (chunk) => void chunks.push(chunk) }),
      bytes: () => new Uint8Array(Buffer.concat(chunks)),
    }
  }
  it('is a stream, or a file that a browser lets a page write', async () => {
    const [a, b] = [collected(), collected()]
    await save(tree, a.stream)
    await save(tree, { name: 'x.safetensors', createWritable: async () => b.stream })
    for (const { bytes: written } of [a, b]) expect(Buffer.compare(written(), bytes)).toBe(0)
    expect((await errorOf(save(tree, { name: 'x', createWritable: async () => b.stream }))).sentence).toContain(
      'says no format',
    )
  })
  it('that fails is the error of saving', async () => {
    const failing = new WritableStream({
      write() {
        throw new Error('full')
      },
    })
    await expect(save(tree, failing)).rejects.toThrow('full')
  })
})

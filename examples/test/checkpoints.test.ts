// Checkpoints: a training that is interrupted after any step, and resumed, has the bits of one that went on; a file that
// is damaged is left out; what does not fit changes nothing; and a process may end at any moment.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DataLoader, TensorDataset } from '@flambeau/data'
import { build } from 'esbuild'
import {
  compile,
  defaultGenerator,
  F,
  full,
  Generator,
  io,
  js,
  KeyError,
  manualSeed,
  nn,
  optim,
  RuntimeError,
  randn,
  type Tensor,
  TypeError,
  tensor,
  useDevice,
  ValueError,
} from 'flambeau'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { inPage } from '../../tools/test/browser.ts'
import { chromiumMissing, nativeMissing, testWith } from '../../tools/test/machine.ts'
import { bundle } from './bundle.ts'

const root = mkdtempSync(join(tmpdir(), 'flambeau-checkpoint-'))
let count = 0
const folder = (): string => join(root, String(count++))
afterAll(() => rmSync(root, { recursive: true }))
beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => {}))
afterEach(() => {
  useDevice(js())
  vi.restoreAllMocks()
})

/**
 * A training in which everything has a state: dropout and noise draw, batch norm has buffers, Adam has moments and steps,
 * a scheduler counts, the loader shuffles with a generator of its own, and the epoch and the losses are plain values.
 */
const makeTraining = (compiled: boolean, seed: number) => {
  manualSeed(seed)
  const x = randn(14, 3)
  const y = tensor(Int32Array.from({ length: 14 }, (_, i) => i % 3))
  const generator = new Generator().manualSeed(seed + 1)
  const noise = new Generator().manualSeed(seed + 2)
  const loader = new DataLoader(new TensorDataset(x, y), { batchSize: 4, shuffle: true, generator })
  const model = new nn.Sequential(new nn.Linear(3, 4), new nn.BatchNorm1d(4), new nn.Dropout(0.5), new nn.Linear(4, 3))
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.05, amsgrad: true })
  const scheduler = new optim.lrScheduler.StepLR(optimizer, { stepSize: 1, gamma: 0.5 })
  const step = (x: Tensor, y: Tensor): Tensor => {
    const noisy = x.add(randn(x.shape, { generator: noise }))
    const loss = F.crossEntropy(model.forward(noisy), y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  }
  const parts = { model, schedules: [optimizer, scheduler], noise, loader, epoch: 0, losses: [] as number[], data: x }
  return { parts, step: compiled ? compile(step) : step, scheduler }
}
type Training = ReturnType<typeof makeTraining>

/** Trains for two epochs, from where the parts are; calls `after` after every batch. */
const train = async (
  { parts, step, scheduler }: Training,
  after: (step: number) => Promise<unknown>,
): Promise<void> => {
  for (; parts.epoch < 2; parts.epoch++) {
    for (const [x, y] of parts.loader) {
      parts.losses.push(step(x, y).item())
      await after(parts.losses.length)
    }
    scheduler.step()
  }
}

/** Everything that a training has at its end, to the bit. */
const endOf = async ({ parts }: Training): Promise<string> =>
  Buffer.from(await io.save({ ...parts, random: defaultGenerator })).toString('base64')

/** Interrupts a training after each of its steps. */
const everywhere = async (compiled: boolean): Promise<void> => {
  const path = folder()
  const straight = makeTraining(compiled, 5)
  const checkpoint = new io.Checkpoint(path, straight.parts, { keep: null })
  await train(straight, (step) => checkpoint.save(step))
  const end = await endOf(straight)
  const steps = (await checkpoint.list()).map(({ step }) => step)
  expect(steps.length).toBe(8)
  for (const step of steps) {
    const resumed = makeTraining(compiled, 77)
    expect((await new io.Checkpoint(path, resumed.parts).load(step))?.step).toBe(step)
    await train(resumed, async () => {})
    expect(await endOf(resumed), `after step ${step}`).toBe(end)
  }
}

describe('a training that is resumed has the bits of one that went on', () => {
  it('eager on js', () => everywhere(false))
  it('compiled on js', () => everywhere(true))
  for (const compiled of [false, true]) {
    testWith('native', nativeMissing, `${compiled ? 'compiled' : 'eager'} on native`, async () => {
      const { native } = await import('@flambeau/backend-native')
      useDevice(await native())
      await everywhere(compiled)
    })
  }
})

const warnings = (): string[] => vi.mocked(console.warn).mock.calls.map(([text]) => String(text))

describe('files of checkpoints', () => {
  const saved = async (steps: readonly number[], keep: number | null = null) => {
    const parts = { weights: full([100], 0), note: '' }
    const checkpoint = new io.Checkpoint(folder(), parts, { keep })
    for (const step of steps) {
      parts.weights.fill_(step)
      parts.note = `step ${step}`
      expect(await checkpoint.save(step)).toBe(`${checkpoint.folder}/checkpoint-${step}.safetensors`)
    }
    parts.weights.fill_(-1)
    parts.note = ''
    return { checkpoint, parts }
  }

  it('the last ones are kept, and the last one is loaded', async () => {
    const { checkpoint, parts } = await saved([8, 9, 10, 100], 3)
    expect(await checkpoint.list()).toEqual(
      [9, 10, 100].map((step) => ({ step, path: `${checkpoint.folder}/checkpoint-${step}.safetensors` })),
    )
    expect(await checkpoint.latest()).toMatchObject({ step: 100 })
    const { weights } = parts
    expect(await checkpoint.load()).toMatchObject({ step: 100, state: { note: 'step 100' } })
    expect([parts.note, parts.weights === weights, weights.eq(100).all().item()]).toEqual(['step 100', true, 1])
    expect(await checkpoint.load(9)).toMatchObject({ step: 9 })
    expect([parts.note, weights.eq(9).all().item()]).toEqual(['step 9', 1])
    await expect(checkpoint.load(8)).rejects.toThrow(
      /there is no checkpoint of step 8\nOf the steps, there are 9, 10, 100/,
    )
    // What was written last stays, also if it is not the last step.
    await checkpoint.save(1)
    expect((await checkpoint.list()).map(({ step }) => step)).toEqual([1, 10, 100])
    const none = new io.Checkpoint(folder(), parts)
    expect([await none.list(), await none.latest(), await none.load()]).toEqual([[], null, null])
  })

  const damages: Record<string, (file: string) => void> = {
    'cut off': (file) => truncateSync(file, readFileSync(file).length - 1),
    empty: (file) => truncateSync(file, 0),
    'with another bit in an element': (file) => {
      const bytes = readFileSync(file)
      bytes[bytes.length - 1] ^= 1
      writeFileSync(file, bytes)
    },
    'with another value': (file) =>
      writeFileSync(file, readFileSync(file, 'latin1').replace('step 3', 'step 4'), 'latin1'),
    'of another step': (file) => writeFileSync(file, readFileSync(file.replace('-3.', '-2.'))),
    'something else': (file) => writeFileSync(file, 'hello'),
  }
  it.each(Object.entries(damages))('a file that is damaged is left out: %s', async (_, damage) => {
    const { checkpoint, parts } = await saved([1, 2, 3])
    const { path } = (await checkpoint.latest()) as io.CheckpointFile
    damage(path)
    await expect(checkpoint.load(3)).rejects.toThrow(path)
    expect(parts.note).toBe('')
    expect(await checkpoint.load()).toMatchObject({ step: 2 })
    expect(parts.note).toBe('step 2')
    expect(warnings().at(-1)).toContain(`${path} is left out, and the checkpoint before it is taken: `)
    for (const file of readdirSync(String(checkpoint.folder)))
      writeFileSync(join(String(checkpoint.folder), file), 'hello')
    await expect(checkpoint.load()).rejects.toThrow(RuntimeError)
  })

  it('what does not fit changes nothing', async () => {
    const make = (hidden: number, lr: number) => {
      const model = new nn.Sequential(new nn.Linear(2, hidden), new nn.BatchNorm1d(hidden))
      const optimizer = new optim.SGD(model.parameters(), { lr, momentum: 0.9 })
      F.mseLoss(model.forward(randn(3, 2)), randn(3, hidden)).backward()
      optimizer.step()
      let best: unknown = lr
      const stopping = { stateDict: () => best, loadStateDict: (state: unknown) => void (best = state) }
      const generator = new Generator().manualSeed(lr * 100)
      return { small: tensor([lr]), generator, nested: [{ stopping, optimizer }], epoch: lr, model }
    }
    const path = folder()
    await new io.Checkpoint(path, make(3, 0.5)).save(1)
    const stateOf = async (parts: object) => Buffer.from(await io.save({ parts, random: defaultGenerator }))
    const refused = async (parts: Record<string, unknown>, type: new (sentence: string) => Error, text: RegExp) => {
      const before = await stateOf(parts)
      const error = await new io.Checkpoint(path, parts).load().then(
        () => undefined,
        (error: Error) => error,
      )
      expect(error).toBeInstanceOf(type)
      expect(error?.message).toMatch(text)
      expect((await stateOf(parts)).equals(before)).toBe(true)
    }
    await refused(make(4, 0.25), RuntimeError, /size mismatch|doesn't match/)
    await refused({ ...make(3, 0.25), small: tensor([1, 2]) }, ValueError, /does not fit/)
    await refused({ ...make(3, 0.25), generator: new optim.SGD([tensor([1])], 0.1) }, KeyError, /params?/)
    await refused({ ...make(3, 0.25), other: 1 }, KeyError, /'other'\n.*small, generator, nested, epoch, model/)
    // Fewer parts, for a model that is only used.
    const { model } = make(3, 0.25)
    expect(await new io.Checkpoint(path, { model }).load()).toMatchObject({ state: { epoch: 0.5 } })
  })

  it('a folder may be one that a browser lets a page write', async () => {
    const files = new Map<string, Uint8Array>()
    let room = 100_000
    /** As browsers have them: what is written is the file once its stream is closed. */
    const fileOf = (name: string) => ({
      name,
      getFile: async () => new File([files.get(name) as Uint8Array<ArrayBuffer>], name),
      createWritable: async () => {
        const chunks: Uint8Array[] = []
        return new WritableStream<Uint8Array>({
          write: (chunk) => {
            if ((room -= chunk.length) < 0) throw new Error('no room')
            chunks.push(chunk)
          },
          close: () => void files.set(name, Buffer.concat(chunks)),
        })
      },
    })
    const handle: io.DirectoryHandleLike = {
      name: 'runs',
      async *keys() {
        yield* files.keys()
      },
      getFileHandle: async (name, options) => {
        if (options?.create === true && !files.has(name)) files.set(name, new Uint8Array())
        return fileOf(name)
      },
      removeEntry: async (name) => void files.delete(name),
    }
    const parts = { weights: full([10], 1), epoch: 1 }
    const checkpoint = new io.Checkpoint(handle, parts, { keep: 2 })
    for (; parts.epoch < 4; parts.epoch++) expect(await checkpoint.save(parts.epoch)).toMatch(/^runs\/checkpoint-/)
    expect([...files.keys()]).toEqual(['checkpoint-2.safetensors', 'checkpoint-3.safetensors'])
    // A page that ended before the stream was closed leaves an empty file.
    files.set('checkpoint-9.safetensors', new Uint8Array())
    expect(await checkpoint.load()).toMatchObject({ step: 3, path: 'runs/checkpoint-3.safetensors' })
    expect([parts.epoch, warnings().at(-1)]).toEqual([3, expect.stringContaining('runs/checkpoint-9.safetensors')])
    room = 0
    await expect(checkpoint.save(10)).rejects.toThrow('no room')
    expect([...files.keys()]).not.toContain('checkpoint-10.safetensors')
  })

  testWith('browser', chromiumMissing, 'a folder may be that of a page, in Chromium', async () => {
    const { outputFiles } = await build({
      stdin: {
        contents: `
          import { full, io } from 'flambeau'
          const parts = { weights: full([10], 1), epoch: 1 }
          const checkpoint = new io.Checkpoint(await navigator.storage.getDirectory(), parts, { keep: 2 })
          for (; parts.epoch < 4; parts.epoch++) await checkpoint.save(parts.epoch)
          parts.weights.fill_(7)
          const { step } = await checkpoint.load()
          const path = await new io.Checkpoint('a/path', parts).save(1).catch(String)
          globalThis.found = { list: await checkpoint.list(), step, epoch: parts.epoch, sum: parts.weights.sum().item(), path }
        `,
        resolveDir: import.meta.dirname,
      },
      bundle: true,
      write: false,
      format: 'esm',
      conditions: ['@flambeau/source'],
    })
    const found = await inPage({ script: outputFiles[0].text }, async (page) => {
      await page.waitForFunction('globalThis.found')
      return page.evaluate('found')
    })
    expect(found).toEqual({
      list: [2, 3].map((step) => ({ step, path: `checkpoint-${step}.safetensors` })),
      step: 3,
      epoch: 3,
      sum: 10,
      path: expect.stringContaining("'a/path' is a path, and there are no files here"),
    })
  })

  it('a value that only has a getter is returned', async () => {
    const [path, epochs] = [folder(), [3]]
    const parts = Object.defineProperty({}, 'epoch', { get: () => epochs[0], enumerable: true })
    const checkpoint = new io.Checkpoint(path, parts)
    await checkpoint.save(0)
    epochs[0] = 4
    expect((await checkpoint.load())?.state).toEqual({ epoch: 3 })
  })

  it('refuses wrong arguments at the call', async () => {
    const make = io.Checkpoint as unknown as new (...args: unknown[]) => io.Checkpoint
    for (const args of [
      [],
      ['a'],
      [3, {}],
      ['a', []],
      ['a', null],
      ['a', {}, { keep: '3' }],
      ['a', {}, { kept: 3 }],
      [tensor(1), {}],
    ])
      expect(() => new make(...args), String(args)).toThrow(TypeError)
    for (const keep of [0, -1, 1.5, Number.NaN]) expect(() => new make('a', {}, { keep })).toThrow(ValueError)
    expect(() => new make('a', { checkpoint: 1 })).toThrow("a part cannot be named 'checkpoint'")
    const checkpoint = new io.Checkpoint(folder(), { hook: () => {} })
    for (const step of [-1, 0.5, '1', null]) await expect(checkpoint.save(step as number)).rejects.toThrow(TypeError)
    await expect(checkpoint.load(-1)).rejects.toThrow(TypeError)
    await expect(checkpoint.save(1)).rejects.toThrow('hook')
    expect(existsSync(String(checkpoint.folder))).toBe(false)
    expect(() => new make(new Date(), {})).toThrow("argument 'folder' (position 1) must be str, not Date")
  })

  it('a folder that cannot be is named', async () => {
    const file = folder()
    writeFileSync(file, 'old')
    const checkpoint = new io.Checkpoint(join(file, 'below'), { epoch: 1 })
    await expect(checkpoint.save(1)).rejects.toThrow(`[Errno 20] Not a directory: '${join(file, 'below')}'`)
    await expect(checkpoint.load()).rejects.toThrow(RuntimeError)
    expect(readFileSync(file, 'utf8')).toBe('old')
  })
})

/** How many processes are ended while they save. FLAMBEAU_KILLS=200 for more than CI has time for. */
const kills = Number(process.env.FLAMBEAU_KILLS ?? 8)

describe('a process that ends while it saves', () => {
  let program = ''
  beforeEach(async () => {
    program ||= await bundle(mkdtempSync(join(root, 'bundle-')), '../test/saving.ts', 'esm')
  })

  it(`leaves the old file or the new one, ${kills} times`, { timeout: 60_000 + 2000 * kills }, async () => {
    const path = folder()
    let [torn, last] = [0, 0]
    for (let i = 0; i < kills; i++) {
      const child = spawn(process.execPath, [program, path, '30000'], { stdio: ['ignore', 'pipe', 'inherit'] })
      let told = 0
      const lines = createInterface(child.stdout).on('line', (line) => (told = Number(line)))
      await Promise.race([once(lines, 'line'), once(child, 'close')])
      // A golden ratio spreads the moments evenly over 20 ms.
      await new Promise((resolve) => setTimeout(resolve, 20 * ((i * 0.618034) % 1)))
      child.kill('SIGKILL')
      await once(child, 'close')
      torn += Number(readdirSync(path).some((name) => name.includes('.tmp-')))
      const parts = { weights: full([30_000], 0), number: 0 }
      const checkpoint = new io.Checkpoint(path, parts)
      for (const { step } of await checkpoint.list()) {
        await checkpoint.load(step)
        expect(parts.number >> 1).toBe(step)
        expect(parts.weights.eq(parts.number).all().item()).toBe(1)
      }
      expect(parts.number).toBeGreaterThanOrEqual(told)
      last = parts.number
      if (i < kills - 1) for (const { path } of await checkpoint.list()) rmSync(path)
    }
    console.info(`${kills} processes ended while they saved, ${torn} of them within a file`)
    // What they left beside the files goes when the next checkpoint is saved.
    await new io.Checkpoint(path, { number: last }).save(last)
    expect(readdirSync(path).filter((name) => name.includes('.tmp-'))).toEqual([])
  })

  it.skipIf(process.platform === 'win32')('a full disk is a sentence, and the old files are whole', async () => {
    const path = folder()
    const old = new io.Checkpoint(path, { weights: full([10], 7), number: 7 })
    await old.save(0)
    const script = `trap '' XFSZ; ulimit -f 64; exec "$0" "$@"`
    const { status, stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, program, path, '30000'], {
      encoding: 'utf8',
    })
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(/^RuntimeError: \[Errno 27\] File too large: '.*checkpoint-0\.safetensors'\n.* unchanged/)
    expect(readdirSync(path)).toEqual(['checkpoint-0.safetensors'])
    expect(await old.load()).toMatchObject({ step: 0, state: { number: 7 } })
  })

  it.skipIf(process.platform === 'win32')(
    'a folder without rights is a sentence, and its files are whole',
    async () => {
      const path = folder()
      const old = new io.Checkpoint(path, { weights: full([10], 7), number: 7 })
      await old.save(0)
      for (const open of [root, join(program, '..')]) chmodSync(open, 0o755)
      chmodSync(path, 0o555)
      // The superuser may write everywhere.
      const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
      const { status, stdout, stderr } = spawnSync(process.execPath, [program, path, '10'], {
        encoding: 'utf8',
        ...user,
      })
      chmodSync(path, 0o755)
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
      expect(stderr).toMatch(
        /^RuntimeError: \[Errno 13\] Permission denied: '.*checkpoint-0\.safetensors'\nThis user may not/,
      )
      expect(readdirSync(path)).toEqual(['checkpoint-0.safetensors'])
      expect(await old.load()).toMatchObject({ step: 0, state: { number: 7 } })
    },
  )
})

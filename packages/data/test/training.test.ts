// Early stopping, and the log as JSON lines.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manualSeed, nn, ones, RuntimeError, tensor, TypeError, ValueError } from '@flambeau/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import 'flambeau'
import { EarlyStopping, type EarlyStoppingOptions, JsonLinesLog, SummaryWriter } from '../src/training/index.ts'

describe('EarlyStopping', () => {
  const { NaN: nan } = Number
  it.each([
    [{ patience: 2 }, [3, 2, 2, 2, 0], 3, 1],
    [{ patience: 2 }, [3, 2, 2.5, 1.9, 2, 2, 2], 5, 3],
    [{ patience: 1 }, [1, 2], 1, 0],
    [{ patience: 2, mode: 'max' }, [1, 2, 1.5, 1.9], 3, 1],
    [{ patience: 2, minDelta: 0.5 }, [3, 2.6, 2.5, 2.4, 1.9], 2, 0],
    [{ patience: 2, minDelta: 0.5, mode: 'max' }, [0.1, 0.7, 1.1, 1.2, 2], 3, 1],
    [{ patience: 2 }, [nan, 1, nan, nan, 0], 3, 1],
    [{ patience: 2 }, [nan, nan], 1, -1],
    [{ patience: 3 }, [3, 2, 1], -1, 2],
    [{ mode: 'max' }, [Number.NEGATIVE_INFINITY, 0, 0, 0, 0], 4, 1],
  ] satisfies [EarlyStoppingOptions, number[], number, number][])('%j %j', (options, scores, end, best) => {
    const stopping = new EarlyStopping(options)
    expect(scores.findIndex((score) => stopping.step(score))).toBe(end)
    expect([stopping.bestStep, stopping.best, stopping.stopped]).toEqual([best, scores[best] ?? null, end >= 0])
  })

  it('puts the best state back, buffers included, and goes on from a checkpoint', () => {
    manualSeed(0)
    const model = new nn.Sequential(new nn.Linear(2, 2), new nn.BatchNorm1d(2))
    const values = () => Array.from(model.stateDict().values(), (x) => x.toNested())
    const change = () => {
      model.forward(ones(3, 2).mul(model.parameters()[0].at(0, 0)))
      for (const p of model.parameters()) p.setRequiresGrad(false).add_(1).setRequiresGrad(true)
    }
    const run = (between: (stopping: EarlyStopping) => EarlyStopping) => {
      let stopping = new EarlyStopping(2, { restoreBest: model })
      let best: unknown
      for (const score of [tensor(0.5), 0.25, 0.4]) {
        expect(stopping.step(score)).toBe(false)
        if (score === 0.25) best = values()
        change()
      }
      stopping = between(stopping)
      expect(values()).not.toEqual(best)
      expect(stopping.step(0.3)).toBe(true)
      expect(values()).toEqual(best)
    }
    run((stopping) => stopping)
    run((stopping) => {
      const next = new EarlyStopping(2, { restoreBest: model })
      next.loadStateDict(stopping.stateDict())
      expect([next.best, next.bestStep]).toEqual([0.25, 1])
      return next
    })
  })

  it('says what is wrong', () => {
    for (const [options, message] of [
      [{ patience: 0 }, 'patience should be positive, but got 0'],
      [{ minDelta: -1 }, 'min_delta should not be negative, but got -1'],
      [{ mode: 'low' }, "mode low is unknown!\nIt is 'min' or 'max'."],
    ] as const)
      expect(() => new EarlyStopping(options as EarlyStoppingOptions)).toThrow(new ValueError(...split(message)))
    expect(() => new EarlyStopping({ restoreBest: {} as never })).toThrow(TypeError)
    expect(() => new EarlyStopping().step('1' as never)).toThrow("argument 'score'")
    expect(() => new EarlyStopping().step(ones(2))).toThrow('a Tensor with 2 elements cannot be converted to Scalar')
    expect(() => new EarlyStopping().loadStateDict({} as never)).toThrow('the state is not one of EarlyStopping')
    const stopping = new EarlyStopping({ patience: 1, restoreBest: new nn.Linear(1, 1) })
    stopping.restore()
    expect(stopping.best).toBe(null)
  })
})
const split = (message: string) => message.split('\n') as [string, string?]

describe('JsonLinesLog', () => {
  let folder = ''
  let path = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'flambeau-log-'))
    path = join(folder, 'runs', 'log.jsonl')
  })
  afterEach(() => {
    vi.restoreAllMocks()
    rmSync(folder, { recursive: true })
  })
  const text = () => readFileSync(path, 'utf8')

  it('writes a line when it is told, and reads them when a program goes on', () => {
    const log = new JsonLinesLog(path)
    const entries = [
      { step: 1, loss: tensor(0.5), rates: Float32Array.of(1, 2), w: ones(1, 2), name: 'ä\n', ok: true, none: null },
      { step: 2, loss: Number.NaN, more: { high: Infinity, low: [Number.NEGATIVE_INFINITY] } },
    ]
    log.append(entries[0])
    expect(text()).toBe('{"step":1,"loss":0.5,"rates":[1,2],"w":[[1,1]],"name":"ä\\n","ok":true,"none":null}\n')
    log.append(entries[1])
    expect(text().split('\n')[1]).toBe('{"step":2,"loss":"NaN","more":{"high":"Infinity","low":["-Infinity"]}}')
    const expected = [{ ...entries[0], loss: 0.5, rates: [1, 2], w: [[1, 1]] }, entries[1]]
    expect(log.entries).toEqual(expected)
    log.close()
    const next = new JsonLinesLog(path)
    expect([next.entries, next.dropped]).toEqual([expected, undefined])
    next.append({ step: 3 })
    next.rewind(1)
    next.append({ step: 4 })
    expect(next.entries.map(({ step }) => step)).toEqual([1, 4])
    next.rewind(0)
    expect(text()).toBe('')
    next.append({ step: 5 })
    next.close()
    const anew = new JsonLinesLog(path, { resume: false })
    expect([anew.entries, text()]).toEqual([[], ''])
    anew.close()
  })

  it('names a file that it cannot read or write, and so does SummaryWriter', () => {
    const remedy = 'Event files and logs need a folder to write to.'
    expect(() => new JsonLinesLog(folder)).toThrow(
      new RuntimeError(`${folder}: EISDIR: illegal operation on a directory, read`, remedy),
    )
    writeFileSync(join(folder, 'file'), '')
    const inFile = join(folder, 'file', 'log.jsonl')
    expect(() => new JsonLinesLog(inFile)).toThrow(new RegExp(`^${inFile}: E(EXIST|NOTDIR): .*\n${remedy}$`))
    expect(() => new JsonLinesLog(inFile)).toThrow(RuntimeError)
    expect(() => new SummaryWriter(join(folder, 'file')).addScalar('x', 1)).toThrow(RuntimeError)
  })

  it('removes half a line wherever a program was killed, and says so', () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    new JsonLinesLog(path).close()
    const whole = '{"step":1}\n{"step":2,"name":"größer"}\n'
    const bytes = Buffer.from(whole)
    for (let size = 0; size <= bytes.length; size++) {
      writeFileSync(path, bytes.subarray(0, size))
      const log = new JsonLinesLog(path)
      const lines = bytes.subarray(0, size).filter((byte) => byte === 10).length
      expect(log.entries.length).toBe(lines)
      expect(log.dropped === undefined).toBe(size === 0 || bytes[size - 1] === 10)
      log.append({ step: 9 })
      log.close()
      expect(text()).toBe(
        `${whole
          .split('\n')
          .slice(0, lines)
          .map((line) => `${line}\n`)
          .join('')}{"step":9}\n`,
      )
    }
    expect(warn).toHaveBeenCalledTimes(bytes.length - 2)
    expect(warn.mock.calls[0][0]).toBe(`flambeau: ${path}: removed half a line at its end, "{"`)
  })

  it('survives a program that is killed', () => {
    const script = `const { openFile } = await import(${JSON.stringify(new URL('../dist/training/files-node.js', import.meta.url).href)})
      const file = openFile(process.argv[1])
      for (let i = 0; ; i++) file.write(Buffer.from(JSON.stringify({ i }) + '\\n' + (i === 99 ? '{"i":1' : '')), i === 99 && process.kill(process.pid, 'SIGKILL'))`
    expect(existsSync(new URL('../dist/training/files-node.js', import.meta.url))).toBe(true)
    expect(() =>
      execFileSync(process.execPath, ['--input-type=module', '-e', script, path], { stdio: 'ignore' }),
    ).toThrow()
    vi.spyOn(console, 'warn').mockReturnValue()
    const log = new JsonLinesLog(path)
    expect(log.entries.length).toBeGreaterThan(98)
    log.close()
  })

  it('says what is wrong, and writes nothing of it', () => {
    const log = new JsonLinesLog(path)
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    expect(() => log.append(cyclic)).toThrow('append(): the entry is too deep\nDoes it contain itself?')
    expect(() => log.append({ f: () => 1 })).toThrow("append(): entry 'f' is a function, which JSON has not")
    expect(() => log.append({ n: [1n] })).toThrow('is a bigint')
    for (const wrong of [null, 1, [1], 'x', new Map()]) expect(() => log.append(wrong as never)).toThrow(TypeError)
    for (const count of [-1, 1]) expect(() => log.rewind(count)).toThrow(`the log has 0 entries, not ${count}`)
    expect(text()).toBe('')
    log.close()
    for (const [lines, message] of [
      ['{"a":1}\nxyz\n{"b":1}\n', `${path}, line 2: `],
      ['[1]\n', `${path}, line 1: the line is no object`],
    ]) {
      writeFileSync(path, lines)
      expect(() => new JsonLinesLog(path)).toThrow(ValueError)
      expect(() => new JsonLinesLog(path)).toThrow(message)
      expect(text()).toBe(lines)
    }
  })
})

// The output of real PyTorch (tools/golden/transcripts.py), and how close the examples must come to it.
import { readdirSync, readFileSync } from 'node:fs'
import { native } from '@flambeau/backend-native'
import { wasm } from '@flambeau/backend-wasm'
import { js, type Tensor, useDevice } from 'flambeau'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { nativeMissing, testWith } from '../../tools/test/machine.ts'
import type { ImageSet, Options, Training } from '../src/lesson.ts'

export interface Transcript {
  readonly example: string
  readonly seed: number
  readonly lines: readonly string[]
  readonly losses: Readonly<Record<string, string>>
  readonly correct?: Readonly<Record<string, number>>
  readonly oneHotLosses?: Readonly<Record<string, string>>
  readonly frame?: { readonly text: string; readonly head: number[][]; readonly tail: number[][] }
  readonly parts?: Readonly<Record<string, Transcript>>
}

/** A lesson about images in PyTorch, by the data set (tools/golden/lessons.py). */
export interface ImageTranscript {
  readonly seed: number
  readonly runs: Readonly<
    Partial<Record<ImageSet, { readonly steps: readonly string[]; readonly lines?: readonly string[] }>>
  >
}

const folder = new URL('../transcripts/', import.meta.url)

/** All transcripts of an example, by seed. */
export const transcripts = <T extends { readonly seed: number } = Transcript>(example: string): T[] =>
  readdirSync(folder)
    .filter((file) => new RegExp(`^${example}-\\d+\\.json$`).test(file))
    .map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as T)
    .sort((a, b) => a.seed - b.seed)

/** The allowed relative difference at an epoch. */
export type Tolerance = (epoch: number) => number

const numberOf = (value: Tensor | number): number => (typeof value === 'number' ? value : value.item())

/**
 * The transcripts for a way: all of them compiled on js, three compiled on native and on wasm, whose kernels the conformance
 * suite compares, and one eager, which computes what compiled steps do.
 */
export const enough = <T>(all: readonly T[], { compiled, device }: Way): readonly T[] =>
  compiled ? (device === 'js' ? all : all.slice(0, 3)) : all.slice(0, 1)

export interface Recording {
  readonly lines: string[]
  readonly losses: Map<number, number>
  readonly correct: Map<number, number>
  readonly oneHotLosses: Map<number, number>
}

/** A way to run the examples. */
export interface Way {
  readonly compiled: boolean
  readonly device: 'js' | 'native' | 'wasm'
}

const makers = { js, native, wasm }

/** Describes something for each way to run the examples: compiled and eager, on every backend for Node. */
export const describeWays = (what: string, body: (way: Way) => void): void => {
  for (const device of ['js', 'native', 'wasm'] as const) {
    for (const compiled of [true, false]) {
      // Eager steps are the same calls on both.
      if (device === 'wasm' && !compiled) continue
      const name = `${what}, ${compiled ? 'compiled' : 'eager'} on ${device}`
      if (device === 'native' && nativeMissing !== undefined) {
        testWith('native', nativeMissing, name, () => {})
        continue
      }
      describe(name, () => {
        beforeAll(async () => void useDevice(await makers[device]()))
        afterAll(() => void useDevice(js()))
        body({ compiled, device })
      })
    }
  }
}

/** Runs an example and records its output, and its results at the epochs of the transcript. */
export const record = (
  run: (options: Options) => Training,
  transcript: Transcript,
  { compiled, epochs }: Pick<Options, 'compiled' | 'epochs'>,
): Recording => {
  const recording: Recording = { lines: [], losses: new Map(), correct: new Map(), oneHotLosses: new Map() }
  const print = (text: unknown) => void recording.lines.push(...String(text).split('\n'))
  for (const { epoch, loss, correct, oneHotLoss } of run({ seed: transcript.seed, epochs, compiled, print })) {
    if (!(epoch in transcript.losses)) continue
    recording.losses.set(epoch, numberOf(loss))
    if (correct !== undefined) recording.correct.set(epoch, correct().item())
    if (oneHotLoss !== undefined) recording.oneHotLosses.set(epoch, numberOf(oneHotLoss()))
  }
  return recording
}

/** Compares the losses of all epochs that ran, each within its tolerance. */
export const expectLosses = (
  actual: ReadonlyMap<number, number>,
  expected: Readonly<Record<string, string>>,
  epochs: number,
  tolerance: Tolerance,
): void => {
  const wanted = Object.keys(expected)
    .map(Number)
    .filter((epoch) => epoch <= epochs)
  expect([...actual.keys()]).toEqual(wanted)
  const far = wanted
    .map((epoch) => {
      const loss = actual.get(epoch) as number
      return { epoch, loss, pytorch: expected[epoch], off: Math.abs(loss / Number(expected[epoch]) - 1) }
    })
    .filter(({ epoch, off }) => !(off <= tolerance(epoch)))
  expect(far).toEqual([])
}

/** The losses of the first steps of a training in batches; `at` is called behind each, and may name another device. */
export const firstSteps = (
  training: Training,
  count: number,
  at: (step: number) => string | undefined = () => undefined,
): number[] => {
  const losses: number[] = []
  for (let turn = training.next(); !turn.done && losses.length < count; turn = training.next(at(losses.length)))
    losses.push(numberOf(turn.value.loss))
  training.return()
  return losses
}

/** Compares the losses of steps, each within a relative difference. */
export const expectSteps = (actual: readonly number[], expected: readonly string[], tolerance: number): void => {
  expect(actual.length).toBeLessThanOrEqual(expected.length)
  expect(actual).not.toEqual([])
  const far = actual
    .map((loss, i) => ({ step: i + 1, loss, pytorch: expected[i], off: Math.abs(loss / Number(expected[i]) - 1) }))
    .filter(({ off }) => !(off <= tolerance))
  expect(far).toEqual([])
}

const EPOCH = /^Epoch (\d+): loss=(.+)$/

/** Compares lines with PyTorch's: text exactly, printed losses within the tolerance and half of their last digit. */
export const expectLines = (actual: readonly string[], expected: readonly string[], tolerance: Tolerance): void => {
  const masked = (lines: readonly string[]) => lines.map((line) => line.replace(/loss=\d\.\d{4}e[+-]\d\d$/, 'loss=?'))
  expect(masked(actual)).toEqual(masked(expected))
  expected.forEach((line, i) => {
    const printed = EPOCH.exec(line)
    if (printed === null) return
    const loss = Number((EPOCH.exec(actual[i]) as RegExpExecArray)[2])
    const lastDigit = 10 ** (Math.floor(Math.log10(Number(printed[2]))) - 4)
    const allowed = tolerance(Number(printed[1])) * Number(printed[2]) + lastDigit * 1.001
    expect(Math.abs(loss - Number(printed[2])), line).toBeLessThanOrEqual(allowed)
  })
}

// The same kernels on two drivers, bit for bit: every step by itself, random expressions and their reductions, every kind
// of instruction at the sizes where work is shared out differently. A process computes on one driver and writes what it
// found; the step compares two such files.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Tensor, useDevice } from '@flambeau/core'
import type { DType, TypedArray } from '@flambeau/core/backend'
import { type Call, onBackend } from '../../../../backend-gpujs/test/running.ts'
import { drawMap, drawReduced, steps } from '../random.ts'
import { fewSizes, large, rows, tiled } from '../sizes.ts'
import { watched } from './device.ts'
import { aside, few, type Finding, scaled, type Setting, type Share, type Step } from './step.ts'

const expressions = 3000

interface Computed {
  /** Its position among all cases. */
  readonly number: number
  readonly name: string
  /** A step by itself, whose approximations are bounded; of longer expressions they are only counted. */
  readonly single: boolean
  readonly approximated: boolean
  readonly results: readonly { readonly dtype: DType; readonly bits: string }[]
  readonly error?: string
}

const encoded = (data: TypedArray): string =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')

/** Computes cases on this process's driver, and writes them to a file. */
export function compute(file: string, setting: Setting, { part, of }: Share): void {
  const { backend, approximated } = watched()
  useDevice(backend)
  // Line by line, because all of it can be longer than a string.
  const lines = openSync(file, 'w')
  const write = (found: Computed): void => void writeSync(lines, `${JSON.stringify(found)}\n`)
  let cases = 0
  const note = (name: string, single: boolean, work: () => Computed['results']): void => {
    const number = cases++
    if (number % of !== part) return
    approximated()
    try {
      const results = work()
      write({ number, name, single, approximated: approximated(), results })
    } catch (error) {
      write({ number, name, single, approximated: approximated(), results: [], error: (error as Error).message })
    }
  }
  const call = (name: string, single: boolean, drawn: Call | undefined): void => {
    if (drawn === undefined) return
    note(name, single, () =>
      onBackend(backend, drawn).map((data, i) => ({ dtype: drawn.outputs[i].dtype, bits: encoded(data) })),
    )
  }
  const tensors = (name: string, run: () => readonly Tensor[]): void =>
    note(name, false, () =>
      run().map((x) => ({ dtype: x.dtype, bits: encoded(x.detach().toArray() as unknown as TypedArray) })),
    )
  const every = Math.max(1, Math.round(1 / setting.scale))
  for (const [i, { name, call: own }] of steps.entries()) if (i % every === 0) call(name, true, own)
  const count = scaled(expressions, setting)
  for (let seed = 1; seed <= count; seed++) {
    call(`expression ${seed}`, false, drawMap(seed))
    if (seed % 3 === 0) call(`reduced expression ${seed}`, false, drawReduced(seed))
  }
  for (const [i, { name, also = [], run }] of rows.entries())
    if (i % every === 0) for (const n of [...fewSizes, ...also]) tensors(`${name} of ${n}`, () => run(n))
  for (const [i, { name, run }] of [...tiled, ...large].entries()) if (i % every === 0) tensors(name, run)
  closeSync(lines)
}

function read(file: string): Computed[] {
  const bytes = readFileSync(file)
  const found: Computed[] = []
  for (let from = 0; from < bytes.length; ) {
    const to = bytes.indexOf('\n', from)
    found.push(JSON.parse(bytes.toString('utf8', from, to)))
    from = to + 1
  }
  return found
}

/** The distance of two floats in units of the last place: 0 for equal ones, two NaNs among them. */
export function distance(dtype: 'float32' | 'float64', a: Buffer, b: Buffer, at: number): number {
  const wide = dtype === 'float64'
  const value = (from: Buffer): number => (wide ? from.readDoubleLE(at) : from.readFloatLE(at))
  if (Number.isNaN(value(a)) && Number.isNaN(value(b))) return 0
  const order = (from: Buffer): bigint => {
    const bits = wide ? from.readBigInt64LE(at) : BigInt(from.readInt32LE(at))
    return bits < 0n ? (wide ? -(2n ** 63n) : -(2n ** 31n)) - bits : bits
  }
  const difference = Number(order(a) - order(b))
  // A zero's sign is a bit, too.
  return difference === 0 && !a.subarray(at, at + (wide ? 8 : 4)).equals(b.subarray(at, at + (wide ? 8 : 4)))
    ? 1
    : Math.abs(difference)
}

/** nvcc's functions call approximations of the hardware within so many units. */
const mostUnits = 4

/** Compares what two drivers computed. */
export function compare(ours: readonly Computed[], theirs: readonly Computed[]): Finding {
  const faults: string[] = []
  let [elements, equal, counted, worst] = [0, 0, 0, 0]
  const numbered = new Map(theirs.map((each) => [each.number, each]))
  if (ours.length !== theirs.length) faults.push(`${ours.length} cases were computed, and ${theirs.length} are known`)
  for (const mine of ours) {
    const known = numbered.get(mine.number)
    if (known === undefined) continue
    if (mine.error !== known.error) {
      faults.push(`${mine.name}: ${mine.error ?? 'no error'}, where ${known.error ?? 'no error'} is known`)
      continue
    }
    let most = 0
    for (const [k, { dtype, bits }] of mine.results.entries()) {
      const [a, b] = [bits, known.results[k].bits].map((text) => Buffer.from(text, 'base64'))
      const bytes = dtype === 'float64' ? 8 : dtype === 'float32' || dtype === 'int32' ? 4 : 1
      for (let at = 0; at < a.length; at += bytes) {
        elements++
        const isFloat = dtype === 'float32' || dtype === 'float64'
        const same = a.compare(b, at, at + bytes, at, at + bytes) === 0
        const off = same ? 0 : isFloat ? distance(dtype, a, b, at) : Number.POSITIVE_INFINITY
        if (off === 0) equal++
        most = Math.max(most, off)
      }
    }
    if (most === 0) continue
    if (!mine.approximated) faults.push(`${mine.name}: bits differ, by ${most} units at most`)
    else if (!mine.single) counted++
    else if (most > mostUnits) faults.push(`${mine.name}: ${most} units off, and ${mostUnits} are allowed`)
    else worst = Math.max(worst, most)
  }
  return {
    lines: [
      `${ours.length} cases, ${elements} elements, ${equal} with the same bits`,
      `after approximations: single steps at most ${worst} units off, ${counted} longer cases differ`,
    ],
    faults: few(faults),
  }
}

export const differential: Step = {
  name: 'numbers',
  about: 'the same kernels on this driver and on the interpreter: bit for bit, except after approximations',
  limit: 180,
  async run(setting) {
    const folder = mkdtempSync(join(tmpdir(), 'flambeau-contact-'))
    try {
      const compute = async (name: string, share: Share, environment: NodeJS.ProcessEnv): Promise<Computed[]> => {
        const file = join(folder, `${name} ${share.part}`)
        await aside(setting, 'compute', file, share, environment)
        return read(file)
      }
      // The interpreter is slow, so it has several processes.
      const of = setting.scale < 0.01 ? 1 : Math.min(8, availableParallelism())
      const known = { FLAMBEAU_CUDA_DRIVER: setting.interpreter }
      const [ours, ...theirs] = await Promise.all([
        compute('this driver', { part: 0, of: 1 }, {}),
        ...Array.from({ length: of }, (_, part) => compute('the interpreter', { part, of }, known)),
      ])
      return compare(ours, theirs.flat())
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
}

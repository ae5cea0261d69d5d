// Runs lines of golden files and compares them with real PyTorch's output or error (tools/golden/ops_b.py defines their
// names).
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { arange, type DType, grad, noGrad, ones, Slice, Tensor, tensor, zeros } from '@flambeau/core'
import { describe, expect, it } from 'vitest'

type Names = Record<string, unknown>
type Golden = { readonly printed: string } | { readonly error: string; readonly message: string }

export const of =
  (dtype: DType) =>
  (...values: number[]): Tensor =>
    tensor(values, { dtype })
const I = of('int32')
const R = (...values: number[]): Tensor => tensor(values, { requiresGrad: true })
export const range = (...shape: number[]): Tensor =>
  arange(
    shape.reduce((n, size) => n * size, 1),
    { dtype: 'float32' },
  ).view(shape)

/** Text that is printed verbatim. */
export class Text {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}
export const show = (value: unknown): string => {
  if (value instanceof Text) return value.text
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`
  return value instanceof Tensor ? inspect(value) : String(value)
}

/** The same as its namesake in tools/golden/ops_b.py. */
function slopes(f: (...x: Tensor[]) => Tensor, ...values: Tensor[]): Text {
  const leaves = values.map((x) => x.detach().clone().requiresGrad_())
  const y = f(...leaves)
  const k = tensor(Array.from({ length: y.numel() }, (_, i) => (i % 5) - 1.5)).view(y.shape)
  const first = grad(y.mul(y).mul(k).sum(), leaves, { createGraph: true })
  const total = first.map((g) => g.mul(g).sum()).reduce((a, b) => a.add(b))
  const second = grad(total, leaves, { allowUnused: true })
  return new Text([show(y), ...[...first, ...second].map((x) => show(x?.detach().add(0)))].join('\n'))
}

const scope = (more: Names): Names => ({
  I,
  B: of('bool'),
  F: of('float32'),
  D: of('float64'),
  U: of('uint8'),
  R,
  T: tensor,
  m: range(2, 3),
  c: range(2, 3, 4),
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  list: (items: readonly unknown[]) => items,
  arange,
  noGrad,
  ones,
  Slice,
  slopes,
  zeros,
  ...more,
})

/** Runs a line of the goldens: the part after its last semicolon is the value. */
function perform(line: string, more: Names): unknown {
  const names = scope(more)
  const at = /^(slopes?|trained)\b/.test(line) ? -1 : line.lastIndexOf('; ')
  const body = `${line.slice(0, at + 1)} return ${line.slice(at + 1)}`
  return new Function(...Object.keys(names), body)(...Object.values(names))
}

/** A test for each line of a golden file; `more` are names in addition to those that all lines know. */
export function asPrinted(name: string, more: Names = {}): void {
  const file = new URL(`./golden/${name}.json`, import.meta.url)
  const golden: Record<string, Golden> = JSON.parse(readFileSync(file, 'utf8'))
  describe('as in real PyTorch', () => {
    for (const [line, expected] of Object.entries(golden)) {
      it(line, () => {
        if ('printed' in expected) {
          expect(show(perform(line, more))).toBe(expected.printed)
          return
        }
        let thrown: unknown
        try {
          perform(line, more)
        } catch (error) {
          thrown = error
        }
        expect(thrown).toBeInstanceOf(Error)
        const { name, message } = thrown as Error
        expect(`${name}: ${message.split('\n')[0]}`).toBe(`${expected.error}: ${expected.message}`)
      })
    }
  })
}

// Every step, in every dtype that it takes, either has source, or is reported as missing and its instruction is not
// supported.
import { type Computed, type DType, type Expr, stepDef, s, type Step } from '@flambeau/core/backend'
import { expect, test } from 'vitest'
import { canEmit, emit } from '../src/expression.ts'
import { KernelWriter } from '../src/writer.ts'

const dtypesOf: Record<string, readonly DType[]> = {
  floating: ['float32'],
  rounding: ['float32'],
  bitwise: ['int32', 'uint8', 'bool'],
  shift: ['int32', 'uint8'],
}
const names = Object.keys(s).filter((name) => !['input', 'constant', 'rounded', 'cast'].includes(name)) as Computed[]

const lacking: string[] = []
for (const name of names) {
  const { arity, rule } = stepDef(name)
  for (const dtype of dtypesOf[rule] ?? (['float32', 'int32', 'uint8', 'bool'] as const)) {
    const operands = [0, 1, 2].slice(0, arity).map((i) => s.input(i, dtype))
    const expr = (s[name] as (...x: Expr[]) => Expr)(...operands)
    if (!canEmit([expr])) lacking.push(`${name} ${dtype}`)
  }
}

test('kernels lack exactly these steps', () => {
  const bits = ['and', 'not', 'or', 'shiftLeft', 'shiftRight', 'xor'].flatMap((name) => [
    `${name} int32`,
    `${name} uint8`,
  ])
  expect(lacking.sort()).toEqual([...bits, 'nextafter float32', 'polygamma float32'].sort())
})

test('a step of a newer core has no source, and emitting it throws', () => {
  const strange: Expr = { step: 'gamma' as Step, dtype: 'float32', args: [s.input(0, 'float32')], value: 0 }
  expect(canEmit([s.neg(strange)])).toBe(false)
  expect(() => emit(new KernelWriter(1), [strange], () => 'x')).toThrow('no gpu.js source for step gamma')
  expect(canEmit([s.neg(s.input(0, 'float64'))])).toBe(false)
})

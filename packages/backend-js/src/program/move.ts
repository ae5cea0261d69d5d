// Kernels that move elements, in a compiled program: those of kernels/move.ts, with loops over constants.
import {
  contiguousStrides,
  isInjective,
  isUse,
  type KernelInstr,
  type Kind,
  loopsOver,
  newArray,
  numberSource,
  numelOf,
  orderedLoops,
  type ProgramInstr,
  RuntimeError,
  s,
  type Shape,
  type Use,
} from '@flambeau/core/backend'
import { sum, times } from '../text/indices.ts'
import { emitNest, type Strided } from '../text/loops.ts'
import { foldedTo, iotaInto, without } from '../kernels/move.ts'
import type { FunctionSource, ProgramSource } from './source.ts'

type Writer<K extends Kind> = (fn: FunctionSource, instr: ProgramInstr<K>, source: ProgramSource) => readonly string[]

/** Writes an instruction as a function, if its kind has source here. */
export function moveStep(source: ProgramSource, instr: KernelInstr): boolean {
  const writer = writers[instr.kind] as Writer<Kind> | undefined
  if (writer === undefined || !instr.inputs.every(isUse)) return false
  source.step(instr.origin.name, (fn) => writer(fn, instr, source))
  return true
}

/** Copies a use to `to`, by steps over its shape. */
function copied(fn: FunctionSource, x: Use, to: Omit<Strided, 'steps'>, strides: readonly number[]): string[] {
  if (x.sizes.includes(0)) return []
  const { sizes, steps } = orderedLoops(x.sizes, [x.strides, strides], 1)
  const input = fn.strided(x, steps[0])
  const nest = { sizes, inputs: [input], outs: [{ ...to, steps: steps[1] }], memory: fn }
  return ['{', ...emitNest([{ expr: s.input(0, x.dtype) }], nest), '}']
}

/** Loops over strided operands; `inside` gives the statements, from the position of each operand. */
function loopsAround(
  shape: Shape,
  operands: readonly { readonly start: string; readonly strides: readonly number[] }[],
  inside: (at: readonly string[]) => readonly string[],
): string[] {
  if (shape.includes(0)) return []
  const { sizes, steps } = loopsOver(
    shape,
    operands.map((x) => x.strides),
  )
  const level = (l: number, at: readonly string[]): string[] => {
    if (l === sizes.length) return [...inside(at)]
    const moved = at.map((code, k) => sum(code, times(`i${l}`, steps[k][l])))
    const names = moved.map((code, k) => (code.includes(' ') ? `p${l}_${k}` : code))
    const positions = moved.flatMap((code, k) => (names[k] === code ? [] : [`const ${names[k]} = ${code}`]))
    return [`for (let i${l} = 0; i${l} < ${sizes[l]}; i${l}++) {`, ...positions, ...level(l + 1, names), '}']
  }
  return level(
    0,
    operands.map((x) => x.start),
  )
}

/** Copies the base to the output, unless they are in the same place. */
const begun = (fn: FunctionSource, source: ProgramSource, base: Use, out: number): string[] =>
  source.memory.same(base.value, out)
    ? []
    : copied(fn, base, fn.strided({ value: out, offset: 0 }, []), contiguousStrides(base.sizes))

/** Statements that read an index and throw if it is out of bounds. */
function checkedIndex(source: ProgramSource, index: string, size: number, axis: number): string[] {
  const error = (k: number): Error =>
    new RuntimeError(`index ${k} is out of bounds for dimension ${axis} with size ${size}`)
  return [`const k = ${index}`, source.raise(`k < 0 || k >= ${size}`, error, 'k')]
}

/** Loops that check all indices first, for instructions whose output is visible after a failure. */
function checkedBefore(fn: FunctionSource, source: ProgramSource, index: Use, size: number, axis: number): string[] {
  const { array, start } = fn.strided(index, [])
  const loops = loopsAround(index.sizes, [{ start, strides: index.strides }], ([at]) =>
    checkedIndex(source, `${array}[${at}]`, size, axis),
  )
  return ['{', ...loops, '}']
}

const assign: Writer<'assign'> = (fn, { attrs, inputs, outputs }, source) => {
  const [base, from] = inputs as readonly Use[]
  const { offset, strides } = attrs.region
  return [
    ...begun(fn, source, base, outputs[0]),
    ...copied(fn, from, fn.strided({ value: outputs[0], offset }, []), strides),
  ]
}

const concat: Writer<'concat'> = (fn, { attrs: { axis }, inputs, outputs }, source) => {
  const strides = contiguousStrides(source.program.values[outputs[0]].sizes)
  let offset = 0
  return (inputs as readonly Use[]).flatMap((x) => {
    const lines = copied(fn, x, fn.strided({ value: outputs[0], offset }, []), strides)
    offset += x.sizes[axis] * strides[axis]
    return lines
  })
}

const pad: Writer<'pad'> = (fn, { attrs: { low, value }, inputs, outputs }, source) => {
  const { sizes } = source.program.values[outputs[0]]
  const strides = contiguousStrides(sizes)
  const { array, start } = fn.open(outputs[0])
  const offset = low.reduce((at, n, axis) => at + n * strides[axis], 0)
  return [
    `${array}.fill(${numberSource(value)}, ${start}, ${start} + ${numelOf(sizes)})`,
    ...copied(fn, inputs[0] as Use, fn.strided({ value: outputs[0], offset }, []), strides),
  ]
}

const fold: Writer<'fold'> = (fn, { attrs, inputs, outputs }, source) => {
  const x = inputs[0] as Use
  const { sizes } = source.program.values[outputs[0]]
  const places = foldedTo(attrs, x.sizes, sizes)
  const size = numelOf(sizes)
  const from = fn.strided(x, [])
  const to = fn.open(outputs[0])
  const alone = isInjective(places)
  const sums = alone ? to.array : fn.scratch(size)
  const first = sum(alone ? to.start : '0', String(places.offset))
  const around = (line: (p: string, q: string) => string): readonly string[] =>
    loopsAround(
      x.sizes,
      [
        { start: from.start, strides: x.strides },
        { start: first, strides: places.strides },
      ],
      ([p, q]) => [line(p, q)],
    )
  // Where no sum has two terms, nothing is rounded between them. Adding 0 makes -0 a 0, as in every sum.
  if (alone)
    return [
      `${sums}.fill(0, ${to.start}, ${sum(to.start, String(size))})`,
      ...around((p, q) => `${sums}[${q}] = 0 + ${from.array}[${p}]`),
    ]
  return [
    `${sums}.fill(0)`,
    ...around((p, q) => `${sums}[${q}] = ${sums}[${q}] + ${from.array}[${p}]`),
    `for (let i = 0; i < ${size}; i++) ${to.array}[${sum(to.start, 'i')}] = ${sums}[i]`,
  ]
}

const gather: Writer<'gather'> = (fn, { attrs: { axis }, inputs, outputs }, source) => {
  const [from, index] = inputs as readonly Use[]
  const { sizes } = source.program.values[outputs[0]]
  const size = from.sizes[axis]
  const [x, at, to] = [fn.strided(from, []), fn.strided(index, []), fn.strided({ value: outputs[0], offset: 0 }, [])]
  const visible = source.memory.visible(outputs[0])
  return [
    ...(visible ? checkedBefore(fn, source, index, size, axis) : []),
    ...loopsAround(
      sizes,
      [
        { start: x.start, strides: without(from.strides, axis) },
        { start: at.start, strides: index.strides },
        { start: to.start, strides: contiguousStrides(sizes) },
      ],
      ([p, i, q]) => [
        ...(visible ? [`const k = ${at.array}[${i}]`] : checkedIndex(source, `${at.array}[${i}]`, size, axis)),
        `${to.array}[${q}] = ${x.array}[${sum(p, times('k', from.strides[axis]))}]`,
      ],
    ),
  ]
}

/** How scatter combines an element with the present one. */
function combined(fn: ProgramInstr<'scatter'>['attrs']['fn'], dtype: string, there: string, comes: string): string {
  if (fn === 'set') return comes
  if (fn === 'add') return dtype === 'bool' ? `${there} | ${comes}` : `${there} + ${comes}`
  if (fn === 'prod') return dtype === 'int32' ? `Math.imul(${there}, ${comes})` : `${there} * ${comes}`
  return `Math.${fn}(${there}, ${comes})`
}

const scatter: Writer<'scatter'> = (fn, { attrs, inputs, outputs }, source) => {
  const [base, index, from] = inputs as readonly Use[]
  const { axis } = attrs
  const { dtype } = source.program.values[outputs[0]]
  const strides = contiguousStrides(base.sizes)
  const [x, at, to] = [fn.strided(from, []), fn.strided(index, []), fn.strided({ value: outputs[0], offset: 0 }, [])]
  return [
    ...checkedBefore(fn, source, index, base.sizes[axis], axis),
    ...begun(fn, source, base, outputs[0]),
    ...loopsAround(
      index.sizes,
      [
        { start: x.start, strides: from.strides },
        { start: at.start, strides: index.strides },
        { start: to.start, strides: without(strides, axis) },
      ],
      ([p, i, q]) => {
        const there = `${to.array}[${sum(q, times(`${at.array}[${i}]`, strides[axis]))}]`
        return [`${there} = ${combined(attrs.fn, dtype, there, `${x.array}[${p}]`)}`]
      },
    ),
  ]
}

/** Indices are computed once, outside of the arena, unless they leave the program. */
const iota: Writer<'iota'> = (fn, { attrs, outputs }, source) => {
  const [value] = outputs
  const { sizes, dtype } = source.program.values[value]
  const indices = newArray(dtype, numelOf(sizes))
  iotaInto(indices, 0, sizes, attrs.axis)
  if (source.memory.place(value).in === 'arena') {
    source.memory.fix(value, indices)
    return []
  }
  const { array, start } = fn.open(value)
  return [`${array}.set(${source.memory.fixed(indices)}, ${start})`]
}

const writers: { readonly [K in Kind]?: Writer<K> } = { assign, concat, pad, fold, gather, scatter, iota }

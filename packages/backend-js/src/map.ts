// The `map` kernel: scalar expressions over any number of operands, plain or reduced. For every expression and class
// of layouts one function is generated, so that each sees one kind of typed array and its loops stay in registers.
import {
  contiguousStrides,
  emitJs,
  type DType,
  type Instr,
  inputsOf,
  numelOf,
  type Operand,
  type Prims,
  type ReduceFn,
  roundSource,
  runtime,
  type Shape,
  scalarValue,
  topological,
} from '@flambeau/core/backend'
import { interpretLoops } from './interpret.ts'
import { type Loops, loopsOver } from './loops.ts'
import { hostOf, isView } from './memory.ts'
import { accumulators, combineSource, identities, identityOf, planReduction } from './reduction.ts'

/** How an operand is read: a number, one element for all, row-major, or by steps. */
const NUMBER = 0
const FIXED = 1
const ROWS = 2
const STEPS = 3
type Access = 0 | 1 | 2 | 3

type FlatKernel = (instr: Instr, n: number) => void
type LoopKernel = (instr: Instr, loops: Loops) => void

interface Compiled {
  readonly flat: FlatKernel[]
  readonly looped: Map<string, LoopKernel>
}

const compiled = new WeakMap<Prims['map'], Compiled>()

function accessOf(x: Operand): Access {
  if (!isView(x)) return NUMBER
  const { shape, strides } = x
  let step = 1
  let fixed = true
  let rows = true
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i]
    if (size === 1) continue
    const stride = strides[i]
    if (stride !== 0) fixed = false
    if (stride !== step) rows = false
    step *= size
  }
  return fixed ? FIXED : rows ? ROWS : STEPS
}

/** The shape that a map iterates over: that of any view, which core has broadcast; without views the output's. */
function iterated(instr: Instr<'map'>): Shape {
  const { inputs } = instr
  for (const x of inputs) if (isView(x)) return x.shape
  return instr.outputs[0].shape
}

export function map(instr: Instr<'map'>): void {
  const { attrs, inputs } = instr
  let cases = compiled.get(attrs)
  if (cases === undefined) {
    cases = { flat: [], looped: new Map() }
    compiled.set(attrs, cases)
  }
  const shape = iterated(instr)
  const { outs } = attrs
  const n = numelOf(shape)
  if (n === 0) return fillEmpty(instr)
  let flat = true
  for (let i = 0; i < outs.length; i++) {
    const reduce = outs[i].reduce
    if (reduce !== undefined && reduce.axes.length !== shape.length) flat = false
  }
  let key = 0
  for (let i = 0; i < inputs.length; i++) {
    const access = accessOf(inputs[i])
    if (access === STEPS) flat = false
    key = key * 3 + access
  }
  if (flat) {
    let kernel = cases.flat[key]
    if (kernel === undefined) {
      kernel = flatKernel(attrs, inputs.map(accessOf))
      cases.flat[key] = kernel
    }
    kernel(instr, n)
    return
  }
  mapLoops(instr, shape, cases)
}

/** A reduction of no elements is its identity. */
function fillEmpty({ attrs, outputs }: Instr<'map'>): void {
  attrs.outs.forEach(({ reduce }, k) => {
    if (reduce === undefined) return
    const { data, start } = hostOf(outputs[k])
    data.fill(identityOf(reduce.fn, outputs[k].dtype), start, start + numelOf(outputs[k].shape))
  })
}

/** Strides of an output in the iterated shape: 0 along reduced axes. */
function outputStrides(shape: Shape, axes: readonly number[] | undefined): readonly number[] {
  if (axes === undefined) return contiguousStrides(shape)
  const strides = new Array<number>(shape.length).fill(0)
  let step = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    if (axes.includes(i)) continue
    strides[i] = shape[i] === 1 ? 0 : step
    step *= shape[i]
  }
  return strides
}

function mapLoops(instr: Instr<'map'>, shape: Shape, cases: Compiled): void {
  const { attrs, inputs } = instr
  const views = inputs.filter(isView)
  const strides = [...views.map((x) => x.strides), ...attrs.outs.map((out) => outputStrides(shape, out.reduce?.axes))]
  const loops = loopsOver(shape, strides)
  const depth = loops.sizes.length
  let key = String(depth)
  let at = 0
  const accesses: Access[] = inputs.map((x) => {
    if (!isView(x)) return NUMBER
    return loops.steps[at++].every((step) => step === 0) ? FIXED : STEPS
  })
  for (const access of accesses) key += access
  for (const steps of loops.steps) {
    key += '|'
    for (const step of steps) key += step === 0 ? '0' : step === 1 ? '1' : 's'
  }
  let kernel = cases.looped.get(key)
  if (kernel === undefined) {
    kernel = loopKernel(attrs, accesses, loops)
    cases.looped.set(key, kernel)
  }
  kernel(instr, loops)
}

// ---- generated functions ----

/** Whether this page may compile source; a content security policy can forbid it. */
export const mayCompile: boolean = (() => {
  try {
    return new Function('return 1')() === 1
  } catch {
    return false
  }
})()

const compile = (parameters: string, lines: readonly string[]): ((...args: never[]) => void) =>
  new Function(
    'scalarValue',
    'identities',
    'accumulators',
    ...Object.keys(runtime),
    `return (${parameters}) => {\n${lines.join('\n')}\n}`,
  )(scalarValue, identities, accumulators, ...Object.values(runtime))

/** Lines that open the operands; numbers are rounded to the dtype that the expression gives its input. */
function openOperands(attrs: Prims['map'], accesses: readonly Access[]): string[] {
  const roots = attrs.outs.map((out) => out.expr)
  const used = new Map<number, DType>()
  for (const x of topological(roots)) if (x.step === 'input') used.set(x.value, x.dtype)
  const lines = ['const { inputs, outputs } = instr']
  accesses.forEach((access, i) => {
    const dtype = used.get(i)
    if (dtype === undefined) return
    if (access === NUMBER) {
      lines.push(`const x${i} = ${roundSource[dtype](`scalarValue(inputs[${i}])`)}`)
      return
    }
    lines.push(`const d${i} = inputs[${i}].buffer.data`, `let p${i} = inputs[${i}].buffer.start + inputs[${i}].offset`)
  })
  attrs.outs.forEach((_, k) => {
    lines.push(`const o${k} = outputs[${k}].buffer.data`, `let q${k} = outputs[${k}].buffer.start`)
  })
  return lines
}

/** One loop over row-major operands; reduced outputs reduce everything. */
function flatKernel(attrs: Prims['map'], accesses: readonly Access[]): FlatKernel {
  if (!mayCompile) {
    return (instr, n) => {
      const steps = [
        ...accesses.flatMap((access) => (access === NUMBER ? [] : [[access === ROWS ? 1 : 0]])),
        ...attrs.outs.map((out) => (out.reduce === undefined ? [1] : [0])),
      ]
      interpretLoops(instr as Instr<'map'>, { sizes: [n], steps })
    }
  }
  const lines = openOperands(attrs, accesses)
  const used = inputsOf(attrs.outs.map((out) => out.expr))
  for (const i of used) if (accesses[i] === FIXED) lines.push(`const x${i} = d${i}[p${i}]`)
  attrs.outs.forEach(({ reduce }, k) => {
    if (reduce !== undefined) lines.push(`let r${k} = identities.${reduce.fn}`)
  })
  const body: string[] = []
  for (const i of used) if (accesses[i] === ROWS) body.push(`const x${i} = d${i}[(p${i} + i) | 0]`)
  const emitted = emitJs(
    attrs.outs.map((out) => out.expr),
    (position) => `x${position}`,
  )
  body.push(...emitted.lines)
  attrs.outs.forEach(({ expr, reduce }, k) => {
    const value = emitted.results[k]
    body.push(
      reduce === undefined
        ? `o${k}[(q${k} + i) | 0] = ${value}`
        : `r${k} = ${combineSource(reduce.fn, expr, `r${k}`, value)}`,
    )
  })
  lines.push('for (let i = 0; i < n; i++) {', ...body, '}')
  attrs.outs.forEach(({ reduce }, k) => {
    if (reduce !== undefined) lines.push(`o${k}[q${k}] = r${k}`)
  })
  return compile('instr, n', lines) as FlatKernel
}

/**
 * Nested loops over operands with steps. A reduction accumulates in a register over the inner loops that it reduces,
 * and in double-precision memory over outer ones: an order that depends on shape and axes only.
 */
function loopKernel(attrs: Prims['map'], accesses: readonly Access[], loops: Loops): LoopKernel {
  if (!mayCompile) return (instr, at) => interpretLoops(instr as Instr<'map'>, at)
  const depth = loops.sizes.length
  const viewAt: number[] = []
  accesses.forEach((access, i) => {
    if (access !== NUMBER) viewAt.push(i)
  })
  const used = new Set(inputsOf(attrs.outs.map((out) => out.expr)))
  const lines = openOperands(attrs, accesses)
  const plans = attrs.outs.map(({ reduce }, k) => planReduction(loops.steps[viewAt.length + k], reduce !== undefined))

  lines.push(...loops.sizes.map((_, l) => `const n${l} = loops.sizes[${l}]`))
  /** The step of operand `name` (row `row` of steps) in loop l as source; empty when it is 0. */
  const stepSource = (name: string, row: number, l: number): string => {
    const step = loops.steps[row][l]
    if (step === 0) return ''
    return step === 1 ? `${name}++` : `${name} += ${name}s${l}`
  }
  const moving: { name: string; row: number }[] = []
  viewAt.forEach((i, row) => {
    if (!used.has(i)) return
    if (accesses[i] === FIXED) lines.push(`const x${i} = d${i}[p${i}]`)
    else moving.push({ name: `p${i}`, row })
  })
  attrs.outs.forEach(({ reduce }, k) => {
    const plan = plans[k]
    const row = viewAt.length + k
    if (plan.buffered) {
      const fn = (reduce as { fn: ReduceFn }).fn
      lines.push(`let size${k} = 1; for (const n of outputs[${k}].shape) size${k} *= n`)
      lines.push(`const a${k} = accumulators(${k}, size${k}, identities.${fn})`, `let b${k} = 0`)
      moving.push({ name: `b${k}`, row })
    } else moving.push({ name: `q${k}`, row })
  })
  for (const { name, row } of moving) {
    loops.steps[row].forEach((step, l) => {
      if (step !== 0 && step !== 1) lines.push(`const ${name}s${l} = loops.steps[${row}][${l}]`)
    })
  }

  const emitted = emitJs(
    attrs.outs.map((out) => out.expr),
    (position) => `x${position}`,
  )
  const startOf = (l: number): string[] =>
    attrs.outs.flatMap(({ reduce }, k) =>
      reduce !== undefined && plans[k].from === l && plans[k].inRegister ? [`let r${k} = identities.${reduce.fn}`] : [],
    )
  const endOf = (l: number): string[] =>
    attrs.outs.flatMap(({ expr, reduce }, k) => {
      if (reduce === undefined || plans[k].from !== l || !plans[k].inRegister) return []
      return plans[k].buffered
        ? [`a${k}[b${k}] = ${combineSource(reduce.fn, expr, `a${k}[b${k}]`, `r${k}`)}`]
        : [`o${k}[q${k}] = r${k}`]
    })
  const build = (l: number): string[] => {
    if (l === depth) {
      const body: string[] = []
      for (const i of used) if (accesses[i] === STEPS) body.push(`const x${i} = d${i}[p${i}]`)
      body.push(...emitted.lines)
      attrs.outs.forEach(({ expr, reduce }, k) => {
        const value = emitted.results[k]
        const plan = plans[k]
        if (reduce === undefined || plan.direct) body.push(`o${k}[q${k}] = ${value}`)
        else if (plan.inRegister) body.push(`r${k} = ${combineSource(reduce.fn, expr, `r${k}`, value)}`)
        else body.push(`a${k}[b${k}] = ${combineSource(reduce.fn, expr, `a${k}[b${k}]`, value)}`)
      })
      return body
    }
    const inner = build(l + 1)
    const steps: string[] = []
    const save: string[] = []
    for (const { name, row } of moving) {
      // What inner loops moved is taken back: the position at the start of this iteration is remembered.
      const movedInside = loops.steps[row].slice(l + 1).some((step) => step !== 0)
      if (movedInside) {
        save.push(`const ${name}_${l} = ${name}`)
        steps.push(`${name} = ${name}_${l}`)
      }
      const step = stepSource(name, row, l)
      if (step !== '') steps.push(step)
    }
    return [
      ...startOf(l),
      `for (let i${l} = 0; i${l} < n${l}; i${l}++) {`,
      ...save,
      ...inner,
      ...steps,
      '}',
      ...endOf(l),
    ]
  }
  lines.push(...build(0))
  attrs.outs.forEach((_, k) => {
    if (plans[k].buffered) lines.push(`for (let i = 0; i < size${k}; i++) o${k}[q${k} + i] = a${k}[i]`)
  })
  return compile('instr, loops', lines) as LoopKernel
}

// From core to a backend: passes an instruction unchanged to a backend that supports it, and adapts it for one that
// does not. Inputs are made contiguous, several outputs become several instructions, and the rest runs on a host
// backend, visibly: each op warns once, `report()` counts it, and strict mode refuses it.
import {
  type Backend,
  type DeviceBuffer,
  type Instr,
  isScalar,
  type MapOut,
  type Operand,
  type Output,
  type Prims,
  type Spec,
  type View,
  withOperands,
} from '../backend/backend.ts'
import { asMatrices, foldsAlone } from '../backend/contraction.ts'
import { isSupported } from '../backend/supported.ts'
import { type DType, dtypes } from '../base/dtype.ts'
import { checkSwitch } from '../base/callable.ts'
import { RuntimeError } from '../base/errors.ts'
import { contiguousStrides, isContiguous } from '../base/layout.ts'
import { warn } from '../base/warn.ts'
import { s } from '../expr/expr.ts'
import { checkBackend, type Device } from './device.ts'

/** Runs an instruction on a device. */
export function dispatch(device: Device, instr: Instr): void {
  const { strided, multiOutput } = device.backend.caps
  if (strided && (multiOutput || instr.kind !== 'map' || instr.outputs.length === 1)) runAsIs(device, instr)
  else adapt(device, instr)
}

/** Runs an instruction in the form that its backend accepts: there, or on the fallback if it is unsupported. */
function runAsIs(device: Device, instr: Instr): void {
  const { backend } = device
  if (isSupported(backend, instr)) backend.run(instr)
  else if (instr.kind === 'contract') runAsMatrices(device, instr)
  else runElsewhere(device, instr)
}

/** An output as a view for readers. */
export const rowMajor = (out: Output): View => ({
  buffer: out.buffer,
  dtype: out.dtype,
  sizes: out.sizes,
  strides: contiguousStrides(out.sizes),
  offset: 0,
})

export const copies = Object.fromEntries(
  dtypes.map((dtype) => [dtype, { outs: [{ expr: s.input(0, dtype) }] }]),
) as unknown as Readonly<Record<DType, Prims['map']>>

/** An elementwise copy, the one kernel that every backend must run with any strides. */
export function copyTo(device: Device, input: View, output: Output): void {
  runAsIs(device, {
    kind: 'map',
    attrs: copies[input.dtype],
    inputs: [input],
    outputs: [output],
    origin: { name: 'copy' },
  })
}

/** Memory for one instruction, which no tensor will hold. */
class Temporaries {
  readonly #backend: Backend
  readonly #buffers: DeviceBuffer[] = []

  constructor(backend: Backend) {
    this.#backend = backend
  }

  like({ sizes, dtype }: Spec): Output {
    const buffer = this.#backend.alloc({ sizes, dtype })
    this.#buffers.push(buffer)
    return { sizes, dtype, buffer }
  }

  free(): void {
    for (const buffer of this.#buffers) this.#backend.free(buffer)
  }
}

function contiguous(device: Device, x: Operand, temporaries: Temporaries): Operand {
  if (isScalar(x) || (isContiguous(x) && x.offset === 0)) return x
  const output = temporaries.like(x)
  copyTo(device, x, output)
  return rowMajor(output)
}

/**
 * Runs a contraction on a backend that supports only matrix products: as a product over the same memory if possible,
 * otherwise over row-major copies, whose axes fold into a batch, rows, columns and summed axes.
 */
function runAsMatrices(device: Device, instr: Instr<'contract'>): void {
  const { backend } = device
  const same = asMatrices(instr)
  if (same !== null && isSupported(backend, same)) return backend.run(same)
  const temporaries = new Temporaries(backend)
  try {
    const moves: [View, Output][] = []
    const inputs = instr.inputs.map((x, i) => {
      if (isScalar(x) || foldsAlone(instr, i)) return x
      const copy = temporaries.like(x)
      moves.push([x, copy])
      return rowMajor(copy)
    })
    const folded = asMatrices(withOperands(instr, inputs, instr.outputs) as Instr<'contract'>)
    if (folded === null || !isSupported(backend, folded)) return runElsewhere(device, instr)
    for (const [from, to] of moves) copyTo(device, from, to)
    backend.run(folded)
  } finally {
    temporaries.free()
  }
}

function adapt(device: Device, instr: Instr): void {
  const { backend } = device
  const temporaries = new Temporaries(backend)
  try {
    const inputs = backend.caps.strided ? instr.inputs : instr.inputs.map((x) => contiguous(device, x, temporaries))
    const single = instr.kind !== 'map' || backend.caps.multiOutput || instr.outputs.length === 1
    const parts = single ? [withOperands(instr, inputs, instr.outputs)] : oneByOne({ ...instr, inputs }, temporaries)
    for (const part of parts) runAsIs(device, part)
  } finally {
    temporaries.free()
  }
}

/** A map of several outputs as maps of one; overwritten inputs are overwritten after all have been computed. */
function oneByOne(instr: Instr<'map'>, temporaries: Temporaries): Instr[] {
  const { outs } = instr.attrs
  const parts: Instr[] = []
  const moves: Instr[] = []
  instr.outputs.forEach((output, k) => {
    const overwrites = instr.inputs.some((x) => !isScalar(x) && x.buffer === output.buffer)
    const target = overwrites ? temporaries.like(output) : output
    parts.push({
      ...instr,
      attrs: alone(outs[k]),
      outputs: [target],
      donate: undefined,
      check: k === 0 ? instr.check : undefined,
    })
    if (!overwrites) return
    const attrs = copies[output.dtype]
    moves.push({ kind: 'map', attrs, inputs: [rowMajor(target)], outputs: [output], origin: instr.origin })
  })
  return [...parts, ...moves]
}

const singles = new WeakMap<MapOut, Prims['map']>()
/** The same object for the same output, so that backends find its kernel by identity. */
function alone(out: MapOut): Prims['map'] {
  let attrs = singles.get(out)
  if (attrs === undefined) {
    attrs = { outs: [out] }
    singles.set(out, attrs)
  }
  return attrs
}

// ---- fallback ----

let host: Backend | undefined
let strict = false
const counts = new Map<string, number>()

/** Sets the backend that runs what a device cannot; it must read and write synchronously. Returns the previous one. */
export function setFallback(backend: Backend): Backend | undefined {
  checkBackend('setFallback', backend)
  const before = host
  host = backend
  return before
}
export const fallback = (): Backend | undefined => host

/** In strict mode an instruction that a device cannot run throws instead of running on the fallback. */
export function setStrict(on: boolean): void {
  checkSwitch('on', on)
  strict = on
}

/** Whether instructions on a device can only fail in their checks, before they write. */
export const isCertain = ({ backend }: Device): boolean => backend.caps.certain === true && !strict

/** How often each op ran on the fallback, as `device op`: count; empty if devices ran everything themselves. */
export const report = (): Readonly<Record<string, number>> => Object.fromEntries(counts)

/** The fallback for an op of a device; warns, counts it, and throws if there is none or the mode is strict. */
function elsewhereFor(device: Device, op: string, what = op): Backend {
  if (strict || host === undefined || host === device.backend) {
    throw new RuntimeError(
      `device '${device.name}' cannot run ${what}`,
      host === undefined || host === device.backend
        ? undefined
        : 'Leave strict mode, setStrict(false), to run it on the fallback.',
    )
  }
  warn(`device '${device.name}' cannot run ${op}; it runs on ${host.name}, slower.`)
  const name = `${device.name} ${op}`
  counts.set(name, (counts.get(name) ?? 0) + 1)
  return host
}

function runElsewhere(device: Device, instr: Instr): void {
  const { backend } = device
  const op = instr.kind === 'host' ? instr.attrs.op : instr.origin.name
  const elsewhere = elsewhereFor(device, op, instr.kind === 'host' ? op : `${op} (${instr.kind})`)
  const there = (spec: Spec): Output => ({
    sizes: spec.sizes,
    dtype: spec.dtype,
    buffer: elsewhere.alloc(spec),
  })
  const inputs = instr.inputs.map((x) => {
    if (isScalar(x)) return x
    const copy = there(x)
    elsewhere.write(copy, backend.readSync(x))
    return rowMajor(copy)
  })
  const outputs = instr.outputs.map(there)
  const moved = withOperands({ ...instr, donate: undefined }, inputs, outputs)
  elsewhere.run(moved.kind === 'contract' ? (asMatrices(moved) as Instr) : moved)
  outputs.forEach((output, k) => void backend.write(instr.outputs[k], elsewhere.readSync(rowMajor(output))))
}

// The plain JavaScript backend: runs every kernel of the interface synchronously, over typed arrays. It installs and
// runs everywhere, and other backends are compared with it.
import {
  type Backend,
  type Capabilities,
  type Check,
  checkClaims,
  type DeviceBuffer,
  dtypes,
  flagOf,
  garbage,
  HostMemory,
  type HostBuffer,
  hostOf,
  type Instr,
  iterated,
  type Memory,
  numelOf,
  type Output,
  type PrimKind,
  readView,
  runOnHost,
  type Spec,
  type TypedArray,
  type View,
  writeHost,
  fillHost,
} from '@flambeau/core/backend'
import { argReduce } from './kernels/arg-reduce.ts'
import { map, mayCompile } from './kernels/map.ts'
import { contract } from './kernels/matmul.ts'
import { assign, concat, fold, gather, iota, pad, scatter } from './kernels/move.ts'
import { scan, sort } from './kernels/order.ts'
import { isWarming, isWarmingDraw } from './kernels/warming.ts'
import { compileProgram } from './program/program.ts'

const kernels: { readonly [K in PrimKind | 'host']: (instr: Instr<K>) => void } = {
  map,
  argReduce,
  scan,
  contract,
  concat,
  pad,
  fold,
  gather,
  scatter,
  assign,
  sort,
  iota,
  host: runOnHost,
}

class JsBackend implements Backend {
  readonly name = 'js'
  readonly caps: Capabilities = {
    dtypes: new Set(dtypes),
    strided: true,
    syncRead: true,
    multiOutput: true,
    reducedPost: true,
    maxArgs: Number.MAX_SAFE_INTEGER,
    maxElements: 2 ** 31 - 1,
    strictFloat: true,
    certain: true,
  }
  readonly #memory = new HostMemory(this)
  /**
   * The output of every check. They share one, because a fresh byte per step would keep its slab alive for many steps.
   */
  readonly #flag: Output = { sizes: [], dtype: 'bool', buffer: this.alloc({ sizes: [], dtype: 'bool' }) }

  supports(): boolean {
    return true
  }

  alloc(spec: Spec): DeviceBuffer {
    return this.#memory.alloc(spec)
  }

  write(out: Output, data: TypedArray): void {
    writeHost(out, data)
  }

  fill(out: Output, elements: (memory: TypedArray) => void): void {
    if (isWarmingDraw(numelOf(out.sizes))) garbage.holding(() => fillHost(out, elements))
    else fillHost(out, elements)
  }

  run(instr: Instr): void {
    if (isWarming(instr)) garbage.holding(() => this.#run(instr))
    else this.#run(instr)
  }

  #run(instr: Instr): void {
    // Maps skip the lookup by name, because most small operations are maps. `map` checks its own operands.
    if (instr.kind === 'map' && instr.check === undefined) map(instr)
    else this.#runChecked(instr)
  }

  #runChecked(instr: Instr): void {
    checkClaims(instr)
    if (instr.check !== undefined) this.#verify(instr, instr.check)
    ;(kernels[instr.kind as PrimKind] as (instr: Instr) => void)(instr)
  }

  /**
   * Throws the check's error if any element of its expression is true: a map reduced to one flag, before anything is
   * written.
   */
  #verify(instr: Instr, check: Check): void {
    const shape = iterated({ inputs: instr.inputs, outputs: [] })
    map({
      kind: 'map',
      attrs: flagOf(check.expr, shape.length),
      inputs: instr.inputs,
      outputs: [this.#flag],
      origin: instr.origin,
    })
    const { data, start } = hostOf(this.#flag)
    if (numelOf(shape) > 0 && data[start] !== 0) throw check.error()
  }

  readSync(view: View, inPlace?: boolean): TypedArray {
    return readView(view, view.dtype, inPlace)
  }

  async read(view: View): Promise<TypedArray> {
    return readView(view)
  }

  free(buffer: DeviceBuffer): void {
    garbage.put((buffer as HostBuffer).slab)
  }

  async sync(): Promise<void> {}

  memory(): Memory {
    return this.#memory.report()
  }

  tidy(): void {
    garbage.tidy()
  }

  /** Undefined where source cannot be compiled; core then replays programs kernel by kernel. */
  readonly compile: Backend['compile'] = mayCompile ? (program, plan) => compileProgram(program, plan, this) : undefined

  dispose(): void {}
}

let shared: Backend | undefined

/** The plain JavaScript backend. A process has one. */
export function js(): Backend {
  shared ??= new JsBackend()
  return shared
}

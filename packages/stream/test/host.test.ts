// A host without an addon. It receives the words of a compiled program, and rows with the addresses that it returned.
import { js } from '@flambeau/backend-js'
import { compile, ones, type Tensor, useDevice } from '@flambeau/core'
import {
  type Backend,
  type HostBuffer,
  HostMemory,
  type Instr,
  type Program,
  type Plan,
  Slab,
} from '@flambeau/core/backend'
import { afterAll, expect, it } from 'vitest'
import {
  type Arena,
  compileProgram,
  type Handle,
  type Host,
  kernels,
  opcodes,
  type Runner,
  type Shared,
} from '../src/index.ts'

interface Kept {
  readonly words: Int32Array
  readonly rows: number
  bound?: { readonly rows: Shared<Float64Array>; readonly numbers: Shared<Float64Array> }
  runs: number
}

/** Keeps programs and runs nothing. */
class Recording implements Host {
  readonly fused: Host['fused'] = new Set(kernels)
  readonly programs: Kept[] = []
  readonly #addresses = new Map<unknown, number>()

  moves = 0
  gather(): void {}
  place = ({ data }: Slab): number => this.lend(data)
  lend({ buffer, byteOffset }: ArrayBufferView): number {
    if (!this.#addresses.has(buffer)) this.#addresses.set(buffer, (1 + this.#addresses.size) * 2 ** 20)
    return (this.#addresses.get(buffer) as number) + byteOffset
  }
  words = (length: number): Shared<Int32Array> => ({ array: new Int32Array(length) })
  numbers = (length: number): Shared<Float64Array> => ({ array: new Float64Array(length) })
  arena(bytes: number): Arena {
    const whole = new Float64Array(Math.ceil(bytes / 8))
    return { from: (at) => new Slab(whole.subarray(at / 8)), rest() {} }
  }
  open(): void {
    throw new Error('no batch was opened')
  }
  submit(): number {
    throw new Error('no batch was written')
  }
  define(): void {
    throw new Error('no batch was written')
  }
  program(words: Int32Array, rows: number): Handle {
    const made: Kept = { words: words.slice(), rows, runs: 0 }
    this.programs.push(made)
    return made as unknown as Handle
  }
  bind(program: Handle, rows: Shared<Float64Array>, numbers: Shared<Float64Array>): void {
    ;(program as unknown as Kept).bound = { rows, numbers }
  }
  run(program: Handle, times: number): number {
    ;(program as unknown as Kept).runs += times
    return 0
  }
}

const plain = js()
afterAll(() => useDevice(plain))

const rowsOf = (bound: Kept['bound']): Float64Array => (bound as NonNullable<Kept['bound']>).rows.array

/** Runs eager code on plain JavaScript and compiled programs on the host. */
function backendOn(host: Recording): Runner {
  const made: Partial<Runner> = Object.create(plain)
  const memory = new HostMemory(made as Backend)
  return Object.assign(made, {
    name: 'recording',
    host,
    status: new Int32Array(4),
    inFlight: null,
    submit: () => {},
    alloc: memory.alloc.bind(memory),
    memory: () => plain.memory(),
    run: (instr: Instr) => plain.run(instr),
    compile: (program: Program, plan: Plan) => compileProgram(program, plan, made as Runner),
  }) as Runner
}

it('a host gets words, and rows with the addresses of memory', () => {
  const host = new Recording()
  useDevice(backendOn(host))
  const step = compile((x: Tensor) => x.mul(3).add(x))
  const x = ones(4)
  for (let i = 0; i < 6; i++) step(x)
  expect(host.programs).toHaveLength(1)
  const [{ words, rows, bound, runs }] = host.programs
  expect(runs).toBeGreaterThan(0)
  expect(words[0]).toBe(opcodes.map)
  expect(words[1]).toBe(words.length)
  expect(rows).toBe(2)
  const { slab, start } = x.buffer as HostBuffer
  const address = host.place(slab) + 4 * start
  // The address, the bytes and the step of each row. One of them is the argument's.
  const places = Array.from({ length: rows }, (_, row) => [...rowsOf(bound).slice(3 * row)])
  expect(places.map(([at, bytes]) => [at, bytes])).toContainEqual([address, 16])
  const y = ones(4)
  step(y)
  const moved = host.place((y.buffer as HostBuffer).slab) + 4 * (y.buffer as HostBuffer).start
  expect([...rowsOf(bound)]).toContain(moved)
})

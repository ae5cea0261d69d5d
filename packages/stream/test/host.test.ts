// A host without an addon. It receives the words of a compiled program, and rows with the addresses that it returned.
import { js } from '@flambeau/backend-js'
import { compile, ones, type Tensor, useDevice } from '@flambeau/core'
import { type Backend, type HostBuffer, HostMemory, type Instr, type Program, type Plan } from '@flambeau/core/backend'
import { afterAll, expect, it } from 'vitest'
import { compileProgram, type Handle, type Host, opcodes, type Runner } from '../src/index.ts'

interface Kept {
  readonly words: Int32Array
  readonly rows: number
  bound?: { readonly rows: Float64Array; readonly numbers: Float64Array }
  runs: number
}

/** Keeps programs and runs nothing. */
class Recording implements Host {
  readonly programs: Kept[] = []
  readonly #addresses = new Map<unknown, number>()

  address({ buffer, byteOffset }: ArrayBufferView): number {
    if (!this.#addresses.has(buffer)) this.#addresses.set(buffer, (1 + this.#addresses.size) * 2 ** 20)
    return (this.#addresses.get(buffer) as number) + byteOffset
  }
  numbers = (length: number): Float64Array => new Float64Array(length)
  define(): void {
    throw new Error('no batch was written')
  }
  program(words: Int32Array, rows: number): Handle {
    const made: Kept = { words: words.slice(), rows, runs: 0 }
    this.programs.push(made)
    return made as unknown as Handle
  }
  bind(program: Handle, rows: Float64Array, numbers: Float64Array): void {
    ;(program as unknown as Kept).bound = { rows, numbers }
  }
  run(program: Handle, times: number): number {
    ;(program as unknown as Kept).runs += times
    return 0
  }
  runAsync(): Promise<Int32Array> {
    throw new Error('nothing was repeated')
  }
}

const plain = js()
afterAll(() => useDevice(plain))

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
  const address = host.address(slab.data) + 4 * start
  // The address, the bytes and the step of each row. One of them is the argument's.
  const places = Array.from({ length: rows }, (_, row) => [...(bound as { rows: Float64Array }).rows.slice(3 * row)])
  expect(places.map(([at, bytes]) => [at, bytes])).toContainEqual([address, 16])
  const y = ones(4)
  step(y)
  const moved = host.address((y.buffer as HostBuffer).slab.data) + 4 * (y.buffer as HostBuffer).start
  expect([...(bound as { rows: Float64Array }).rows]).toContain(moved)
})

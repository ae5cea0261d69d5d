// A limited backend to test how core adapts instructions: contiguous inputs, one output per instruction, products of
// two matrices or of one batch of them, some kinds not at all. It throws at an instruction that it should not get.
import { js } from '@flambeau/backend-js'
import {
  type Backend,
  checkClaims,
  hasMatrices,
  type Instr,
  isContiguous,
  type Kind,
  type Output,
  type Spec,
  type TypedArray,
  type View,
} from '@flambeau/core/backend'

const refused: readonly Kind[] = ['sort', 'scatter', 'gather']

export class Limited implements Backend {
  readonly name: string = 'limited'
  readonly caps = { ...js().caps, strided: false, multiOutput: false, certain: false }
  seen = 0

  supports(instr: Instr): boolean {
    if (instr.kind === 'contract') return hasMatrices(instr) && instr.attrs.batch < 2
    return !refused.includes(instr.kind)
  }

  run(instr: Instr): void {
    this.seen++
    const copy = instr.origin.name === 'copy'
    if (!this.supports(instr)) throw new Error(`got ${instr.kind}, which it said it cannot run`)
    if (instr.kind === 'map' && instr.outputs.length !== 1) throw new Error('got a map of several outputs')
    for (const x of instr.inputs) {
      if (!copy && 'strides' in x && !(isContiguous(x) && x.offset === 0))
        throw new Error(`got strides for ${instr.origin.name}`)
    }
    js().run(instr)
  }

  alloc = (spec: Spec) => js().alloc(spec)
  write = (out: Output, data: TypedArray): void => js().write(out, data)
  read = (view: View): Promise<TypedArray> => js().read(view)
  readSync = (view: View): TypedArray => js().readSync(view)
  free(): void {}
  async sync(): Promise<void> {}
  memory = () => js().memory()
  dispose(): void {}
}

/** Accepts any instruction, runs none, and keeps them. */
export class Seen extends Limited {
  override readonly caps = { ...js().caps, certain: false }
  readonly #instrs: Instr[] = []

  override supports(): boolean {
    return true
  }

  override run(instr: Instr): void {
    checkClaims(instr)
    this.#instrs.push(instr)
  }

  /** The instructions of a call. */
  of(call: () => unknown): readonly Instr[] {
    this.#instrs.length = 0
    call()
    return [...this.#instrs]
  }
}

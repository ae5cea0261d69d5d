// Writes the text of one kernel: its parameters as they are needed, its statements, and the addresses of elements in
// strided operands. Indices are integers in float32, exact to 2^24.
import {
  type DType,
  isFloat,
  isView,
  type Instr,
  numberSource,
  numelOf,
  type Operand,
  roundTo,
  scalarValue,
} from '@flambeau/core/backend'
import { functionsIn } from './math.ts'
import { lengthOf, type Source, type Step } from './plan.ts'

/** A number as kernels represent it: a value of its dtype, in a float. */
export const numberOf = (x: number, dtype: DType): number => roundTo(x, isFloat(dtype) ? 'float32' : dtype)

/** A number as source; negative ones in parentheses. Anything but a number throws, so it never becomes code. */
export const literal = (value: number): string => numberSource(value)

/** Below this, `(i + 0.5) / d` rounds down to the right integer even if a division is off by some units. */
const halfIsEnough = 2 ** 20

/** An integer from 0 to below `most` divided by `d`, rounded down. */
export const divided = (i: string, d: number, most: number): string =>
  d === 1 ? i : most <= halfIsEnough ? `Math.floor((${i} + 0.5) / ${d})` : `divided(${i}, ${d})`

export class KernelWriter {
  readonly #length: number
  readonly #perThread: 4 | undefined
  readonly #lines: string[] = []
  readonly #textures: Source[] = []
  readonly #lengths: number[] = []
  readonly #numbers: ((instr: Instr) => number)[] = []
  #names = 0

  /** A kernel with `length` elements in its output, of which a thread computes one, or four. */
  constructor(length: number, perThread?: 4) {
    this.#length = length
    this.#perThread = perThread
  }

  /** The index of the thread, which is that of the output's element if a thread computes one. */
  readonly index = 'this.thread.x'

  /** The name of a texture of `length` elements. */
  texture(source: Source, length: number): string {
    this.#lengths.push(length)
    return `t${this.#textures.push(source) - 1}`
  }

  /** The name of a number that is evaluated at every call. */
  number(read: (instr: Instr) => number): string {
    return `n${this.#numbers.push(read) - 1}`
  }

  line(text: string): void {
    this.#lines.push(text)
  }

  /** Declares a value, and returns its name. */
  value(code: string, kind: 'const' | 'let' = 'const'): string {
    const name = `v${this.#names++}`
    this.line(`${kind} ${name} = ${code};`)
    return name
  }

  /** A loop; `body` gets the name of its counter. */
  loop(turns: number, body: (counter: string) => void): void {
    const counter = `k${this.#names++}`
    this.line(`for (let ${counter} = 0; ${counter} < ${turns}; ${counter}++) {`)
    body(counter)
    this.line('}')
  }

  when(condition: string, body: () => void): void {
    this.line(`if (${condition}) {`)
    body()
    this.line('}')
  }

  /** The indices along dimensions, slowest first, of the element at `i` in row-major order. */
  indices(i: string, sizes: readonly number[]): string[] {
    const found = new Array<string>(sizes.length)
    let rest = i
    let most = numelOf(sizes)
    for (let axis = sizes.length - 1; axis > 0; axis--) {
      const size = sizes[axis]
      if (size === 1) {
        found[axis] = '0'
        continue
      }
      const q = this.value(divided(rest, size, most))
      found[axis] = this.value(`${rest} - ${q} * ${size}`)
      rest = q
      most /= size
    }
    if (sizes.length > 0) found[0] = rest
    return found
  }

  /** `start` plus index times stride for every index. */
  address(start: string | undefined, indices: readonly string[], steps: readonly number[]): string {
    const terms = start === undefined ? [] : [start]
    indices.forEach((index, axis) => {
      const step = steps[axis]
      if (step !== 0 && index !== '0') terms.push(step === 1 ? index : `${index} * ${step}`)
    })
    if (terms.length === 0) return '0'
    return terms.length === 1 && /^[\w.]+$/.test(terms[0]) ? terms[0] : this.value(terms.join(' + '))
  }

  /** The offset of an operand's first element in its buffer, if it is not 0. */
  start(x: Operand, position: number): string | undefined {
    if (!isView(x) || x.offset === 0) return undefined
    return this.number(({ inputs }) => (inputs[position] as { offset: number }).offset)
  }

  /** The texture of an input of the instruction. */
  input(x: Operand, position: number): string {
    return this.texture({ input: position }, isView(x) ? lengthOf(x) : 0)
  }

  /** A scalar operand as a number of the dtype that it is read as. */
  scalar(position: number, dtype: DType): string {
    return this.number(({ inputs }) => {
      const operand = inputs[position]
      return isView(operand) ? 0 : numberOf(scalarValue(operand), dtype)
    })
  }

  /** The step of the kernel that returns `result`. */
  step(result: string): Step {
    const body = [...this.#lines, `return ${result};`].join('\n')
    const parameters = [...this.#lengths.map((_, i) => `t${i}`), ...this.#numbers.map((_, i) => `n${i}`)]
    return {
      kernel: {
        source: `function (${parameters.join(', ')}) {\n${body}\n}`,
        length: this.#length,
        ...(this.#perThread && { perThread: this.#perThread }),
        textures: this.#lengths,
        numbers: this.#numbers.length,
        functions: functionsIn(body),
      },
      textures: this.#textures,
      numbers: this.#numbers,
    }
  }
}

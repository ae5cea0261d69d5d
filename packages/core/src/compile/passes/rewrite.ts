// Helpers for passes that rewrite expressions: expressions in which equal nodes are one node, and lists of operands in
// which equal operands are one operand.
import { isReading, isUse, type ProgramOperand, type Use } from '../../backend/program.ts'
import { type Expr, s, topological } from '../../expr/expr.ts'

const isOne = (x: Expr): boolean => x.step === 'const' && x.value === 1

/** A number as a key: -0 differs from 0, and there is one NaN. */
export const numberKey = (x: number): string => (Object.is(x, -0) ? '-0' : String(x))

/** Expressions by value: equal nodes are the same object. */
export class Expressions {
  readonly #nodes = new Map<string, Expr>()
  readonly #ids = new Map<Expr, number>()

  /** The representative of all nodes equal to `x`, whose arguments are representatives, too. */
  #node(x: Expr): Expr {
    if (this.#ids.has(x)) return x
    const { step, dtype, args, value } = x
    // Exact for any other operand.
    if (step === 'mul' && isOne(args[0])) return args[1]
    if ((step === 'mul' || step === 'div') && isOne(args[1])) return args[0]
    // A condition that was cast to a number and back.
    if (step === 'cast' && dtype === 'bool' && args[0].step === 'cast' && args[0].args[0].dtype === 'bool')
      return args[0].args[0]
    const key = `${step} ${dtype} ${numberKey(value)} ${args.map((arg) => this.#ids.get(arg)).join(' ')}`
    const known = this.#nodes.get(key)
    if (known !== undefined) return known
    this.#nodes.set(key, x)
    this.#ids.set(x, this.#ids.size)
    return x
  }

  /** An expression that replaces an operand in memory, rounded as that would be. */
  rounded(x: Expr): Expr {
    const rounded = s.rounded(x)
    return rounded === x ? this.#node(x) : this.rewrite([rounded])[0]
  }

  /**
   * The expressions, with other expressions in place of their inputs. These are rounded like operands in memory, so
   * that fused kernels give the same numbers as separate ones.
   */
  rewrite(roots: readonly Expr[], input: (x: Expr) => Expr = (x) => x): Expr[] {
    const done = new Map<Expr, Expr>()
    for (const x of topological(roots)) {
      if (x.step === 'input') {
        done.set(x, this.rounded(input(x)))
        continue
      }
      const args = x.args.map((arg) => done.get(arg) as Expr)
      done.set(x, this.#node(args.every((arg, i) => arg === x.args[i]) ? x : { ...x, args }))
    }
    return roots.map((root) => done.get(root) as Expr)
  }

  /** A number that is equal for equal expressions. */
  idOf(root: Expr): number {
    return this.#ids.get(this.rewrite([root])[0]) as number
  }
}

const keys = new WeakMap<ProgramOperand, string>()

/** A key that is equal for operands that read the same elements or the same number. */
export function operandKey(x: ProgramOperand): string {
  let key = keys.get(x)
  if (key === undefined) {
    key = keyOf(x)
    keys.set(x, key)
  }
  return key
}

function keyOf(x: ProgramOperand): string {
  if (isReading(x)) return `r${x.reading} ${x.dtype}`
  if (!isUse(x)) return `${numberKey(x.value)} ${x.dtype}`
  const { value, sizes, strides, offset } = x
  return `v${value} ${sizes.join()} ${strides.map((stride, i) => (sizes[i] === 1 ? 0 : stride)).join()} ${offset}`
}

/** The operands of an instruction under construction. */
export class Operands {
  readonly list: ProgramOperand[] = []
  readonly #positions = new Map<string, number>()

  constructor(first: readonly ProgramOperand[] = []) {
    for (const x of first) this.#position(x)
  }

  get views(): readonly Use[] {
    return this.list.filter(isUse)
  }

  #position(x: ProgramOperand): number {
    const key = operandKey(x)
    const known = this.#positions.get(key)
    if (known !== undefined) return known
    const position = this.list.push(x) - 1
    this.#positions.set(key, position)
    return position
  }

  /** The expression that reads an operand in place of `like`: an input, or the number itself if it is known. */
  read(x: ProgramOperand, like: Expr): Expr {
    return isUse(x) || isReading(x) ? s.input(this.#position(x), like.dtype) : s.constant(x.value, like.dtype)
  }
}

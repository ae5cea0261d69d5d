// Several results by the names of PyTorch's named tuples: `const { Q, R } = qr(x)` or `const [Q, R] = qr(x)`.
import { inspect } from '../../base/inspect.ts'
import { formatReturnType } from '../../tensor/print.ts'
import type { Tensor } from '../../tensor/tensor.ts'

/** Two results. */
export type Two<K extends string> = { readonly [P in K]: Tensor } & readonly [Tensor, Tensor]
/** Three results. */
export type Three<K extends string> = { readonly [P in K]: Tensor } & readonly [Tensor, Tensor, Tensor]

/** The results with names, which are also a list; printed as PyTorch prints `torch.return_types.<op>`. */
export function results<R>(op: string, named: Readonly<Record<string, Tensor>>): R {
  const entries = Object.entries(named)
  const print = (): string => formatReturnType(op, Object.fromEntries(entries.map(([name, x]) => [name, String(x)])))
  const list = entries.map(([, x]) => x)
  for (const key of ['toString', Symbol.for(inspect)])
    Object.defineProperty(list, key, { value: print, enumerable: false })
  return Object.assign(list, named) as unknown as R
}

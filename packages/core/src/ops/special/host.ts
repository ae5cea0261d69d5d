// Elementwise functions that run in JavaScript, in float64 and rounded once: instructions of the kind `host`, as those of
// linear algebra.
import { type DType, newArray } from '../../base/dtype.ts'
import { floatType } from '../../base/promotion.ts'
import { broadcastShapes, type Shape, scalarShape } from '../../base/shape.ts'
import { apply, deviceOf } from '../../tensor/apply.ts'
import type { Input, OpDef } from '../../tensor/op.ts'
import { commonType } from '../define/common.ts'
import { cloneOp, type Elementwise, expandTo } from '../define/elementwise.ts'

const shapeOf = (inputs: readonly Input[]): Shape =>
  inputs.reduce<Shape>((sizes, x) => broadcastShapes(sizes, x.sizes), scalarShape)

/** An op of a function of one number or two; `label` is PyTorch's name in messages. Integers give float32. */
export function hostFunction(
  name: string,
  label: string,
  fn: (x: number, y: number) => number,
  rules: Pick<OpDef<null>, 'vjp' | 'saves'> & { readonly accepts?: (inputs: readonly Input[]) => void } = {},
): Elementwise {
  const { accepts, ...gradient } = rules
  const lowered = {
    op: label,
    name,
    attrs: null,
    compute([x, y = x]: readonly ArrayLike<number>[], _: unknown, [{ dtype }]: readonly { readonly dtype: DType }[]) {
      const out = newArray(dtype, x.length)
      for (let i = 0; i < out.length; i++) out[i] = fn(x[i], y[i])
      return [out]
    },
  }
  /** On tensors of one shape. */
  const kernel: OpDef<DType> = {
    name,
    infer: ([x], dtype) => [{ sizes: x.sizes, dtype }],
    to: { kind: 'kernel', prim: 'host', lower: () => lowered },
  }
  const op: OpDef<null> = {
    name,
    infer(inputs) {
      accepts?.(inputs)
      return [{ sizes: shapeOf(inputs), dtype: floatType(commonType(inputs)) }]
    },
    ...gradient,
    to: {
      kind: 'compose',
      compose(inputs) {
        const device = deviceOf(inputs)
        const [{ sizes, dtype }] = op.infer(inputs, null)
        const tensors = inputs.map((x) =>
          expandTo(x.wrapped === true ? apply(cloneOp as OpDef<unknown>, [x], { sizes: [], dtype }, device) : x, sizes),
        )
        return [apply(kernel, tensors, dtype)]
      },
    },
  }
  return { ...op, arity: fn.length } as Elementwise
}

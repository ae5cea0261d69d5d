// Elementwise functions that run in JavaScript: in float64, rounded once. On other devices that shows as the fallback does,
// in `report()`, and a step that is compiled cannot contain them, because they read elements.
import { newArray } from '../../base/dtype.ts'
import { floatType } from '../../base/promotion.ts'
import { broadcastShapes, numelOf, type Shape, scalarShape } from '../../base/shape.ts'
import { deviceOf, expandView } from '../../tensor/apply.ts'
import { runsOnHost } from '../../tensor/dispatch.ts'
import { effects } from '../../tensor/effects.ts'
import type { Input, OpDef } from '../../tensor/op.ts'
import { fromArray } from '../create/create.ts'
import { commonType } from '../define/common.ts'
import type { Elementwise } from '../define/elementwise.ts'

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
        effects.sink?.refuse(`${label}()`, 'Call it before the step, and pass the result.')
        const device = deviceOf(inputs)
        runsOnHost(device, label)
        const [{ sizes, dtype }] = op.infer(inputs, null)
        const out = newArray(dtype, numelOf(sizes))
        const [x, y = x] = inputs.map((input) => {
          if (input.wrapped !== true) return out.length === 0 ? out : device.backend.readSync(expandView(input, sizes))
          const value = typeof input.value === 'function' ? input.value() : input.value
          return new Float64Array(out.length).fill(Number(value))
        })
        for (let i = 0; i < out.length; i++) out[i] = fn(x[i], y[i])
        return [fromArray(out, sizes, { device: device.name })]
      },
    },
  }
  return { ...op, arity: fn.length } as Elementwise
}

// Windows of few taps over planes, for which a backend may have kernels of its own: the ops of those kernels, and whether
// they are there for a tensor.
import { type CompositeKind, composites } from '../../backend/composites.ts'
import type { OpDef } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { runsOnPlanes } from '../define/composite.ts'
import { isSmall, leading, type Windows } from './taps.ts'

type Prim = CompositeKind & `${'max' | 'avg'}Pool${string}`

/** An op of a kernel, from windows (`output`) or back to them. */
export const planeOp = <W extends Windows>(
  name: string,
  prim: Prim,
  side: 'input' | 'output',
  rules: Omit<OpDef<W>, 'name' | 'infer' | 'to'>,
): OpDef<W> => ({
  name,
  infer: ([x], windows) =>
    composites[prim].outputs.map(() => ({ sizes: [...leading(x, windows), ...windows[side]], dtype: x.dtype })),
  ...rules,
  to: {
    kind: 'kernel',
    prim,
    lower: (windows, [x]) => ({ ...windows, axis: x.sizes.length - 2, plane: windows[side] }) as never,
  },
})

export const hasPlanes = (x: Tensor, windows: Windows, prim: Prim): boolean =>
  isSmall(windows) && windows.stride[1] < 3 && runsOnPlanes(prim, x, windows.dilation)

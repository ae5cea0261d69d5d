// The printed form of a tensor: the elements that are shown, and PyTorch's suffixes.
import { currentDevice } from './device.ts'
import { effects } from './effects.ts'
import { formatTensor, formatTuple } from './print.ts'
import type { Tensor } from './tensor.ts'

/** Up to this number of elements, all are read at once, even if few are shown. */
const readWhole = 10000

/**
 * The printed name of the node. As in PyTorch 2, printing does not fail for a view created inside noGrad whose node is
 * unknown.
 */
function nodeName(x: Tensor): string | undefined {
  try {
    return x.gradFn?.name
  } catch {
    return 'Invalid'
  }
}

/** A tensor as PyTorch prints it, with `...` in place of elements that cannot be read synchronously. */
export function tensorText(x: Tensor): string {
  const { sizes, dtype, storage, elements } = x
  const { backend } = storage.device
  const device = storage.device === currentDevice() ? undefined : storage.device.name
  const gradFn = nodeName(x)
  const suffixes = { device, gradFn, requiresGrad: x.requiresGrad }
  effects.sink?.refuse('printing a tensor', 'Return the tensor from the step and print it outside.')
  if (!backend.caps.syncRead) {
    const grad = gradFn === undefined ? (x.requiresGrad ? ', requires_grad=True' : '') : `, grad_fn=<${gradFn}>`
    return `tensor(..., device='${x.device}', size=${formatTuple(sizes)}, dtype=torch.${dtype}${grad})`
  }
  return formatTensor({ at: elements > readWhole ? single(x) : every(x), shape: sizes, dtype, suffixes })
}

function every(x: Tensor): (index: number) => number {
  const data = x.elements === 0 ? [] : x.storage.device.backend.readSync(x)
  return (index) => data[index]
}

/** Reads one element at a time, because few of a large tensor's are shown. */
function single({ buffer, sizes, strides, dtype, offset, storage }: Tensor): (index: number) => number {
  const { backend } = storage.device
  return (index) => {
    let at = offset
    let rest = index
    for (let d = sizes.length - 1; d >= 0; d--) {
      at += (rest % sizes[d]) * strides[d]
      rest = Math.floor(rest / sizes[d])
    }
    return backend.readSync({ buffer, dtype, sizes: [], strides: [], offset: at })[0]
  }
}

// The driver's errors as sentences: PyTorch's where it has one, then what to do.
import { RuntimeError } from '@flambeau/core/backend'
import type { CudaAddon, Opened } from './addon.ts'

const others = "Use device 'native' or 'js' instead."
export const outOfMemory = 2
/** After these the context cannot be used any more: errors of memory and links, of kernels, and its end. */
const fatal = new Set([214, 220, 226, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 721])
const hints: Readonly<Record<number, string>> = {
  46: 'Another process may have the GPU to itself: nvidia-smi -q -d COMPUTE says its compute mode.',
  221: 'The compiler is a part of the driver: libnvidia-ptxjitcompiler.so.1. A container needs NVIDIA_DRIVER_CAPABILITIES=compute,utility.',
}

/** Why the driver could not be opened. */
export function driverError(opened: Extract<Opened, { readonly failure: string }>): RuntimeError {
  const { failure, code, text } = opened
  if (failure === 'missing')
    return new RuntimeError(
      'Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver from http://www.nvidia.com/Download/index.aspx',
      `${text}. ${others}`,
    )
  if (failure === 'old')
    return new RuntimeError(
      'The NVIDIA driver on your system is too old.',
      `It lacks ${text}; flambeau needs driver 470 or newer. ${others}`,
    )
  return code === 100
    ? new RuntimeError(
        'No CUDA GPUs are available',
        `There is a driver, but no GPU; in a container, start it with --gpus all. ${others}`,
      )
    : new RuntimeError(`CUDA error: ${text}`, others)
}

const unit = (bytes: number): string => {
  const [size, name] = bytes >= 2 ** 30 ? [2 ** 30, 'GiB'] : bytes >= 2 ** 20 ? [2 ** 20, 'MiB'] : [2 ** 10, 'KiB']
  return `${(bytes / size).toFixed(2)} ${name}`
}

/** PyTorch's words for memory that is out. */
export function memoryError(bytes: number, ordinal: number, total: number, held: number, free: number): RuntimeError {
  return new RuntimeError(
    `CUDA out of memory. Tried to allocate ${unit(bytes)} (GPU ${ordinal}; ${unit(total)} total capacity; ${unit(held)} already allocated; ${unit(free)} free)`,
    'Use smaller batches, or give memory back earlier: torch.scope, dispose().',
  )
}

/** The error of a call; `what` names the op that failed, if it is known. */
export function callError(addon: CudaAddon, code: number, what: string): RuntimeError {
  const hint = isFatal(code)
    ? 'The device is lost for this process: save what is elsewhere and start again. FLAMBEAU_CUDA_BLOCKING=1 finds the op.'
    : (hints[code] ?? others)
  return new RuntimeError(`CUDA error: ${addon.describe(code)} in ${what}`, hint)
}
/** Whether the device is lost for the rest of the process. */
export const isFatal = (code: number): boolean => fatal.has(code)

// The C++ backend of flambeau for Node: the kernel interface with SIMD and threads, over V8's own memory.
import { type Backend, RuntimeError, ValueError } from '@flambeau/core/backend'
import { NativeBackend } from './backend.ts'
import { loadAddon } from './loader.ts'
import type { CudaReport, Report } from './report.ts'

export type { CudaReport, Report } from './report.ts'

/** The backend, with a report about itself. */
export interface Native extends Backend {
  /** What the addon found on this machine and chose for it. */
  report(): Report
}

/** A GPU as a backend, with a report about itself. */
export interface Cuda extends Backend {
  /** What the driver says of the device, and its version. */
  report(): CudaReport
}

/** Options of the backend. */
export interface NativeOptions {
  /** The number of threads that compute, from 1; the number of cores that this process may use if not given. */
  readonly threads?: number
  /**
   * A BLAS for matrix products, instead of the backend's own: 'openblas', 'blis', 'mkl', 'accelerate', or a path; on a GPU
   * 'cublas', or a path. '' is the backend's own again. Its products are checked before it is taken.
   */
  readonly blas?: string
  /** The kernels: 'v2', 'avx2', 'avx512' or 'neon'; the best that the processor can run if not given. */
  readonly isa?: string
  /** How many bytes of array buffers may be alive in this thread. Exceeding it is a RuntimeError. */
  readonly maxBytes?: number
  /** 'cpu', or a GPU: 'cuda', 'cuda:1'. Of the other options only `blas` is one of GPUs. */
  readonly device?: string
}

let shared: NativeBackend | undefined

/** The number of a CUDA device, from its name. */
function cudaOf(device: string): number | undefined {
  const found = /^cuda(?::(\d+))?$/.exec(device)
  return found === null ? undefined : Number(found[1] ?? 0)
}

function checkOptions({ threads, maxBytes, device }: NativeOptions): void {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 1024)) {
    throw new ValueError(`threads must be a whole number from 1 to 1024, not ${threads}`)
  }
  if (maxBytes !== undefined && !(maxBytes > 0)) throw new ValueError(`maxBytes must be above 0, not ${maxBytes}`)
  if (device !== undefined && device !== 'cpu' && cudaOf(device) === undefined)
    throw new ValueError(`unknown device '${device}'`, "Devices are 'cpu', 'cuda', and 'cuda:1' and so on.")
}

/**
 * The native backend. A thread has one, and options change it. Throws a RuntimeError if the addon cannot be loaded,
 * with the places tried and what to install.
 *
 * @example
 * useDevice(await native({ threads: 2 }))
 */
export async function native(options: NativeOptions & { readonly device: `cuda${string}` }): Promise<Cuda>
export async function native(options?: NativeOptions): Promise<Native>
export async function native(options: NativeOptions = {}): Promise<Backend> {
  checkOptions(options)
  const ordinal = cudaOf(options.device ?? 'cpu')
  if (ordinal !== undefined) {
    const cuda = (await import('./cuda/index.ts')).openCuda(ordinal)
    if (options.blas !== undefined) cuda.useBlas(options.blas)
    return cuda
  }
  shared ??= new NativeBackend(loadAddon())
  const { threads, blas, isa = process.env.FLAMBEAU_ISA, maxBytes } = options
  shared.submit()
  try {
    shared.host.configure(threads ?? 0, isa ?? '', blas ?? '')
  } catch (error) {
    throw new RuntimeError((error as Error).message)
  }
  if (maxBytes !== undefined) shared.maxBytes = maxBytes
  return shared
}

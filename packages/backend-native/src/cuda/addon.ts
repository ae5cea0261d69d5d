// The exports of the CUDA addon (native/src/cuda/addon.cc). Addresses are numbers. A function that can fail returns the
// driver's code of the error, or minus the code if it returns something else otherwise.
import type { CudaReport } from '../report.ts'

/** A device as this thread uses it. */
export interface Handle {
  readonly cudaDevice: unique symbol
}

/** What the driver says of a device. */
export type DeviceInfo = Omit<CudaReport, 'driver' | 'blas'>

/** What opening the driver found. */
export type Opened =
  | { readonly version: number; readonly devices: readonly DeviceInfo[]; readonly failure?: undefined }
  | { readonly failure: 'missing' | 'old' | 'refused'; readonly code: number; readonly text: string }

export interface CudaAddon {
  readonly version: string
  readonly format: number
  /** Opens the driver's library; '' means the system's. */
  open(path: string): Opened
  device(ordinal: number): Handle | number
  load(device: Handle, text: string): number | { readonly code: number; readonly text: string }
  function(device: Handle, module: number, name: string): number
  allocate(device: Handle, bytes: number): number
  release(device: Handle, address: number): number
  /** The bytes that are free, and all bytes. */
  memory(device: Handle): readonly [free: number, total: number] | readonly []
  /** Runs launches; after an error, the first word is the last word of the head of the launch that failed. */
  submit(device: Handle, words: Int32Array, count: number): number
  write(device: Handle, to: number, data: ArrayBufferView): number
  read(device: Handle, data: ArrayBufferView, from: number): number
  copy(device: Handle, to: number, from: number, bytes: number): number
  clear(device: Handle, to: number, bytes: number): number
  synchronize(device: Handle): number
  beginGraph(device: Handle): number
  endGraph(device: Handle): number
  launchGraph(device: Handle, graph: number, times: number): number
  dropGraph(device: Handle, graph: number): number
  /** The file of the BLAS that was taken for products, '' for none, or why it was not. */
  blas(device: Handle, name: string): string | { readonly code: number; readonly text: string }
  /** Copies from another device of this thread, in the order of both. */
  receive(device: Handle, to: number, other: Handle, from: number, bytes: number): number
  /** A fence behind what the device was given to do. */
  fence(device: Handle): number
  /** 1 if what is before a fence is done, and then the fence is gone; 0 if not yet. */
  passed(device: Handle, fence: number): number
  /** A mark behind what the device was given to do. */
  mark(device: Handle): number
  /** The milliseconds between two marks; waits for them. */
  elapsed(device: Handle, from: number, to: number): number
  resetMarks(device: Handle): void
  describe(code: number): string
  /** A weak reference: a number for an object, which `sweep` of the same device reports once V8 has found the object dead. */
  watch(device: Handle, object: object): number
  unwatch(device: Handle, number: number): void
  sweep(device: Handle, numbers: Int32Array): number
}

export const format = 4

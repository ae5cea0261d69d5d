// The part of WebAssembly's JavaScript interface that this package uses, typed here because the types of a browser and
// those of Node are not the same, and a package for every engine can depend on neither.

export interface Module {
  readonly module: unique symbol
}
export interface Memory {
  readonly buffer: ArrayBuffer
}
export interface Table {
  readonly length: number
  grow(by: number): number
  get(at: number): unknown
  set(at: number, value: unknown): void
}
export interface Global {
  value: number
}
type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>

export interface Engine {
  validate(bytes: Uint8Array): boolean
  compile(bytes: BufferSource): Promise<Module>
  /** Absent where there is no `fetch`. */
  compileStreaming?(response: unknown): Promise<Module>
  readonly Module: { new (bytes: BufferSource): Module; prototype: Module }
  readonly Instance: new (module: Module, imports: Imports) => { readonly exports: object }
  readonly CompileError: ErrorConstructor
  readonly RuntimeError: ErrorConstructor
}
type BufferSource = ArrayBufferView | ArrayBuffer

/** WebAssembly of this engine; undefined if it has none. */
export const engine = (): Engine | undefined => (globalThis as { WebAssembly?: Engine }).WebAssembly

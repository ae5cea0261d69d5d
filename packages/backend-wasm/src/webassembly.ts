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
type BufferSource = ArrayBufferView | ArrayBuffer

export interface Engine {
  validate(bytes: BufferSource): boolean
  compile(bytes: BufferSource): Promise<Module>
  /** Absent where there is no `fetch`. */
  compileStreaming?(response: unknown): Promise<Module>
  readonly Module: { new (bytes: BufferSource): Module; prototype: Module }
  readonly Global: new (type: { value: 'i32'; mutable: boolean }, value: number) => Global
  readonly CompileError: ErrorConstructor
  readonly Instance: new (module: Module, imports: Imports) => { readonly exports: object }
}

/** WebAssembly of this engine; undefined if it has none. */
export const engine = (): Engine | undefined => (globalThis as { WebAssembly?: Engine }).WebAssembly

const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
/** A module of one function, which takes nothing and returns a vector. */
const returning = (...code: number[]): Uint8Array =>
  Uint8Array.of(
    ...header,
    1,
    5,
    1,
    0x60,
    0,
    1,
    0x7b,
    3,
    2,
    1,
    0,
    10,
    code.length + 4,
    1,
    code.length + 2,
    0,
    ...code,
    0x0b,
  )

const i8x16Splat = [0xfd, 0x0f]
/** What an engine must know: vectors (`i8x16.popcnt`), and for the relaxed module `i8x16.relaxed_swizzle`. */
export const probes = {
  simd: returning(0x41, 0, ...i8x16Splat, 0xfd, 0x62),
  relaxed: returning(0x41, 1, ...i8x16Splat, 0x41, 2, ...i8x16Splat, 0xfd, 0x80, 0x02),
}

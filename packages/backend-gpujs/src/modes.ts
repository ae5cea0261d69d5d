// Finds gpu.js's modes on this machine. gpu.js would choose one silently and fall back to another if it fails; here
// every mode is tried, and the outcome is kept for the report.
import { RuntimeError, ValueError } from '@flambeau/core/backend'
import { type Engine, glEngine, hostEngine, type Mode } from './adapter.ts'
import { type Gl, GlContext } from './gl.ts'

/** A mode that was tried, with the reason if it is not available. */
export interface Tried {
  readonly mode: Mode
  readonly reason?: string
}

export interface Chosen {
  readonly engine: Engine
  readonly tried: readonly Tried[]
}

/** The error of an unavailable mode: why, and what to do about it. */
class Unavailable extends Error {
  readonly remedy: string

  constructor(reason: string, remedy: string) {
    super(reason)
    this.remedy = remedy
  }
}

interface Canvas {
  getContext(kind: string, attributes: object): Gl | null
}

interface Environment {
  readonly document?: { createElement(name: 'canvas'): Canvas }
  readonly OffscreenCanvas?: new (width: number, height: number) => Canvas
  readonly WebAssembly?: { readonly Module: new (bytes: Uint8Array) => object }
  readonly process?: {
    readonly versions?: { readonly node?: string }
    readonly platform?: string
    readonly env?: Readonly<Record<string, string>>
  }
}

const here = globalThis as unknown as Environment
const inNode = here.process?.versions?.node !== undefined && here.document === undefined

const attributes = { alpha: false, depth: false, antialias: false, powerPreference: 'high-performance' }

function browserContext(kind: 'webgl2' | 'webgl'): Gl {
  const canvas = here.document?.createElement('canvas') ?? (here.OffscreenCanvas && new here.OffscreenCanvas(2, 2))
  const gl = canvas?.getContext(kind, attributes) ?? null
  if (gl !== null) return gl
  throw new Unavailable(
    canvas === undefined ? 'there is no canvas here' : `the browser gives no ${kind} context`,
    'Turn on hardware acceleration, close other pages that use WebGL, or use another mode.',
  )
}

type CreateGl = (width: number, height: number, options: object) => Gl | null

const install = 'Install it, npm install gl@9.0.0-rc.10, which may need a C++ compiler, or use another mode.'
const rebuild = 'Build it, npm rebuild gl, which needs a C++ compiler, or use another mode.'
const startDisplay =
  "Start one: 'xvfb-run -a node ...' runs a program with a display (Debian's packages xvfb and libgl1-mesa-dri)."

/** The package is an optional peer dependency; the variable name keeps bundlers from resolving it. */
const load = (name: string): Promise<{ readonly default: CreateGl }> =>
  import(/* @vite-ignore */ /* webpackIgnore: true */ name)

async function headlessContext(options: object): Promise<Gl> {
  let create: CreateGl
  try {
    create = (await load('gl')).default
  } catch (error) {
    const [line] = String((error as Error).message).split('\n')
    if (/^Cannot find (package|module) 'gl'/.test(line)) throw new Unavailable("package 'gl' is not installed", install)
    throw new Unavailable(`package 'gl' is installed but cannot be loaded (${line})`, rebuild)
  }
  const { platform, env } = here.process as NonNullable<Environment['process']>
  // Otherwise gl would print this to stderr, more than once.
  if (platform === 'linux' && !env?.DISPLAY) throw new Unavailable("package 'gl' needs a display", startDisplay)
  const gl = create(2, 2, { preserveDrawingBuffer: true, ...options })
  if (gl === null) throw new Unavailable(`package 'gl' gives no context on display '${env?.DISPLAY}'`, startDisplay)
  return gl
}

/** The engine on a context; if that fails, the context is released, because a page may have few of them. */
function engineOn(gl: Gl, mode: 'webgl2' | 'webgl' | 'headlessgl'): Engine {
  const version = mode === 'webgl2' ? 2 : 1
  const extension = version === 2 ? 'EXT_color_buffer_float' : 'OES_texture_float'
  const context = new GlContext(gl, version)
  try {
    if (gl.getExtension(extension) !== null) return glEngine(mode, context)
    throw new Unavailable(`this GPU cannot render to float textures (${extension})`, 'Take another mode.')
  } catch (error) {
    context.dispose()
    throw error
  }
}

/** The smallest module of WebAssembly. */
const emptyModule = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)

const makers: Readonly<Record<Mode, () => Engine | Promise<Engine>>> = {
  async webgl2() {
    const gl = inNode ? await headlessContext({ createWebGL2Context: true }) : browserContext('webgl2')
    return engineOn(gl, 'webgl2')
  },
  webgl() {
    if (inNode) throw new Unavailable("it is a browser's", "In Node WebGL 1 is mode 'headlessgl'.")
    return engineOn(browserContext('webgl'), 'webgl')
  },
  async headlessgl() {
    if (!inNode) throw new Unavailable("it is Node's", "In a browser WebGL 1 is mode 'webgl'.")
    return engineOn(await headlessContext({}), 'headlessgl')
  },
  webasm() {
    try {
      ;new (here.WebAssembly as NonNullable<Environment['WebAssembly']>).Module(emptyModule)
    } catch (error) {
      throw new Unavailable(
        `WebAssembly cannot be compiled here (${(error as Error).message})`,
        "Under a content security policy script-src has to allow 'wasm-unsafe-eval'; or take another mode.",
      )
    }
    return hostEngine('webasm')
  },
  cpu() {
    try {
      new Function('')
    } catch (error) {
      throw new Unavailable(
        `functions cannot be compiled here (${(error as Error).message})`,
        "Under a content security policy script-src has to allow 'unsafe-eval'; or take another device: 'js'.",
      )
    }
    return hostEngine('cpu')
  },
}

/** The modes of a machine, the best first. */
const order: readonly Mode[] = inNode ? ['webgl2', 'headlessgl', 'webasm', 'cpu'] : ['webgl2', 'webgl', 'webasm', 'cpu']

async function attempt(mode: Mode): Promise<Engine | Unavailable> {
  try {
    return await makers[mode]()
  } catch (error) {
    return error instanceof Unavailable
      ? error
      : new Unavailable(String((error as Error).message), 'Take another mode.')
  }
}

/** The engine of the requested mode, or of the best available one. */
export async function choose(mode: Mode | undefined): Promise<Chosen> {
  if (mode !== undefined && !Object.hasOwn(makers, mode)) {
    throw new ValueError(`unknown mode '${mode}'`, `Modes are ${Object.keys(makers).join(', ')}.`)
  }
  const tried: Tried[] = []
  for (const candidate of mode === undefined ? order : [mode]) {
    const found = await attempt(candidate)
    if (!(found instanceof Unavailable)) return { engine: found, tried: [...tried, { mode: candidate }] }
    if (mode !== undefined) throw new RuntimeError(`mode '${mode}' is not available: ${found.message}`, found.remedy)
    tried.push({ mode: candidate, reason: found.message })
  }
  throw new RuntimeError(
    `none of gpu.js's modes is available: ${tried.map((x) => `${x.mode}: ${x.reason}`).join('; ')}`,
    "Use another device: await setDevice('js').",
  )
}

// Reports what this machine can run: checks Node, tries each backend with a gradient, and names the remedy for what is
// missing. It tries gpu.js in each of its modes: `--backend gpujs` takes the first available one.
import { readdirSync, readlinkSync } from 'node:fs'
import { cuda, setDevice, tensor, useDevice } from 'flambeau'

interface Finding {
  readonly what: string
  readonly ok: boolean
  readonly text: string
}

/** A backend that may be available; `use` makes it the device and describes what it found. */
interface Candidate {
  readonly what: string
  readonly use: () => Promise<string>
  /** What to do if it is missing, unless its error says so. */
  readonly remedy?: string
}

const OLDEST_NODE = 20

const useJs = async (): Promise<string> => {
  await setDevice('js')
  return ''
}

const useNative = async (): Promise<string> => {
  await setDevice('native')
  const { native } = await import('@flambeau/backend-native')
  const { isa, features, blas, threads, cores } = (await native()).report()
  const products = blas === '' ? 'its own matrix products' : `matrix products by ${blas}`
  return `: kernels ${isa} (of ${features}), ${products}, ${threads} of ${cores} threads`
}

const useWasm = async (): Promise<string> => {
  const { wasm } = await import('@flambeau/backend-wasm')
  const device = await wasm()
  useDevice(device)
  return `: kernels in WebAssembly, ${device.report().relaxed ? 'relaxed SIMD' : 'SIMD'}, on one thread`
}

/** A GPU of NVIDIA's; no report of one is there yet (`node tools/cuda.mjs contact`). */
const useCuda = async (): Promise<string> => {
  await setDevice('cuda')
  const { native } = await import('@flambeau/backend-native')
  const device = await native({ device: 'cuda' })
  const { name, major, minor, bytes, driver } = device.report()
  const cublas = await native({ device: 'cuda', blas: 'cublas' }).then(
    (other) => `cuBLAS (${other.report().blas}) on demand`,
    () => 'no cuBLAS, so its own matrix products',
  )
  const others = cuda.deviceCount() > 1 ? `, ${cuda.deviceCount()} GPUs` : ''
  const version = `${Math.floor(driver / 1000)}.${(driver % 1000) / 10}`
  return `: ${name}${others}, compute capability ${major}.${minor}, ${(bytes / 2 ** 30).toFixed(0)} GiB, driver for CUDA ${version}, ${cublas}; experimental, never run on a GPU`
}

/** Whether this process has a GPU device open, as every Linux program that draws on a GPU does. */
const holdsGpu = (): boolean =>
  readdirSync('/proc/self/fd').some((fd) => {
    try {
      return /^\/dev\/(dri|nvidia|kgsl|mali)/.test(readlinkSync(`/proc/self/fd/${fd}`))
    } catch {
      // The descriptor of the folder itself is closed by now.
      return false
    }
  })

/** Headless GL hides the renderer; if no GPU device is open, it renders in software. */
const isSoftware = (renderer: string): boolean =>
  /llvmpipe|softpipe|swiftshader|basic render/i.test(renderer) || (process.platform === 'linux' && !holdsGpu())

const useGpujs = async (mode: 'webgl2' | 'headlessgl' | 'webasm' | 'cpu'): Promise<string> => {
  const { gpujs } = await import('@flambeau/backend-gpujs')
  const device = await gpujs({ mode })
  useDevice(device)
  const { renderer } = device.report()
  const isGl = mode === 'webgl2' || mode === 'headlessgl'
  return `: kernels on ${renderer}${isGl && isSoftware(renderer) ? ', in software: there is no GPU' : ''}`
}

/** The state of a package, from the error of loading it: not installed, not built, or not loadable. */
const stateOf = (message: string): string | undefined => {
  const tried = message.split('\n').filter((line) => line.startsWith('Tried '))
  const broken = tried.find((line) => !/there is no such file|Cannot find module/.test(line))
  if (/^(device '\w+' is not installed|Cannot find (package|module) '@flambeau)/.test(message)) return 'not installed'
  if (broken !== undefined) return `built, and does not load: ${broken.slice('Tried '.length)}`
  return tried.length > 0 ? 'installed, but not built' : undefined
}

const candidates: readonly Candidate[] = [
  { what: 'js', use: useJs, remedy: 'reinstall flambeau' },
  {
    what: 'native',
    use: useNative,
    remedy:
      'npm start -- boston --backend native builds it if there is a C++ compiler and cmake (Debian: apt-get install g++ cmake); without it js runs everything',
  },
  { what: 'wasm', use: useWasm, remedy: 'npm install @flambeau/backend-wasm' },
  { what: 'cuda', use: useCuda },
  ...(['webgl2', 'headlessgl', 'webasm', 'cpu'] as const).map((mode) => ({
    what: `gpujs ${mode}`,
    use: () => useGpujs(mode),
  })),
]

const node = (): Finding => {
  const ok = Number(process.versions.node.split('.')[0]) >= OLDEST_NODE
  const remedy = `flambeau needs Node ${OLDEST_NODE} or newer: install one from https://nodejs.org`
  return { what: `Node ${process.versions.node}`, ok, text: ok ? 'ready' : `too old; ${remedy}` }
}

const look = async ({ what, use, remedy }: Candidate): Promise<Finding> => {
  try {
    const found = await use()
    const x = tensor(3.5, { requiresGrad: true })
    x.sub(1).mul(x.sub(2)).mul(x.sub(3)).backward()
    const ok = x.grad?.item() === 5.75
    const text = ok ? `ready${found}` : `computes wrongly: a gradient is ${x.grad}, not tensor(5.7500)`
    return { what, ok, text }
  } catch (error) {
    const { message } = error as Error
    const [sentence, ...more] = message.split('\n')
    const state = stateOf(message)
    if (remedy !== undefined) return { what, ok: false, text: `${state ?? sentence}; ${remedy}` }
    return { what, ok: false, text: state ?? [sentence.replace(/\.?$/, '.'), ...more].join(' ') }
  }
}

/** Prints the findings; returns whether the examples can run. */
export const doctor = async (): Promise<boolean> => {
  const findings = [node()]
  for (const candidate of candidates) findings.push(await look(candidate))
  const wide = Math.max(...findings.map(({ what }) => what.length))
  for (const { what, ok, text } of findings) console.log(`${ok ? '✓' : '–'} ${what.padEnd(wide)}  ${text}`)
  const usable = findings[0].ok && findings.slice(1).some(({ ok }) => ok)
  console.log(usable ? 'The examples can run here.' : 'The examples cannot run here.')
  return usable
}

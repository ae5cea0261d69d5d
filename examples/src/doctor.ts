// What this machine can run: Node, and each backend tried with a gradient, with the remedy for what is missing. gpu.js is tried in
// each of its modes: `--backend gpujs` takes the first that there is.
import { setDevice, tensor, useDevice } from 'flambeau'

interface Finding {
  readonly what: string
  readonly ok: boolean
  readonly text: string
}

/** Something that may be there: made the device, it says what it found of this machine. */
interface Candidate {
  readonly what: string
  readonly use: () => Promise<string>
  /** What to do where it is not there, if its error does not say it. */
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

const useGpujs = async (mode: 'webgl2' | 'headlessgl' | 'webasm' | 'cpu'): Promise<string> => {
  const { gpujs } = await import('@flambeau/backend-gpujs')
  const device = await gpujs({ mode })
  useDevice(device)
  return `: kernels on ${device.report().renderer}`
}

const candidates: readonly Candidate[] = [
  { what: 'js', use: useJs, remedy: 'reinstall flambeau' },
  {
    what: 'native',
    use: useNative,
    remedy:
      'npm start -- boston --backend native builds it where there are a C++ compiler and cmake (Debian: apt-get install g++ cmake); js runs everything without it',
  },
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
    const [sentence, ...more] = (error as Error).message.split('\n')
    return {
      what,
      ok: false,
      text: remedy === undefined ? [`${sentence}.`, ...more].join(' ') : `${sentence}: ${remedy}`,
    }
  }
}

/** Prints the findings; true when the examples can run. */
export const doctor = async (): Promise<boolean> => {
  const findings = [node()]
  for (const candidate of candidates) findings.push(await look(candidate))
  const wide = Math.max(...findings.map(({ what }) => what.length))
  for (const { what, ok, text } of findings) console.log(`${ok ? '✓' : '–'} ${what.padEnd(wide)}  ${text}`)
  const usable = findings[0].ok && findings.slice(1).some(({ ok }) => ok)
  console.log(usable ? 'The examples can run here.' : 'The examples cannot run here.')
  return usable
}

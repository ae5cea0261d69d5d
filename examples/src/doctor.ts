// What this machine can run: Node, and each backend tried with a gradient, with the remedy for what is missing.
import { setDevice, tensor } from 'flambeau'
import { backends } from './arguments.ts'

interface Finding {
  readonly what: string
  readonly ok: boolean
  readonly text: string
}

const OLDEST_NODE = 20

/** What to do about a backend that is not there. */
const remedies: Readonly<Record<string, string>> = {
  native:
    'npm start -- boston --backend native builds it where there are a C++ compiler and cmake (Debian: apt-get install g++ cmake); js runs everything without it',
  gpujs: 'it will come as @flambeau/backend-gpujs, which is not released yet; nothing to do, js runs everything',
}

/** What a backend found of this machine and chose for it. */
const details: Readonly<Record<string, () => Promise<string>>> = {
  native: async () => {
    const { native } = await import('@flambeau/backend-native')
    const { isa, features, blas, threads, cores } = (await native()).report()
    const products = blas === '' ? 'its own matrix products' : `matrix products by ${blas}`
    return `: kernels ${isa} (of ${features}), ${products}, ${threads} of ${cores} threads`
  },
}

const node = (): Finding => {
  const ok = Number(process.versions.node.split('.')[0]) >= OLDEST_NODE
  const remedy = `flambeau needs Node ${OLDEST_NODE} or newer: install one from https://nodejs.org`
  return { what: `Node ${process.versions.node}`, ok, text: ok ? 'ready' : `too old; ${remedy}` }
}

const backend = async (name: string): Promise<Finding> => {
  try {
    await setDevice(name)
    const x = tensor(3.5, { requiresGrad: true })
    x.sub(1).mul(x.sub(2)).mul(x.sub(3)).backward()
    const ok = x.grad?.item() === 5.75
    const detail = (await details[name]?.()) ?? ''
    return {
      what: name,
      ok,
      text: ok ? `ready${detail}` : `computes wrongly: a gradient is ${x.grad}, not tensor(5.7500)`,
    }
  } catch (error) {
    const [sentence] = (error as Error).message.split('\n')
    return { what: name, ok: false, text: `${sentence}: ${remedies[name] ?? 'reinstall flambeau'}` }
  }
}

/** Prints the findings; true when the examples can run. */
export const doctor = async (): Promise<boolean> => {
  const findings = [node()]
  for (const name of backends.filter((b) => b !== 'auto')) findings.push(await backend(name))
  const wide = Math.max(...findings.map(({ what }) => what.length))
  for (const { what, ok, text } of findings) console.log(`${ok ? '✓' : '–'} ${what.padEnd(wide)}  ${text}`)
  const usable = findings[0].ok && findings.slice(1).some(({ ok }) => ok)
  console.log(usable ? 'The examples can run here.' : 'The examples cannot run here.')
  return usable
}

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
  native: 'it will come as @flambeau/backend-native, which is not released yet; nothing to do, js runs everything',
  gpujs: 'it will come as @flambeau/backend-gpujs, which is not released yet; nothing to do, js runs everything',
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
    return { what: name, ok, text: ok ? 'ready' : `computes wrongly: a gradient is ${x.grad}, not tensor(5.7500)` }
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

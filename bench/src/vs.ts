// Other libraries that a user might choose, with pinned versions in a separate folder (bench/vs), installed on demand.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { installed } from './installed.ts'
import type { Absent, Subject } from './subject.ts'
import { here } from './subjects.ts'
import { pythonOfTorch } from './torch.ts'

const folder = here('../../vs/')

interface Peer {
  readonly name: string
  readonly title: string
  readonly packages: readonly [string, ...string[]]
  readonly args: readonly string[]
  readonly scales?: boolean
  /** Whether PyTorch exports its networks. */
  readonly exported?: boolean
}

const peers: readonly Peer[] = [
  { name: 'tfjs-cpu', title: 'TensorFlow.js, cpu', packages: ['@tensorflow/tfjs'], args: ['tfjs.mjs', 'cpu'] },
  {
    name: 'tfjs-wasm',
    title: 'TensorFlow.js, wasm',
    packages: ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm'],
    args: ['tfjs.mjs', 'wasm'],
  },
  { name: 'jax-js', title: 'jax-js, wasm, jit', packages: ['@jax-js/jax'], args: ['jax.mjs'] },
  { name: 'js-pytorch', title: 'js-pytorch', packages: ['js-pytorch'], args: ['js-pytorch.mjs'] },
  { name: 'convnetjs', title: 'ConvNetJS', packages: ['convnetjs'], args: ['convnetjs.mjs'] },
  {
    name: 'onnxruntime',
    title: 'ONNX Runtime',
    packages: ['onnxruntime-node'],
    args: ['onnxruntime.mjs'],
    scales: true,
    exported: true,
  },
]

const readJson = (file: string): Record<string, unknown> => JSON.parse(readFileSync(join(folder, file), 'utf8'))

/** Installs the versions of the lock file without running their scripts; returns a message if that fails. */
function install(): string | undefined {
  // npm writes this list when it has finished.
  if (existsSync(join(folder, 'node_modules/.package-lock.json'))) return undefined
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund']
  try {
    execFileSync(npm, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' })
    return undefined
  } catch (error) {
    return `npm ci in bench/vs failed: ${(error as Error).message.split('\n')[0]}`
  }
}

/** The other libraries, installed; absent with a reason if that failed. */
export function others(): (Subject | Absent)[] {
  const failed = install()
  const { dependencies } = readJson('package.json') as { dependencies: Record<string, string> }
  return peers.map(({ name, title, packages, args, scales, exported = false }) => {
    const versioned = `${title}, ${dependencies[packages[0]]}`
    if (failed !== undefined) return { name, title: versioned, absent: failed }
    const python = pythonOfTorch()
    if (exported && python === null)
      return { name, title: versioned, absent: 'no PyTorch is here to export its networks' }
    return {
      name,
      title: versioned,
      command: process.execPath,
      args: [here('./serve.js'), ...args, ...(exported ? [String(python)] : [])],
      cwd: folder,
      scales,
      library: { bytes: () => installed(join(folder, 'node_modules'), packages) },
    }
  })
}

// ---- single ops ----

/** An op on another library: the sum of its result, and n calls of it. */
interface PeerOp {
  readonly sum: () => number
  readonly times: (n: number) => unknown
}
type PeerOps = Readonly<Record<string, Readonly<Record<string, PeerOp>>>>

/** The ops of vs/families.mjs by library, or why there are none. */
export async function peersOfFamilies(
  inputs: Readonly<Record<string, Float32Array | Int32Array>>,
): Promise<{ readonly peers: PeerOps; readonly absent: readonly string[] }> {
  const failed = install()
  if (failed !== undefined) return { peers: {}, absent: [failed] }
  const { peers } = (await import(here('../../vs/families.mjs'))) as { peers: (x: typeof inputs) => Promise<PeerOps> }
  return { peers: await peers(inputs), absent: [] }
}

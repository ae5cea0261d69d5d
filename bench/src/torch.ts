// Real PyTorch, if a Python has it.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Absent, Subject } from './subject.ts'

/** Compiled files lie one folder deeper than the sources, in dist. */
const script = fileURLToPath(new URL('../../torch/serve.py', import.meta.url))

const remedy =
  'install it (Debian: `apt-get install python3-torch`) or name a Python that has it: `PYTHON=… pnpm bench`'

interface Found {
  readonly python: string
  readonly version: string
}
let found: Found | null | undefined

/** The first Python that has PyTorch: the one that `PYTHON` names, then those on the path and of the system. */
function find(): Found | null {
  if (found !== undefined) return found
  const { PYTHON } = process.env
  for (const python of PYTHON === undefined ? ['python3', '/usr/bin/python3'] : [PYTHON]) {
    try {
      const source = 'import torch; print(torch.__version__)'
      const printed = execFileSync(python, ['-c', source], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      found = { python, version: printed.trim() }
      return found
    } catch {
      // Not this one.
    }
  }
  found = null
  return found
}

/** The Python that has PyTorch; null when there is none. */
export const pythonOfTorch = (): string | null => find()?.python ?? null

/** The version of PyTorch on this machine; null when there is none. */
export const torchVersion = (): string | null => find()?.version ?? null

export function torch(): Subject | Absent {
  const at = find()
  if (at === null) return { name: 'torch', title: 'PyTorch', absent: `no Python here has it: ${remedy}` }
  return {
    name: 'torch',
    title: `PyTorch ${at.version}`,
    command: at.python,
    args: [script],
    scales: true,
    library: { bytes: () => undefined },
  }
}

// The bytes that a library takes on disk.
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Packed {
  readonly name: string
  readonly unpackedSize: number
  readonly entryCount: number
}

/** The files that npm would pack for a package of this repository, unpacked. */
export function packed(name: string): Packed {
  const folder = realpathSync(fileURLToPath(new URL(`../../../packages/${name}`, import.meta.url)))
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const json = execFileSync(npm, ['pack', '--dry-run', '--json'], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    shell: process.platform === 'win32',
  })
  return (JSON.parse(json) as Packed[])[0]
}

/** The bytes of a folder's files, without nested packages. */
function bytesIn(folder: string): number {
  let bytes = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue
    const path = join(folder, entry.name)
    bytes += entry.isDirectory() ? bytesIn(path) : lstatSync(path).size
  }
  return bytes
}

/** The bytes of packages and all their dependencies, in a folder that npm filled. */
export function installed(modules: string, names: readonly string[]): number {
  const seen = new Set<string>()
  const bytes = (name: string, from: string): number => {
    const own = join(from, 'node_modules', name)
    const folder = existsSync(own) ? own : join(modules, name)
    if (seen.has(folder) || !existsSync(folder)) return 0
    seen.add(folder)
    const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>
    }
    return Object.keys(dependencies).reduce((sum, dependency) => sum + bytes(dependency, folder), bytesIn(folder))
  }
  return names.reduce((sum, name) => sum + bytes(name, modules), 0)
}

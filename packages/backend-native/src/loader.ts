// Finds the addon: a path that the user names, the build of this repository, the package of this platform.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { arch, env, platform, report, versions } from 'node:process'
import { fileURLToPath } from 'node:url'
import { RuntimeError } from '@flambeau/core/backend'
import type { Addon } from './addon.ts'

const require = createRequire(import.meta.url)

/** Whether the C library is musl; Node's report names glibc's version where there is one. */
function isMusl(): boolean {
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime === undefined
}

/** The package that has the addon of this machine: `@flambeau/native-linux-x64-gnu`. */
export function platformPackage(): string {
  const libc = platform === 'linux' ? (isMusl() ? '-musl' : '-gnu') : ''
  return `@flambeau/native-${platform}-${arch}${libc}`
}

/** The version of this package. */
export function ownVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** Loads an addon; one of another version is refused. */
export function loadFrom(file: string, version: string = ownVersion()): Addon {
  const addon = require(file) as Partial<Addon>
  if (typeof addon.submit !== 'function') throw new Error('it is no addon of flambeau')
  if (addon.version !== version) {
    throw new Error(`its version is ${addon.version}, and @flambeau/backend-native's is ${version}`)
  }
  return addon as Addon
}

const firstLine = (error: unknown): string => String(error instanceof Error ? error.message : error).split('\n')[0]

/**
 * The addon, from the first place that has one: FLAMBEAU_NATIVE_PATH, native/build/Release of this repository, the
 * platform's package. A path that the user names is the only place.
 */
export function loadAddon(): Addon {
  const named = env.FLAMBEAU_NATIVE_PATH
  const built = fileURLToPath(new URL('../../../native/build/Release/flambeau_native.node', import.meta.url))
  const tried: string[] = []
  const attempt = (place: string, find: () => Addon): Addon | undefined => {
    try {
      return find()
    } catch (error) {
      tried.push(`${place}: ${firstLine(error)}`)
      return undefined
    }
  }
  const exists = (file: string): Addon => {
    if (!existsSync(file)) throw new Error('there is no such file')
    return loadFrom(file)
  }
  const packed = platformPackage()
  const addon = named
    ? attempt(`FLAMBEAU_NATIVE_PATH (${named})`, () => exists(named))
    : (attempt(built, () => exists(built)) ?? attempt(packed, () => loadFrom(packed)))
  if (addon !== undefined) return addon
  throw new RuntimeError(
    `device 'native' found no addon for ${platform}-${arch} and Node ${versions.node}`,
    [
      ...tried.map((line) => `Tried ${line}`),
      `Install it: npm install ${packed}. Device 'js' works without it: await setDevice('js').`,
    ].join('\n'),
  )
}

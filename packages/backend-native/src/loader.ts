// Finds the addon: at the path that the user names, built here from its sources, or in the package of this platform.
import { isMissing, missing, RuntimeError } from '@flambeau/core/backend'
import { format } from '@flambeau/stream'
import type { Addon } from './addon.ts'
import { inNode, node } from './node.ts'

/** The address of this file. A CommonJS bundle has none. */
const here: string | undefined = import.meta.url

/**
 * The part of package.json that this package needs. tools/bundle.mjs puts it into the bundle, because a user's bundle
 * has no such file.
 */
interface Manifest {
  readonly version: string
  readonly optionalDependencies: Readonly<Record<string, string>>
}
declare const PACKAGE: Manifest | undefined

const manifest = (): Manifest =>
  typeof PACKAGE === 'undefined'
    ? JSON.parse(node('node:fs').readFileSync(new URL('../package.json', here), 'utf8'))
    : PACKAGE

/** The packages that may have an addon for this machine. On Linux npm installs the one for the machine's C library. */
function packages(): readonly string[] {
  const { arch, platform } = process
  const base = `@flambeau/native-${platform}-${arch}`
  return platform === 'linux' ? [`${base}-gnu`, `${base}-musl`] : [base]
}

/**
 * Which of them to install. Node's report has the version of glibc if it is the C library; making the report is slow.
 */
function packageToInstall(): string {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  const names = packages()
  return names[header.glibcVersionRuntime === undefined ? names.length - 1 : 0]
}

/**
 * Throws if an addon for Linux is truncated. The table of sections is the end of the file, and the system's loader
 * kills the process if something is beyond the end.
 */
function checkComplete(file: string): void {
  const { closeSync, fstatSync, openSync, readSync } = node('node:fs')
  const head = Buffer.alloc(64)
  const descriptor = openSync(file, 'r')
  try {
    readSync(descriptor, head, 0, 64, 0)
    if (head.toString('latin1', 0, 5) !== '\x7fELF\x02') return
    const end = head.readBigUInt64LE(40) + BigInt(head.readUInt16LE(58) * head.readUInt16LE(60))
    const { size } = fstatSync(descriptor)
    if (size < end) throw new Error(`the file is truncated: it has ${size} bytes of ${end}`)
  } finally {
    closeSync(descriptor)
  }
}

/** The version of this package. */
export const ownVersion = (): string => manifest().version

/** What an addon must have besides its version and format. */
const functions: Record<Exclude<keyof Addon, 'version' | 'format'>, true> = {
  address: true,
  bind: true,
  configure: true,
  define: true,
  discard: true,
  forget: true,
  keep: true,
  largeBuffer: true,
  matrices: true,
  narrow: true,
  normals: true,
  open: true,
  program: true,
  report: true,
  run: true,
  runAsync: true,
  submit: true,
  trim: true,
}

/** Loads the file of an addon, which must have the version of this package. */
export function openAddon<A extends Pick<Addon, 'version'> & { readonly submit: unknown }>(
  file: string,
  version: string = ownVersion(),
): Partial<A> {
  checkComplete(file)
  // The rest of what require does for a known path would take as long again.
  const loaded = { exports: {} }
  process.dlopen(loaded, node('node:path').toNamespacedPath(file))
  const addon = loaded.exports as Partial<A>
  if (typeof addon.submit !== 'function') throw new Error('it is not an addon of flambeau')
  if (addon.version !== version) {
    throw new Error(`its version is ${addon.version}, and @flambeau/backend-native's is ${version}`)
  }
  return addon
}

/** Loads the addon of the CPU. */
export function loadFrom(file: string, version?: string): Addon {
  const addon = openAddon<Addon>(file, version)
  // The sources change between two versions; in this repository the addon is the last one built.
  const lacks = Object.keys(functions).some((name) => typeof addon[name as keyof Addon] !== 'function')
  if (addon.format !== format || lacks) throw new Error('it was built from other sources; build it again')
  return addon as Addon
}

export const firstLine = (error: unknown): string =>
  String(error instanceof Error ? error.message : error).split('\n')[0]

/** Where the addon is built: next to the sources in this repository, and next to those in this package. */
const builds = (): string[] => sourceFolders().map((folder) => `${folder}build/Release/flambeau_native.node`)

/** Folders of C++ sources: in this repository, and in this package. */
export function sourceFolders(): string[] {
  if (here === undefined) return []
  return ['../../../native/', '../dist/native/']
    .map((folder) => node('node:url').fileURLToPath(new URL(folder, here)))
    .filter((folder) => node('node:fs').existsSync(`${folder}CMakeLists.txt`))
}

/** The file of an addon's package, resolved from this file or, if a bundle was moved, from the program. */
export function resolvePackage(name: string): string {
  const { dirname, join } = node('node:path')
  const paths = [process.cwd()]
  if (process.argv[1] !== undefined) paths.unshift(dirname(process.argv[1]))
  if (here !== undefined) paths.unshift(dirname(node('node:url').fileURLToPath(here)))
  return node('node:module').createRequire(join(process.cwd(), '_')).resolve(name, { paths })
}

/**
 * The addon, from the first place that has one: FLAMBEAU_NATIVE_PATH, the builds, the package of the platform. If the
 * user names a path, it is the only place. If no place has an addon, the error is marked as missing; an addon that does
 * not load is not.
 */
export function loadAddon(): Addon {
  if (!inNode()) {
    throw missing(
      new RuntimeError(
        "device 'native' needs Node 20.19 or newer",
        "Device 'js' works everywhere, 'wasm' and 'gpujs' in browsers.",
      ),
    )
  }
  const { arch, env, platform, versions } = process
  const named = env.FLAMBEAU_NATIVE_PATH
  const tried: string[] = []
  let absent = !named
  const attempt = (place: string, find: () => Addon): Addon | undefined => {
    try {
      return find()
    } catch (error) {
      tried.push(`${place}: ${firstLine(error)}`)
      absent &&= isMissing(error)
      return undefined
    }
  }
  const exists = (file: string): Addon => {
    if (!node('node:fs').existsSync(file)) throw missing(new Error('there is no such file'))
    return loadFrom(file)
  }
  const places: readonly (readonly [name: string, find: () => Addon])[] = named
    ? [[`FLAMBEAU_NATIVE_PATH (${named})`, () => exists(node('node:path').resolve(named))]]
    : [
        ...builds().map((file) => [file, () => exists(file)] as const),
        ...packages().map((name) => [name, () => loadFrom(resolvePackage(name))] as const),
      ]
  for (const [name, find] of places) {
    const addon = attempt(name, find)
    if (addon !== undefined) return addon
  }
  const packed = packageToInstall()
  const install =
    packed in manifest().optionalDependencies ? `Install it: npm install ${packed}, or build it` : 'Build it'
  const error = new RuntimeError(
    `device 'native' found no addon for ${platform}-${arch} and Node ${versions.node}`,
    [
      ...tried.map((line) => `Tried ${line}`),
      `${install}: npx flambeau-native build, which needs a C++ compiler and cmake.`,
      "Device 'js' works without it: await setDevice('js').",
    ].join('\n'),
  )
  throw absent ? missing(error) : error
}

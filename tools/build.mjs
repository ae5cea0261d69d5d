// Builds what changed: `tsc -b` in each package, a bundle if package.json says so, and the C++ addon if there is a
// compiler; turbo orders and caches the work. `node tools/build.mjs examples` builds that package and its dependencies.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { published, readArgs, root, turbo } from './lib.mjs'
import { addonMissing, compilerKey } from './native.mjs'

/** bundle.mjs writes and clears what they publish; tsc writes their declarations into another folder. */
const bundled = ['core', 'backend-js', 'backend-native', 'backend-wasm', 'backend-gpujs', 'flambeau'].map(
  (name) => `packages/${name}`,
)

/** tsc never removes its old output; a file whose source is gone must not be packed or imported by mistake. */
const prune = (folder) => {
  const dist = join(root, folder, bundled.includes(folder) ? '.tsc' : 'dist')
  if (!existsSync(dist)) return
  for (const file of readdirSync(dist, { recursive: true })) {
    const source = /^(.*?)(\.d\.ts|\.js)$/.exec(file)?.[1]
    if (source !== undefined && !existsSync(join(root, folder, 'src', `${source}.ts`))) rmSync(join(dist, file))
  }
}

export const build = async (target, options = {}) => {
  for (const name of [...published, 'stream']) prune(join('packages', name))
  prune('examples')
  process.env.FLAMBEAU_COMPILER ??= compilerKey()
  const without = addonMissing() === undefined ? [] : ['--filter=!@flambeau/native']
  return turbo(['build', ...(target ? [`--filter=${target}...`] : without)], options)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const usage = 'node tools/build.mjs [PACKAGE]    builds what changed: all packages, or that one and what it needs'
  const { positionals } = readArgs(usage, { allowPositionals: true })
  const { code } = await build(positionals[0], { inherit: true })
  process.exitCode = code
}

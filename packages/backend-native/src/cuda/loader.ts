// Finds the CUDA addon and the texts of its kernels: built here from their sources, or in the package of this platform.
import { RuntimeError } from '@flambeau/core/backend'
import { node } from '../node.ts'
import { type CudaAddon, format } from './addon.ts'
import { Prelude } from './text/prelude.ts'
import type { Texts } from './plans/index.ts'

const here: string | undefined = import.meta.url

/** The addon's file, and the folder of each text. */
interface Place {
  readonly addon: string
  readonly prelude: string
  readonly kernels: string
}

function places(): Place[] {
  const { join, dirname } = node('node:path')
  const { fileURLToPath } = node('node:url')
  const found: Place[] = []
  if (here !== undefined) {
    // From the sources, and from the bundle.
    for (const path of ['../../../../native/', '../../../native/']) {
      const native = fileURLToPath(new URL(path, here))
      const source = join(native, 'src', 'cuda')
      const addon = join(native, 'build', 'Release', 'flambeau_cuda.node')
      found.push({ addon, prelude: source, kernels: join(source, 'kernels') })
    }
  }
  try {
    const require = node('node:module').createRequire(here ?? join(process.cwd(), '_'))
    const addon = require.resolve(`@flambeau/cuda-${process.platform}-${process.arch}-gnu`)
    found.push({ addon, prelude: dirname(addon), kernels: dirname(addon) })
  } catch {
    // It is not installed.
  }
  return found
}

/** Loads the addon, and reads the texts of its kernels. */
export function loadCuda(): { readonly addon: CudaAddon; readonly texts: Texts } {
  const { existsSync, readFileSync } = node('node:fs')
  const { join } = node('node:path')
  const place = places().find(({ addon }) => existsSync(addon))
  if (place === undefined) {
    throw new RuntimeError(
      `device 'cuda' found no addon for ${process.platform}-${process.arch}`,
      `Install it: npm install @flambeau/cuda-${process.platform}-${process.arch}-gnu. Devices 'native' and 'js' work without it.`,
    )
  }
  const loaded = { exports: {} }
  process.dlopen(loaded, node('node:path').toNamespacedPath(place.addon))
  const addon = loaded.exports as CudaAddon
  if (addon.format !== format)
    throw new RuntimeError("device 'cuda' has an addon of another version", 'Install it again.')
  const read = (folder: string, name: string): string => readFileSync(join(folder, `${name}.ptx`), 'utf8')
  return {
    addon,
    texts: {
      prelude: new Prelude(read(place.prelude, 'prelude')),
      contract: read(place.kernels, 'contract'),
      sort: read(place.kernels, 'sort'),
      program: read(place.kernels, 'program'),
    },
  }
}

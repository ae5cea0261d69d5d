// Finds the CUDA addon and the texts of its kernels: built here from their sources, or in the package of this platform,
// which users install themselves, because a package manager does not know whether there is a GPU.
import { RuntimeError } from '@flambeau/core/backend'
import { firstLine, openAddon, resolvePackage, sourceFolders } from '../loader.ts'
import { node } from '../node.ts'
import { type CudaAddon, format } from './addon.ts'
import type { Texts } from './plans/index.ts'
import { Prelude } from './text/prelude.ts'

/** The addon's file, and the folder of each text. */
interface Place {
  readonly addon: string
  readonly prelude: string
  readonly kernels: string
}

const packageName = (): string => `@flambeau/cuda-${process.platform}-${process.arch}-gnu`

/** The first place that has an addon. */
function find(): Place | undefined {
  const { join, dirname } = node('node:path')
  for (const folder of sourceFolders()) {
    const addon = join(folder, 'build', 'Release', 'flambeau_cuda.node')
    const source = join(folder, 'src', 'cuda')
    if (node('node:fs').existsSync(addon)) return { addon, prelude: source, kernels: join(source, 'kernels') }
  }
  try {
    const addon = resolvePackage(packageName())
    return { addon, prelude: dirname(addon), kernels: dirname(addon) }
  } catch {
    return undefined
  }
}

function opened(file: string): CudaAddon {
  try {
    const addon = openAddon<CudaAddon>(file)
    if (addon.format !== format) throw new Error('it was built from other sources; build it again')
    return addon as CudaAddon
  } catch (error) {
    throw new RuntimeError(
      `device 'cuda' found an addon that does not load: ${firstLine(error)}`,
      `Tried ${file}. Install it again: npm install ${packageName()}.`,
    )
  }
}

/** Loads the addon, and reads the texts of its kernels. */
export function loadCuda(): { readonly addon: CudaAddon; readonly texts: Texts } {
  const place = find()
  if (place === undefined) {
    const { platform, arch } = process
    throw new RuntimeError(
      `device 'cuda' found no addon for ${platform}-${arch}`,
      platform === 'linux' && arch === 'x64'
        ? `Install it: npm install ${packageName()}. Devices 'native' and 'js' work without it.`
        : "There is one for Linux on x64. Devices 'native' and 'js' work without it.",
    )
  }
  const addon = opened(place.addon)
  const read = (folder: string, name: string): string =>
    node('node:fs').readFileSync(node('node:path').join(folder, `${name}.ptx`), 'utf8')
  return {
    addon,
    texts: {
      prelude: new Prelude(read(place.prelude, 'prelude')),
      contract: read(place.kernels, 'contract'),
      sort: read(place.kernels, 'sort'),
    },
  }
}

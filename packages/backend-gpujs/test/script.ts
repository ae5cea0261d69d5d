// Bundles a script for the pages of these tests: a file of this folder with all its imports, from the sources.
import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { root } from '../../../tools/lib.mjs'

export const scriptOf = async (file: string, plugins: Plugin[] = []): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'packages/backend-gpujs/test', file)],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    conditions: ['@flambeau/source'],
    plugins,
    logLevel: 'error',
  })
  return outputFiles[0].text
}

// Workers of tests: a worker is read from a file, so its sources become one.
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** Bundles a worker; returns the file, next to the sources, because version and addon are found from there. */
export async function bundledWorker(source: URL, name = basename(source.pathname, '.ts')): Promise<string> {
  const outfile = fileURLToPath(new URL(`../.cache/${name}.mjs`, import.meta.url))
  await build({
    entryPoints: [fileURLToPath(source)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@flambeau/source'],
  })
  return outfile
}

// Runs a TypeScript module of the workspace from its sources, for scripts: Node 20 cannot import TypeScript.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import esbuild from 'esbuild'
import { root } from './lib.mjs'

/** Imports a module by its path from the root; `within` is the folder of the package whose dependencies it imports. */
export const importBundled = async (entry, within) => {
  const cache = join(root, within, '.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'bundled-'))
  try {
    const outfile = join(folder, 'module.mjs')
    await esbuild.build({
      entryPoints: [join(root, entry)],
      bundle: true,
      format: 'esm',
      platform: 'node',
      conditions: ['@flambeau/source'],
      outfile,
      logLevel: 'error',
    })
    return await import(pathToFileURL(outfile).href)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

// Bundles made from the sources: Node runs them at its own speed, and they are never a stale build.
import { mkdtempSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** A folder for bundles; the caller removes it. */
export const bundleFolder = (): string => mkdtempSync(join(tmpdir(), 'flambeau-examples-'))

/** Bundles a file of src/ and returns the path of the result, ES modules or CommonJS. */
export const bundle = async (folder: string, entry: string, format: 'esm' | 'cjs'): Promise<string> => {
  const ending = format === 'esm' ? '.mjs' : '.cjs'
  await build({
    entryPoints: { bundle: fileURLToPath(new URL(`../src/${entry}`, import.meta.url)) },
    outdir: folder,
    outExtension: { '.js': ending },
    bundle: true,
    // What is imported on demand, such as images, is in files of its own.
    splitting: format === 'esm',
    platform: 'node',
    format,
    conditions: ['@flambeau/source'],
    // Native finds its addon relative to its own file, and gpu.js finds headless GL in the same way; in a bundle they
    // count as not installed.
    external: ['@flambeau/backend-native', '@flambeau/backend-wasm', '@flambeau/backend-gpujs', 'esbuild'],
    banner:
      format === 'esm'
        ? {
            js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
          }
        : {},
    logLevel: 'error',
  })
  return join(folder, `bundle${ending}`)
}

/** The exports of a file of src/, run by Node directly and not through the tests' transformations. */
export const bundled = async <T>(folder: string, entry: string): Promise<T> =>
  createRequire(import.meta.url)(await bundle(folder, entry, 'cjs')) as T

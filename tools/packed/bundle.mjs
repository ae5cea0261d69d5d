// Bundles programs with one of the tools of this folder: `node bundle.mjs TOOL`, with a list of jobs on stdin, each `{
// app, entry, platform: 'browser' | 'node', format: 'esm' | 'cjs', file }`. Prints the warnings of each job.
import { dirname, basename, join } from 'node:path'
import { argv, stdin } from 'node:process'

/** Each tool with only the settings that its manual gives for the platform. */
const tools = {
  async esbuild() {
    const { build } = await import('esbuild')
    return async ({ app, entry, platform, format, file }) => {
      const { warnings } = await build({
        absWorkingDir: app,
        entryPoints: [entry],
        bundle: true,
        outfile: file,
        platform,
        format,
        target: 'es2022',
        minify: platform === 'browser',
        // A file that is imported is copied beside the bundle, and the import is its address.
        loader: { '.wasm': 'file' },
        logLevel: 'silent',
      })
      return warnings.map(({ text }) => text)
    }
  },
  async rollup() {
    const { rollup } = await import('rollup')
    const { default: resolve } = await import('@rollup/plugin-node-resolve')
    const { default: commonjs } = await import('@rollup/plugin-commonjs')
    return async ({ app, entry, platform, format, file }) => {
      const warnings = []
      const bundle = await rollup({
        input: join(app, entry),
        plugins: [resolve({ browser: platform === 'browser' }), commonjs()],
        onwarn: ({ message }) => warnings.push(message),
      })
      await bundle.write({ file, format, inlineDynamicImports: true })
      return warnings
    }
  },
  async vite() {
    const { build } = await import('vite')
    return async ({ app, entry, platform, format, file }) => {
      const warnings = []
      const note = (message) => warnings.push(message)
      const customLogger = {
        info() {},
        warn: note,
        warnOnce: note,
        error: note,
        clearScreen() {},
        hasErrorLogged: () => false,
      }
      const output = { format, entryFileNames: basename(file) }
      const input = join(app, entry)
      await build({
        root: app,
        configFile: false,
        customLogger,
        ssr: platform === 'node' ? { noExternal: true } : undefined,
        build: {
          outDir: dirname(file),
          emptyOutDir: false,
          chunkSizeWarningLimit: 10_000,
          ssr: platform === 'node' ? input : false,
          rollupOptions: platform === 'node' ? { output } : { input, output },
        },
      })
      return warnings
    }
  },
  async webpack() {
    const { default: webpack } = await import('webpack')
    return async ({ app, entry, platform, format, file }) => {
      const module = platform === 'node' && format === 'esm'
      const stats = await new Promise((done, failed) =>
        webpack(
          {
            mode: 'production',
            context: app,
            entry: `./${entry}`,
            target: platform === 'node' ? 'node20' : 'web',
            performance: { hints: false },
            optimization: { minimize: platform === 'browser' },
            output: {
              path: dirname(file),
              filename: basename(file),
              module,
              chunkFormat: module ? 'module' : undefined,
            },
            experiments: { outputModule: module },
          },
          (error, result) => (error ? failed(error) : done(result)),
        ),
      )
      const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true })
      return [...errors, ...warnings].map(({ message }) => message)
    }
  },
}

let jobs = ''
for await (const text of stdin.setEncoding('utf8')) jobs += text
const bundle = await tools[argv[2]]()
const results = []
for (const job of JSON.parse(jobs)) results.push(await bundle(job).catch((error) => [`${error.message}`]))
console.log(JSON.stringify(results))

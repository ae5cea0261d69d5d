// First contact with a GPU (`node tools/cuda.mjs contact`): everything that tests without one cannot show. The program
// and all it needs go into one folder, which a machine with a driver and a shell runs: no packages, no compiler, no
// repository. Here it runs from such a folder, too, on the GPU or on the driver that FLAMBEAU_CUDA_DRIVER names.
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { execPath } from 'node:process'
import { parseArgs } from 'node:util'
import esbuild from 'esbuild'
import { readJson, root, run, say } from './lib.mjs'
import { cudaAddon, fakeCuda, fakeCublas, ptxTexts } from './native.mjs'

const usage = `node tools/cuda.mjs contact [--out DIR] [--scale 1] [--only STEPS] [--blas cublas]
node tools/cuda.mjs contact --pack DIR [--node]

  --out     where report.md and report.json go (report)
  --scale   the share of the full counts, for a try on an interpreter
  --only    names of steps, with commas
  --blas    cuBLAS, by its name or a path
  --pack    writes a folder for another machine instead: sh DIR/contact.sh there needs a driver, and Node unless --node
  --node    with Node's binary in it`

/** Writes the folder. */
export const pack = async (folder, withNode) => {
  for (const file of [cudaAddon, fakeCuda, fakeCublas])
    if (!existsSync(file))
      return { code: 1, output: `there is no ${basename(file)}: node tools/native.mjs && node tools/native.mjs cuda` }
  for (const part of ['app', 'fake', 'bench']) mkdirSync(join(folder, part), { recursive: true })
  const { version, optionalDependencies } = readJson('packages', 'backend-native', 'package.json')
  await esbuild.build({
    entryPoints: [join(root, 'packages/backend-native/test/cuda/contact/index.ts')],
    outfile: join(folder, 'app', 'contact.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    conditions: ['@flambeau/source'],
    define: { PACKAGE: JSON.stringify({ version, optionalDependencies }) },
    // Data sets of images are not needed.
    external: ['@flambeau/data-mnist', '@flambeau/data-mnist/*'],
    logLevel: 'error',
  })
  cpSync(join(root, 'packages/backend-conformance/golden'), join(folder, 'golden'), { recursive: true })
  for (const file of [fakeCuda, fakeCublas]) copyFileSync(file, join(folder, 'fake', basename(file)))
  copyFileSync(join(root, 'bench/torch/cuda.py'), join(folder, 'bench', 'cuda.py'))
  const addon = join(folder, 'node_modules', '@flambeau', `cuda-${process.platform}-${process.arch}-gnu`)
  mkdirSync(addon, { recursive: true })
  for (const file of [cudaAddon, ...ptxTexts()]) copyFileSync(file, join(addon, basename(file)))
  writeFileSync(
    join(addon, 'package.json'),
    JSON.stringify({ name: basename(addon), version, main: basename(cudaAddon) }),
  )
  if (withNode) {
    copyFileSync(execPath, join(folder, 'node'))
    chmodSync(join(folder, 'node'), 0o755)
  }
  writeFileSync(
    join(folder, 'contact.sh'),
    `#!/bin/sh
# Tests flambeau on the GPU of this machine and writes report/report.md; the exit code says whether all passed.
case $0 in */*) here=\${0%/*} ;; *) here=. ;; esac
if [ -x "$here/node" ]; then node="$here/node"; else node=node; fi
exec "$node" "$here/app/contact.mjs" "$@"
`,
  )
  chmodSync(join(folder, 'contact.sh'), 0o755)
  return { code: 0, output: '' }
}

/** The command; returns the exit code. */
export const contact = async (args) => {
  const text = { type: 'string' }
  const flag = { type: 'boolean' }
  const options = { out: text, scale: text, only: text, blas: text, pack: text, node: flag, help: flag }
  const { values } = parseArgs({ args, options })
  if (values.help) {
    process.stdout.write(`${usage}\n`)
    return 0
  }
  const folder = values.pack === undefined ? mkdtempSync(join(tmpdir(), 'flambeau-contact-')) : resolve(values.pack)
  try {
    const { code, output } = await pack(folder, values.node === true)
    if (code !== 0) {
      say(output)
      return code
    }
    if (values.pack !== undefined) {
      say(`${folder}: sh contact.sh tests the GPU of the machine that it runs on`)
      return 0
    }
    const given = ['out', 'scale', 'only', 'blas'].flatMap((name) =>
      values[name] === undefined ? [] : [`--${name}`, name === 'out' ? resolve(values.out) : values[name]],
    )
    return (await run(execPath, [join(folder, 'app', 'contact.mjs'), ...given], { inherit: true, cwd: process.cwd() }))
      .code
  } finally {
    if (values.pack === undefined) rmSync(folder, { recursive: true })
  }
}

// Packs packages as tarballs. One run of `npm test` packs each package once: the first that needs a tarball leaves it for
// the checks and tests after it.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pnpm, root } from './lib.mjs'

const kept = join(root, '.cache', 'packed')

/** Forgets the tarballs of an earlier run, before a new one sets FLAMBEAU_BUILT. */
export const forgetTarballs = () => rmSync(kept, { recursive: true, force: true })

/** The tarball of the package in a folder: the result of packing it, with the path of the file. */
export const tarballOf = async (folder) => {
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = join(kept, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`)
  if (process.env.FLAMBEAU_BUILT !== undefined && existsSync(file)) return { code: 0, output: '', file }
  mkdirSync(kept, { recursive: true })
  // Another process may look for it meanwhile.
  const own = mkdtempSync(join(kept, 'new-'))
  const result = await pnpm(['pack', '--pack-destination', own], { cwd: folder })
  if (result.code === 0) for (const made of readdirSync(own)) renameSync(join(own, made), file)
  rmSync(own, { recursive: true })
  return { ...result, file }
}

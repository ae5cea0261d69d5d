// Requirements of a test beyond Node. A test that can't run here says so and is skipped; if FLAMBEAU_REQUIRE names its
// requirement (a comma-separated list, as in CI), it fails instead.
import { existsSync } from 'node:fs'
import { type TestFunction, test } from 'vitest'
import { findChromium, required } from '../lib.mjs'
import { addon, addonMissing, cudaAddon, fakeCuda, fakeCudaMissing } from '../native.mjs'

/** A test that needs `what`; `missing` says why it can't run here, or is undefined. */
export const testWith = (
  what: string,
  missing: string | undefined,
  name: string,
  body: TestFunction,
  timeout?: number,
) => {
  if (missing === undefined) return test(name, body, timeout)
  if (!required.has(what)) {
    console.warn(`SKIPPED: ${name}: ${missing}`)
    return test.skip(`${name} (${missing})`, body)
  }
  return test(name, () => {
    throw new Error(`${missing}, and FLAMBEAU_REQUIRE names ${what}`)
  })
}

/** Why there is no addon: neither this repository's build nor the named one. */
const findAddon = () => {
  if (existsSync(process.env.FLAMBEAU_NATIVE_PATH ?? addon)) return undefined
  return `no addon of the native backend: ${addonMissing() ?? 'node tools/native.mjs builds it'}`
}
export const nativeMissing = findAddon()

/** Why CUDA cannot be tested: without a GPU it needs the driver library for tests, which `useFakeCuda` chooses. */
export const cudaMissing = [cudaAddon, fakeCuda].every((file) => existsSync(file))
  ? undefined
  : `no driver for tests of CUDA: ${fakeCudaMissing() ?? 'node tools/native.mjs && node tools/native.mjs cuda'}`
export const useFakeCuda = (): void => void (process.env.FLAMBEAU_CUDA_DRIVER = fakeCuda)

export const chromium = findChromium()
export const chromiumMissing = chromium
  ? undefined
  : 'no Chromium found: install one (apt-get install chromium) or set FLAMBEAU_CHROMIUM to its path'
/** The browser should neither use the network nor need what a container lacks. */
export const chromiumArgs = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

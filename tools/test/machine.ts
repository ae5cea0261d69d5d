// What a test needs of the machine beyond Node. A test that can't run here says so loudly and is skipped; where
// FLAMBEAU_REQUIRE names what it needs (a comma-separated list, as in CI), it fails instead.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type TestFunction, test } from 'vitest'
import { findChromium, root } from '../lib.mjs'

const required = new Set((process.env.FLAMBEAU_REQUIRE ?? '').split(',').filter(Boolean))

/** A test that needs `what`; `missing` says why it can't run here, or is undefined where it can. */
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

/** The addon as the build of this repository leaves it, or the one that is named. */
const addon = process.env.FLAMBEAU_NATIVE_PATH ?? join(root, 'native', 'build', 'Release', 'flambeau_native.node')
export const nativeMissing = existsSync(addon)
  ? undefined
  : 'no addon of the native backend: build it with node tools/native.mjs, which needs g++ and cmake'

export const chromium = findChromium()
export const chromiumMissing = chromium
  ? undefined
  : 'no Chromium found: install one (apt-get install chromium) or set FLAMBEAU_CHROMIUM to its path'
/** Nothing of it should reach the network, or ask for what a container lacks. */
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

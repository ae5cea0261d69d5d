// The subjects that can be timed here. A backend that flambeau can load adds two columns to every table, eager and
// compiled, and gpu.js two for each of its modes; nothing else here needs to change for it.
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gpujs } from '@flambeau/backend-gpujs'
import { deviceNames, loadDevice } from 'flambeau'
import { packed } from './installed.ts'
import type { Absent, Subject } from './subject.ts'

export const here = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

/** Binaries in separate packages for each platform. */
const addons: Readonly<Record<string, string>> = {
  native: here('../../../native/build/Release/flambeau_native.node'),
}

/** The disk usage for a user who installed flambeau with this device. */
const packedBytes = (device: string): number =>
  ['core', 'backend-js', 'flambeau', `backend-${device.split(' ')[0]}`]
    .filter((name, i, names) => names.indexOf(name) === i)
    .reduce((sum, name) => sum + packed(name).unpackedSize, device in addons ? statSync(addons[device]).size : 0)

/** How steps are done: as written, compiled, or compiled and many in one call. */
export type Way = 'eager' | 'compiled' | 'repeated'

/** flambeau on a device, run by the bench in a folder: this one, or a copy that imports another flambeau. */
export const flambeau = (
  device: string,
  folder = here('./'),
  ways: readonly Way[] = ['eager', 'compiled'],
): Subject[] =>
  ways.map((way) => ({
    name: way === 'eager' ? device : `${device} ${way}`,
    title: `flambeau on ${device}, ${way}`,
    command: process.execPath,
    args: [`${folder}serve.js`, `${folder}flambeau.js`, device, way],
    scales: device === 'native',
    ...(way === 'eager' ? { library: { bytes: () => packedBytes(device) } } : {}),
  }))

/** A subject of the same module in a worker of headless Chromium. */
export const inBrowser = ({ args: [, ...args], ...subject }: Subject): Subject => ({
  ...subject,
  title: `${subject.title}, in Chromium`,
  args: [here('../browser/serve.js'), ...args],
  library: undefined,
})

/** gpu.js's modes in Node, of which WebGL needs headless GL and a display. */
export const gpujsModes = ['webgl2', 'webasm', 'cpu'] as const

/** The devices and modes by name, with their loaders. */
const loaders: Readonly<Record<string, () => Promise<unknown>>> = Object.fromEntries([
  ...deviceNames.filter((name) => !/^(auto|gpujs)$/.test(name)).map((name) => [name, () => loadDevice(name)]),
  ...gpujsModes.map((mode) => [`gpujs ${mode}`, async () => (await gpujs({ mode })).dispose()]),
])

/** flambeau on every device that it knows, or on the named ones, present or absent. */
export async function devices(names = Object.keys(loaders)): Promise<(Subject | Absent)[]> {
  const found: (Subject | Absent)[] = []
  for (const device of names) {
    try {
      await loaders[device]()
      // Where steps are short, calls into the addon are worth saving.
      found.push(...flambeau(device, undefined, device === 'native' ? ['eager', 'compiled', 'repeated'] : undefined))
    } catch (error) {
      const [sentence] = (error as Error).message.split('\n')
      found.push({ name: device, title: `flambeau on ${device}`, absent: sentence })
    }
  }
  return found
}

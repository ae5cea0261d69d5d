// Who can be timed here. A backend that flambeau can load is two columns of every table, eager and compiled, and gpu.js's are
// as many as it has modes; nothing else has to be told of it.
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gpujs } from '@flambeau/backend-gpujs'
import { deviceNames, loadDevice } from 'flambeau'
import { packed } from './installed.ts'
import type { Absent, Subject } from './subject.ts'

export const here = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

/** What comes in a package of its own for each platform. */
const addons: Readonly<Record<string, string>> = {
  native: here('../../../native/build/Release/flambeau_native.node'),
}

/** What somebody has on a disk who installed flambeau with this device. */
const packedBytes = (device: string): number =>
  ['core', 'backend-js', 'flambeau', `backend-${device.split(' ')[0]}`]
    .filter((name, i, names) => names.indexOf(name) === i)
    .reduce((sum, name) => sum + packed(name).unpackedSize, device in addons ? statSync(addons[device]).size : 0)

/** How steps are done: as they are written, compiled, or compiled and many in one call. */
export type Way = 'eager' | 'compiled' | 'repeated'

/** flambeau on a device, by the bench in a folder: this one, or a copy of it that finds another flambeau. */
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
    ...(way === 'eager' ? { library: { bytes: () => packedBytes(device) } } : {}),
  }))

/** gpu.js's modes in Node, of which WebGL needs headless GL and a display. */
export const gpujsModes = ['webgl2', 'webasm', 'cpu'] as const

/** The devices and modes by their names here, and what loads them. */
const loaders: Readonly<Record<string, () => Promise<unknown>>> = Object.fromEntries([
  ...deviceNames.filter((name) => !/^(auto|gpujs)$/.test(name)).map((name) => [name, () => loadDevice(name)]),
  ...gpujsModes.map((mode) => [`gpujs ${mode}`, async () => (await gpujs({ mode })).dispose()]),
])

/** flambeau on every device that it knows, present or absent. */
export async function devices(): Promise<(Subject | Absent)[]> {
  const found: (Subject | Absent)[] = []
  for (const [device, load] of Object.entries(loaders)) {
    try {
      await load()
      // A call into the addon is worth sparing where steps are short.
      found.push(...flambeau(device, undefined, device === 'native' ? ['eager', 'compiled', 'repeated'] : undefined))
    } catch (error) {
      const [sentence] = (error as Error).message.split('\n')
      found.push({ name: device, title: `flambeau on ${device}`, absent: sentence })
    }
  }
  return found
}

// The package that users install: all of core with the js device as the default, and other devices on demand.
import { js } from '@flambeau/backend-js'
import { type Backend, isMissing, missing, warn } from '@flambeau/core/backend'
import { registerDevice, RuntimeError, setFallback, useDevice, ValueError } from '@flambeau/core'

export * from '@flambeau/core/public'
export { js } from '@flambeau/backend-js'

useDevice(js())
setFallback(js())

/** The packages of devices, by the device's name; each exports a function of that name that makes the backend. */
const packages: Readonly<Record<string, string>> = {
  native: '@flambeau/backend-native',
  wasm: '@flambeau/backend-wasm',
  gpujs: '@flambeau/backend-gpujs',
}

/**
 * The devices that 'auto' looks for: those that are faster than js for every program, the fastest first. A GPU is not,
 * because a small step takes longer there, so users must ask for 'gpujs'.
 */
const faster = ['native', 'wasm']

/** The names that `setDevice` accepts. */
export const deviceNames: readonly string[] = ['auto', 'js', ...Object.keys(packages)]

/** A GPU, which the native backend has. */
const isCuda = (name: string): boolean => /^cuda(:\d+)?$/.test(name)

async function load(device: string): Promise<Backend> {
  if (device === 'js' || device === 'cpu') return js()
  const name = isCuda(device) ? 'native' : device
  const specifier = packages[name]
  let made: Record<string, (options?: object) => Backend | Promise<Backend>>
  try {
    made = await import(/* @vite-ignore */ /* webpackIgnore: true */ specifier)
  } catch (cause) {
    // Every engine quotes the name that it could not find; a package that is installed but broken names something else.
    if (!new RegExp(`['"“]${specifier}['"”]`).test(String(cause)))
      throw new RuntimeError(`device '${name}' could not be loaded`, `Reinstall ${specifier} (${String(cause)})`)
    throw missing(
      new RuntimeError(
        `device '${name}' is not installed`,
        `Install it: npm install ${specifier}. In a bundle for browsers import it: useDevice(await ${name}()) (${String(cause)})`,
      ),
    )
  }
  return await made[name](isCuda(device) ? { device } : undefined)
}

/** The first of the faster devices that is installed and loads; js if there is none. One that does not load warns. */
async function fastest(): Promise<Backend> {
  for (const name of faster) {
    try {
      return await load(name)
    } catch (error) {
      if (!isMissing(error)) warn(`setDevice('auto') continues without '${name}': ${(error as Error).message}`)
    }
  }
  return js()
}

/**
 * Makes a device the default for new tensors, loading its package first: 'js' (also by PyTorch's name 'cpu'), 'native',
 * 'wasm', 'gpujs', or 'auto' for 'native' where it is installed, else 'wasm', else 'js'. If one of them is installed but
 * does not load, 'auto' warns. Returns the name of the device. Existing tensors stay where they are: move them with
 * `.to(name)`. A GPU is 'cuda', or 'cuda:1' and so on; native has it.
 *
 * @example
 * await setDevice('auto')
 */
export async function setDevice(name: string): Promise<string> {
  if (name === 'auto') return useDevice(await fastest()).name
  if (name !== 'cpu' && !isCuda(name) && !deviceNames.includes(name)) {
    throw new ValueError(`unknown device '${name}'`, `Devices are ${deviceNames.join(', ')}.`)
  }
  return useDevice(await load(name)).name
}

/** Loads a device so that `.to(name)` can move tensors there, without changing the default. */
export const loadDevice = async (name: string): Promise<string> => registerDevice(await load(name)).name

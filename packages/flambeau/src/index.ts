// What people install: all of core, with plain JavaScript as the device from the start, and other devices on demand.
import { js } from '@flambeau/backend-js'
import { type Backend, isMissing, missing, warn } from '@flambeau/core/backend'
import { registerDevice, RuntimeError, setFallback, useDevice, ValueError } from '@flambeau/core'

export * from '@flambeau/core'
export { js } from '@flambeau/backend-js'

useDevice(js())
setFallback(js())

/** Devices with a package of their own: the package and its function that makes the backend. */
const packages: Readonly<Record<string, string>> = {
  native: '@flambeau/backend-native',
  gpujs: '@flambeau/backend-gpujs',
}

/**
 * What 'auto' looks for: what is faster than js whatever it is given. A GPU is not, a small step takes longer there than on
 * js, so 'gpujs' is for who asks for it.
 */
const fastest = 'native'

/** What `setDevice` takes. */
export const deviceNames: readonly string[] = ['auto', 'js', ...Object.keys(packages)]

async function load(name: string): Promise<Backend> {
  if (name === 'js') return js()
  const specifier = packages[name]
  let made: Record<string, () => Backend | Promise<Backend>>
  try {
    made = await import(/* @vite-ignore */ /* webpackIgnore: true */ specifier)
  } catch (cause) {
    // Every engine quotes the name that it could not find; a package that is there and broken names something else.
    if (!new RegExp(`['"“]${specifier}['"”]`).test(String(cause)))
      throw new RuntimeError(`device '${name}' could not be loaded`, `Reinstall ${specifier} (${String(cause)})`)
    throw missing(
      new RuntimeError(
        `device '${name}' is not installed`,
        `Install it: npm install ${specifier}. In a bundle for browsers import it: useDevice(await ${name}()) (${String(cause)})`,
      ),
    )
  }
  return await made[name]()
}

/**
 * Makes a device the default for new tensors, loading its package first: 'js', 'native', 'gpujs', or 'auto' for 'native'
 * where it is installed and 'js' elsewhere; where it is there and does not load, a warning says so. Returns its name.
 * Tensors that exist stay where they are: move them with `.to(name)`.
 *
 * @example
 * await setDevice('auto')
 */
export async function setDevice(name: string): Promise<string> {
  if (name === 'auto') {
    try {
      return useDevice(await load(fastest)).name
    } catch (error) {
      if (!isMissing(error)) warn(`setDevice('auto') goes on without '${fastest}': ${(error as Error).message}`)
      return useDevice(js()).name
    }
  }
  if (!deviceNames.includes(name)) {
    throw new ValueError(`unknown device '${name}'`, `Devices are ${deviceNames.join(', ')}.`)
  }
  return useDevice(await load(name)).name
}

/** Loads a device so that `.to(name)` can move tensors there, and leaves the default as it is. */
export const loadDevice = async (name: string): Promise<string> => registerDevice(await load(name)).name

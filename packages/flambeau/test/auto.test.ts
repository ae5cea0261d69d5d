// 'auto' with a device that is installed but does not load. tools/test/pack-native.test.ts covers missing packages,
// which it can remove.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { js, setDevice, tensor, useDevice } from '../src/index.ts'

const temp = mkdtempSync(join(tmpdir(), 'flambeau-auto-'))
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  useDevice(js())
  rmSync(temp, { recursive: true, force: true })
})

test('an addon that does not load is skipped with one warning that says why', async () => {
  const file = join(temp, 'text.node')
  writeFileSync(file, 'no addon')
  vi.stubEnv('FLAMBEAU_NATIVE_PATH', file)
  const shown = vi.spyOn(console, 'warn').mockReturnValue()
  const name = await setDevice('auto')
  expect(name).toBe('wasm')
  expect(await setDevice('auto')).toBe(name)
  expect(tensor([1, 2]).sum().item()).toBe(3)
  const ours = shown.mock.calls.map(([text]) => String(text)).filter((text) => text.includes("'native'"))
  expect(ours).toHaveLength(1)
  expect(ours[0]).toContain("UserWarning: setDevice('auto') continues without 'native': device 'native' found no addon")
  expect(ours[0]).toContain(`\nTried FLAMBEAU_NATIVE_PATH (${file}): `)
  await expect(setDevice('native')).rejects.toThrow("device 'native' found no addon")
})

// Normal numbers that the module makes have the bits of js; JavaScript makes those that do not lie in its memory.
import { expect, it } from 'vitest'
import { describeNormals } from '../../backend-conformance/test/normals.ts'
import type { WasmBackend } from '../src/backend.ts'
import { wasm } from '../src/index.ts'

const device = (await wasm()) as WasmBackend
describeNormals(device)

it('reaches only its own memory', () => {
  expect(device.host.normals(new Float32Array(16))).toBe(undefined)
})

// Checkpoints of torchvision's families, written by torchvision (tools/golden/checkpoints.py), in flambeau's models: by name,
// and to the bit.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { js, load, type nn, save, useDevice } from 'flambeau'
import { expect, it } from 'vitest'
import * as models from '../src/models/index.ts'

interface Checkpoint {
  readonly options: object
  readonly old: boolean
  readonly file: string
  readonly digest: string
}
const golden: Readonly<Record<string, Checkpoint>> = JSON.parse(
  readFileSync(new URL('golden/checkpoints.json', import.meta.url), 'utf8'),
)
const builders = models as unknown as Readonly<Record<string, (options: object) => Promise<nn.Module>>>

const digestOf = (state: nn.StateDict): string => {
  const sha = createHash('sha256')
  for (const [key, x] of state) {
    const { buffer, byteOffset, byteLength } = x.toArray()
    sha.update(`${key} ${x.dtype} [${x.sizes.join(', ')}]\n`).update(new Uint8Array(buffer, byteOffset, byteLength))
  }
  return sha.digest('hex')
}

it.each(Object.entries(golden))("%s loads torchvision's file by name, and every bit of it", async (name, each) => {
  useDevice(js())
  const file = gunzipSync(Buffer.from(each.file, 'base64'))
  expect(file.subarray(0, 2).toString('latin1')).toBe(each.old ? '\x80\x02' : 'PK')
  expect(digestOf((await load(file)) as nn.StateDict)).toBe(each.digest)
  const aux = name === 'googlenet' ? { auxLogits: true } : {}
  const model = await builders[name]({ ...each.options, ...aux, weights: file })
  expect(digestOf(model.stateDict())).toBe(each.digest)
  // And the way back, through a file of flambeau.
  expect(digestOf((await load(await save(model, undefined, { format: 'pt' }))) as nn.StateDict)).toBe(each.digest)
})

it('what load gives needs no cast', async () => {
  const { options, file, digest } = golden.alexnet
  const model = await models.alexnet({ ...options, weights: await load(gunzipSync(Buffer.from(file, 'base64'))) })
  expect(digestOf(model.stateDict())).toBe(digest)
})

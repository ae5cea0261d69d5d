// Narrow members of the families on gpu.js: scores, loss and the parameters after a training step are those on js, and
// nothing runs elsewhere. WebGL compiles a shader for every shape, which takes software most of a minute for a whole
// GoogLeNet, so there is less of it.
import { gpujs } from '@flambeau/backend-gpujs'
import { js, setStrict, useDevice } from 'flambeau'
import { afterEach } from 'vitest'
import { testWith } from '../../tools/test/machine.ts'
import { modes } from './modes.ts'
import { expectSame, members, results } from './narrow.ts'

const onEach: Readonly<Record<string, readonly string[]>> = {
  webasm: ['alexnet', 'zfnet', 'vgg11', 'googlenet'],
  webgl2: ['alexnet', 'an inception module'],
}

afterEach(() => {
  setStrict(false)
  useDevice(js())
})

for (const { mode, missing } of modes.filter(({ mode }) => mode in onEach)) {
  for (const name of onEach[mode]) {
    testWith('gpujs', missing, `${name} on ${mode} is that on js`, async () => {
      const expected = results(members[name])
      const device = await gpujs({ mode })
      useDevice(device)
      setStrict(true)
      const found = results(members[name])
      device.dispose()
      useDevice(js())
      expectSame(found, expected)
    })
  }
}

// The samples of products with a BLAS that computes them. native.test.ts and native/test/contract_test.cc test that a
// missing or wrong library is refused.
import { describeBackend } from '@flambeau/backend-conformance'
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import { native } from '../src/index.ts'

const missing =
  nativeMissing ??
  (await native({ blas: 'openblas' }).then(
    () => undefined,
    ({ message }: Error) => `${message} On Debian: apt-get install libopenblas0-pthread`,
  ))
if (missing !== undefined) testWith('native', missing, 'products by OpenBLAS', () => {})
else {
  testWith('native', missing, 'OpenBLAS is in use', async ({ expect }) => {
    expect((await native({ blas: 'openblas' })).report().blas).toContain('openblas')
  })
  describeBackend(() => native({ blas: 'openblas' }), {
    level: 'kernels',
    bitwise: false,
    ops: ['matmul', 'mm', 'bmm', 'mv', 'dot', 'addmm', 'linear'],
  })
}

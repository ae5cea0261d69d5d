// Products by cuBLAS, or rather by the library for tests that has its functions: which ones it gets, in programs, too, and
// that it is refused if it computes otherwise than it should.
import { describeBackend } from '@flambeau/backend-conformance'
import { expect } from 'vitest'
import { fakeCublas } from '../../../../tools/native.mjs'
import { testWith } from '../../../../tools/test/machine.ts'
import { openCuda } from '../../src/cuda/index.ts'
import { cudaMissing, outcome } from './driver.ts'

// With memory as users have it, as the conformance suite beside it.
process.env.FLAMBEAU_CUDA_CACHING = '1'
const it = (name: string, body: () => void): void => testWith('native', cudaMissing, name, body, 60_000)

it('a library is refused whose floats are shorter, whose doubles are wrong, or which is not there', () => {
  const fault = (blas: string, environment: Readonly<Record<string, string>>): string =>
    outcome('blas', blas, environment).error ?? ''
  expect(fault(fakeCublas, { FAKECUBLAS_TF32: '1' })).toMatch(
    /^BLAS .* cannot be used: cublasSgemmStridedBatched of 2 x 1 and 1 x 2 gives .* where .* is right/,
  )
  expect(fault(fakeCublas, { FAKECUBLAS_WRONG: '1' })).toContain('cublasDgemmStridedBatched of 2 x 1 and 1 x 2')
  expect(fault('/nowhere/libcublas.so.13', {})).toMatch(
    /^BLAS '.*' could not be loaded\. Looked for:\n {2}\/nowhere\/libcublas/,
  )
  expect(fault('openblas', {})).toBe("'openblas' names no BLAS of CUDA: 'cublas' and paths to libraries do")
})

it('a failed step leaves what a product would have overwritten', () => {
  expect(outcome('blas-failure', fakeCublas).result).toEqual([
    'index 9 is out of bounds for dimension 0 with size 3',
    [1, 2, 3, 4],
    [7, 10, 15, 22],
    [5, 5, 5, 5],
  ])
})

if (cudaMissing !== undefined) testWith('native', cudaMissing, 'products by cuBLAS', () => {})
else {
  const opened = () => {
    const cuda = openCuda(0)
    expect(cuda.useBlas(fakeCublas)).toBe(fakeCublas)
    return cuda
  }
  describeBackend(opened, {
    level: 'kernels',
    bitwise: false,
    ops: ['matmul', 'mm', 'bmm', 'mv', 'dot', 'addmm', 'baddbmm', 'linear', 'einsum', 'bilinear'],
  })
}

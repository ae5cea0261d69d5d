// Some ops of every kind of kernel and the most informative checks, for modes on which the whole suite would take long.
import type { BackendOptions } from '@flambeau/backend-conformance'

export const smoke: Pick<BackendOptions, 'bitwise' | 'level' | 'nthProgram' | 'checks' | 'ops'> = {
  bitwise: false,
  level: 'kernels',
  nthProgram: 100,
  checks: ['golden values', 'golden gradients', 'errors', 'transposed inputs'],
  ops: [
    // map, with every function of our own
    ...['add', 'div', 'remainder', 'where', 'to', 'exp', 'log', 'log1p', 'expm1', 'pow', 'sqrt', 'round', 'sin', 'cos'],
    ...['atan2', 'tanh', 'sigmoid', 'gelu', 'erf', 'isnan'],
    // reduced
    ...['sum', 'mean', 'prod', 'amax', 'var', 'logsumexp', 'softmax'],
    ...['matmul', 'linear', 'conv2d', 'argmax', 'cumsum', 'sort', 'arange'],
    // concat, pad, fold, gather, scatter, assign
    ...['cat', 'pad', 'unfold', 'diagonal', 'indexSelect', 'gather', 'embedding', 'scatterAdd', 'indexPut', 'setAt'],
    ...['crossEntropy', 'binaryCrossEntropy', 'maxPool2d'],
  ],
}

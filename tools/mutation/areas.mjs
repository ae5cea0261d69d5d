// What is mutated and with which tests: the sources of each area, the tests that should catch their mutants, and the
// packages that these tests load.
const all = ['@flambeau/core', '@flambeau/backend-js', '@flambeau/backend-conformance']
const core = [
  'packages/core/test/**/*.test.ts',
  'packages/backend-js/test/**/*.test.ts',
  'packages/backend-conformance/test/in-place.test.ts',
]
const js = ['packages/backend-js/test/**/*.test.ts', 'packages/core/test/**/*.test.ts']

export const areas = {
  ops: { sources: ['packages/core/src/ops/**/*.ts'], tests: core, packages: all },
  autograd: {
    sources: ['packages/core/src/autograd/*.ts', 'packages/core/src/tensor/{apply,in-place,node,tensor,update}.ts'],
    tests: core,
    packages: all,
  },
  optim: { sources: ['packages/core/src/optim/*.ts'], tests: ['packages/core/test/**/*.test.ts'], packages: all },
  compile: { sources: ['packages/core/src/compile/**/*.ts'], tests: core, packages: all },
  'backend-js': { sources: ['packages/backend-js/src/**/*.ts'], tests: js, packages: all },
  data: {
    sources: ['packages/data/src/*.ts', 'packages/data/src/{csv,frame}/*.ts'],
    tests: ['packages/data/test/**/*.test.ts'],
    packages: ['@flambeau/data'],
  },
}

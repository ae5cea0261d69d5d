// The lint rules for tensors as conditions and for `==` between tensors, by ESLint itself, with types and without.
import type { Tensor } from '@flambeau/core'
import * as parser from '@typescript-eslint/parser'
import { Linter } from 'eslint'
import ts from 'typescript'
import { expect, expectTypeOf, it } from 'vitest'
import plugin from '../src/eslint.ts'

/** What the rules know a tensor by. */
expectTypeOf<Tensor>().toHaveProperty('gradFn')
expectTypeOf<Tensor>().toHaveProperty('requiresGrad')
const declared = `
declare class Tensor { requiresGrad: boolean; gradFn: object | null; any(): Tensor; all(): Tensor; gt(x: number): Tensor; item(): number }
declare class Parameter extends Tensor { own: 1 }
declare const [x, y, p, bias, n]: [Tensor, Tensor, Parameter, Tensor | null, number]
`
const linter = new Linter({ cwd: '/' })
type Config = Linter.Config

/** The rules that a line of TypeScript breaks. */
function broken(line: string): string[] {
  const code = declared + line
  const file = ts.createSourceFile('/code.ts', code, ts.ScriptTarget.ES2022, true)
  const host = {
    ...ts.createCompilerHost({}),
    getSourceFile: (name: string) => (name === '/code.ts' ? file : undefined),
  }
  const program = ts.createProgram(['/code.ts'], { noLib: true, types: [], strict: true }, host)
  const languageOptions = { parser, parserOptions: { programs: [program] } } as Config['languageOptions']
  const config = { files: ['**/*.ts'], languageOptions, ...plugin.recommended } as Config
  return linter.verify(code, [config], '/code.ts').map(({ ruleId, message }) => ruleId ?? message)
}
const condition = 'flambeau/no-tensor-condition'
const equality = 'flambeau/no-tensor-equality'

it.each([
  ['if (x.gt(0).any()) {}', [condition]],
  ['while (n > 0 && !p) {}', [condition]],
  ['n > 0 ? x : y; x ? 1 : 2', [condition]],
  ['if (x.any() || y.all()) {}', [condition, condition]],
  ['x == y; x === p; x != y', [equality, equality, equality]],
  ['if (x.gt(0).any().item()) {}; if (bias) {}; if (n) {}; bias ?? x', []],
  ['bias === null; n === 1; x === bias', []],
])('%s', (line, rules) => expect(broken(line)).toEqual(rules))

it('knows any() and all() without types', () => {
  const code = 'if (x.gt(0).any()) {} if (x.all().item()) {} if (x.some()) {} if (x) {}'
  const found = linter.verify(code, [plugin.recommended as Config])
  expect(found.map(({ ruleId, column }) => [ruleId, column])).toEqual([[condition, 5]])
})

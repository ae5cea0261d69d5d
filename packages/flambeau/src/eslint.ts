// An ESLint plugin for two traps that TypeScript does not see: a tensor as a condition, which is always true because it
// is an object, and `==` between tensors, which asks whether they are the same object. With the types of
// typescript-eslint it knows every tensor; without, it knows `x.any()` and `x.all()`.

interface Node {
  readonly type: string
  readonly [field: string]: unknown
}
interface Type {
  readonly types?: readonly Type[]
  isUnion(): boolean
  getProperty(name: string): unknown
}
interface Context {
  readonly sourceCode: { readonly parserServices?: { getTypeAtLocation?(node: Node): Type } }
  report(problem: { readonly node: Node; readonly messageId: string }): void
}
type Listeners = Readonly<Record<string, (node: Node) => void>>
/** A rule of ESLint's. */
export interface Rule {
  readonly meta: object
  create(context: Context): Listeners
}

const isTensorType = (type: Type): boolean =>
  type.isUnion()
    ? (type.types ?? []).every(isTensorType)
    : type.getProperty('requiresGrad') !== undefined && type.getProperty('gradFn') !== undefined

/** Whether an expression is a tensor and nothing else, such as `Tensor | null`. */
function isTensor(context: Context, node: Node): boolean {
  const { getTypeAtLocation } = context.sourceCode.parserServices ?? {}
  if (getTypeAtLocation !== undefined) return isTensorType(getTypeAtLocation(node))
  const { callee, arguments: args } = node as unknown as { callee?: Node; arguments?: readonly Node[] }
  const { name } = (callee?.property ?? {}) as { name?: string }
  return node.type === 'CallExpression' && args?.length === 0 && (name === 'any' || name === 'all')
}

const rule = (messages: Readonly<Record<string, string>>, create: Rule['create']): Rule => ({
  meta: { type: 'problem', docs: { description: Object.values(messages)[0] }, messages, schema: [] },
  create,
})

const noTensorCondition = rule(
  { condition: 'A tensor is an object, so this condition is always true. Ask for its number: x.any().item().' },
  (context) => {
    const check = (node: unknown): void => {
      const { type, left, right, argument, operator } = (node ?? {}) as Node
      if (type === 'LogicalExpression' && operator !== '??') for (const side of [left, right]) check(side)
      else if (type === 'UnaryExpression' && operator === '!') check(argument)
      else if (type !== undefined && isTensor(context, node as Node))
        context.report({ node: node as Node, messageId: 'condition' })
    }
    const test = (node: Node): void => check(node.test)
    return {
      IfStatement: test,
      WhileStatement: test,
      DoWhileStatement: test,
      ForStatement: test,
      ConditionalExpression: test,
    }
  },
)

const noTensorEquality = rule(
  {
    equality:
      'This asks whether two tensors are the same object. Compare elements by x.eq(y), all of them by x.equal(y).',
  },
  (context) => ({
    BinaryExpression(node) {
      const { operator, left, right } = node as Node & { operator: string; left: Node; right: Node }
      if (/^[!=]==?$/.test(operator) && isTensor(context, left) && isTensor(context, right))
        context.report({ node, messageId: 'equality' })
    },
  }),
)

const rules: Readonly<Record<string, Rule>> = {
  'no-tensor-condition': noTensorCondition,
  'no-tensor-equality': noTensorEquality,
}
const meta = { name: 'flambeau' }

/** The plugin for `eslint.config.js`; `recommended` turns both rules on. */
const plugin: {
  readonly meta: typeof meta
  readonly rules: typeof rules
  readonly recommended: { readonly plugins: object; readonly rules: Readonly<Record<string, 'error'>> }
} = {
  meta,
  rules,
  recommended: {
    plugins: { flambeau: { meta, rules } },
    rules: { 'flambeau/no-tensor-condition': 'error', 'flambeau/no-tensor-equality': 'error' },
  },
}
export default plugin

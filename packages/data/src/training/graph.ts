// The graph of a model: what autograd has recorded of one run, with the modules as scopes. Hooks note which operations
// are made while a module runs, because nodes are numbered in the order in which they are made.
import { enableGrad, type nn, RuntimeError, Tensor, zeros } from '@flambeau/core'
import { className } from '@flambeau/core/backend'
import { graph, type GraphNode } from './events.ts'
import type { Bytes } from './wire.ts'

type Node = NonNullable<Tensor['gradFn']>
/** A call of a module: the numbers of the nodes that it made. */
interface Call {
  readonly scope: string
  readonly from: number
  to: number
}

const classOf = (module: nn.Module): string => className(module.constructor)

/** The scopes of modules by their paths: `Net/Sequential[features]/Conv2d[0]`. */
function scopesOf(model: nn.Module): Map<string, string> {
  const scopes = new Map([['', classOf(model)]])
  for (const [path, module] of model.namedModules()) {
    if (path === '') continue
    const end = path.lastIndexOf('.')
    scopes.set(path, `${scopes.get(path.slice(0, Math.max(end, 0)))}/${classOf(module)}[${path.slice(end + 1)}]`)
  }
  return scopes
}

const tensorsIn = (x: unknown): Tensor[] =>
  x instanceof Tensor ? [x] : typeof x === 'object' && x !== null ? Object.values(x).flatMap(tensorsIn) : []

/** A copy that is not a leaf, so that operations in place may write to it; integers have no gradient. */
const copyOf = (x: unknown): unknown => {
  if (!(x instanceof Tensor)) return x
  const own = x.detach().clone()
  return own.dtype.startsWith('float') ? own.requiresGrad_().clone() : own
}

/** Numbers, texts and lists of them, as attributes are shown. */
const attributesOf = (attrs: unknown): string => {
  if (typeof attrs !== 'object' || attrs === null) return '{}'
  const isPlain = (x: unknown): boolean =>
    ['number', 'string', 'boolean'].includes(typeof x) || (Array.isArray(x) && x.every(isPlain))
  const plain = Object.entries(attrs).filter(([, value]) => isPlain(value))
  return plain.length === 0 ? '{}' : JSON.stringify(Object.fromEntries(plain)).replaceAll('"', '')
}

/** The nodes of the graph of a model for inputs; the model runs once in evaluation mode, and is as before afterwards. */
export function graphOf(model: nn.Module, inputs: readonly unknown[]): Bytes {
  const scopes = scopesOf(model)
  const calls: Call[] = []
  const open: Call[] = []
  return enableGrad(() => {
    const probe = zeros(1).requiresGrad_()
    const now = (): number => enableGrad(() => (probe.mul(1).gradFn as Node).order)
    const training = model.modules().filter((module) => module.training)
    const handles = model.namedModules().flatMap(([path, module]) => [
      module.registerForwardPreHook(() => {
        const call = { scope: scopes.get(path) as string, from: now(), to: Infinity }
        calls.push(call)
        open.push(call)
      }),
      module.registerForwardHook(() => {
        const call = open.pop() as Call
        call.to = now()
      }),
    ])
    const given = inputs.map(copyOf)
    let outputs: Tensor[]
    try {
      model.eval()
      outputs = tensorsIn((model.forward as (...args: unknown[]) => unknown)(...given))
    } finally {
      for (const handle of handles) handle.remove()
      for (const module of training) module.training = true
    }
    const scopeOf = ({ order }: Node): string =>
      calls.reduce(
        (scope, call) => (call.from <= order && order < call.to ? call.scope : scope),
        scopes.get('') as string,
      )
    return graph(nodesOf(model, scopes, scopeOf, given, outputs))
  })
}

function nodesOf(
  model: nn.Module,
  scopes: ReadonlyMap<string, string>,
  scopeOf: (node: Node) => string,
  inputs: readonly unknown[],
  outputs: readonly Tensor[],
): GraphNode[] {
  const roots = outputs.map(({ gradFn }) => gradFn)
  if (!roots.some((root) => root !== null)) {
    throw new RuntimeError(
      'add_graph(): no output of the model has a gradient, so nothing has recorded how it is computed',
      'The graph is read from autograd: it needs an input of floats or a parameter that requires a gradient.',
    )
  }
  const names = new Map<Node, string>()
  const taken = new Map<string, number>()
  /** The name, with a number if it is not the first. */
  const name = (wanted: string): string => {
    const count = taken.get(wanted) ?? 0
    taken.set(wanted, count + 1)
    return count === 0 ? wanted : `${wanted}.${count}`
  }
  const nodes: GraphNode[] = []
  const add = (node: Node | null, wanted: string, op: string, more: Partial<GraphNode>): void => {
    const own = { name: name(wanted), op, inputs: [], sizes: [], attributes: '{}', ...more }
    if (node !== null) names.set(node, own.name)
    nodes.push(own)
  }
  for (const x of inputs.flatMap(tensorsIn)) add(x.gradFn, 'input/input', 'IO Node', { sizes: x.sizes })
  const parameters = new Map(model.namedParameters().map(([path, parameter]) => [parameter as Tensor, path]))
  for (const node of reached(
    roots.filter((root) => root !== null),
    new Set(names.keys()),
  )) {
    const { leaf, specs, attrs, op } = node
    const { sizes } = specs[0]
    if (leaf !== null) {
      const path = parameters.get(leaf)
      const end = path?.lastIndexOf('.') ?? -1
      const scope = scopes.get(path?.slice(0, Math.max(end, 0)) ?? '')
      add(node, `${scope}/${path?.slice(end + 1) ?? 'leaf'}`, path === undefined ? 'Leaf' : 'Parameter', { sizes })
      continue
    }
    const from = node.edges.flatMap((edge) => (edge === null ? [] : [names.get(edge) as string]))
    add(node, `${scopeOf(node)}/${op.name}`, op.name, { inputs: from, sizes, attributes: attributesOf(attrs) })
  }
  for (const [i, x] of outputs.entries()) {
    const from = roots[i]
    const inputs = from === null ? [] : [names.get(from) as string]
    add(null, `output/output.${i + 1}`, 'IO Node', { inputs, sizes: x.sizes })
  }
  return nodes
}

/** The nodes that lead to some, those first that others need; not beyond those that are known. */
function reached(roots: readonly Node[], known: Set<Node>): Node[] {
  const found = new Set<Node>()
  const stack = roots.filter((root) => !known.has(root))
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (found.has(node)) continue
    found.add(node)
    for (const edge of node.edges) if (edge !== null && !known.has(edge)) stack.push(edge)
  }
  // A node is newer than all that it needs, but the end of the graph at a leaf may be younger than its user.
  return [...found].sort((a, b) => +(b.leaf !== null) - +(a.leaf !== null) || a.order - b.order)
}

// Node's modules. They are asked for when they are needed: to import 'node:process', 'node:fs' and 'node:v8' takes four
// milliseconds, for all that they export is made then, the terminal's streams among it. Bundlers for browsers do not see
// them, and a bundle in CommonJS, which has no `import.meta`, loads.
type Ids = {
  'node:fs': typeof import('node:fs')
  'node:module': typeof import('node:module')
  'node:path': typeof import('node:path')
  'node:url': typeof import('node:url')
  'node:v8': typeof import('node:v8')
  'node:vm': typeof import('node:vm')
}

export const node = <K extends keyof Ids>(id: K): Ids[K] => process.getBuiltinModule(id) as Ids[K]

/** Whether there is a Node, and one that is new enough. */
export const inNode = (): boolean => typeof process === 'object' && typeof process.getBuiltinModule === 'function'

// Node's modules, loaded when they are needed: importing 'node:process', 'node:fs' and 'node:v8' takes four
// milliseconds, because it creates all that they export, the terminal's streams included. Bundlers for browsers do not
// see them, and a CommonJS bundle, which has no `import.meta`, loads.
type Ids = {
  'node:fs': typeof import('node:fs')
  'node:module': typeof import('node:module')
  'node:path': typeof import('node:path')
  'node:url': typeof import('node:url')
  'node:v8': typeof import('node:v8')
  'node:vm': typeof import('node:vm')
}

export const node = <K extends keyof Ids>(id: K): Ids[K] => process.getBuiltinModule(id) as Ids[K]

/** Whether this is Node, and new enough. */
export const inNode = (): boolean => typeof process === 'object' && typeof process.getBuiltinModule === 'function'

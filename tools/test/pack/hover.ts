// The text that an editor shows for a name: its signatures and its sentence, from TypeScript's language service over
// the packages installed in a folder.
import { join } from 'node:path'
import ts from 'typescript'

export interface Shown {
  /** The name in source form: `x.exp`, `nn.Linear`. */
  readonly name: string
  readonly text: string
  readonly sentence: string
}

const options: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  strict: true,
  types: [],
}

/** Declarations before the names. */
const head = "import * as all from 'flambeau'\nimport { F, nn, optim } from 'flambeau'\ndeclare const x: all.Tensor\n"
const [namespaces, instance] = [['all', 'F', 'nn', 'optim', 'optim.lrScheduler'], 'x']

/** Every method and property of Tensor, in a call if it can be called, and every exported function and class. */
export function shown(app: string): Shown[] {
  const file = join(app, 'hover.ts')
  let content = `${head}${[...namespaces, instance].map((name) => `void ${name}\n`).join('')}`
  let version = 0
  const service = ts.createLanguageService({
    getScriptFileNames: () => [file],
    getScriptVersion: (name) => (name === file ? String(version) : '0'),
    getScriptSnapshot: (name) => {
      const text = name === file ? content : ts.sys.readFile(name)
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
    },
    getCurrentDirectory: () => app,
    getCompilationSettings: () => options,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: (name) => name === file || ts.sys.fileExists(name),
    readFile: ts.sys.readFile,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
  })
  const program = service.getProgram() as ts.Program
  const checker = program.getTypeChecker()
  const uses = (program.getSourceFile(file) as ts.SourceFile).statements.slice(3)
  const members = uses.flatMap((use) => {
    const { expression } = (use as ts.ExpressionStatement).expression as ts.VoidExpression
    const object = expression.getText()
    return checker
      .getTypeAtLocation(expression)
      .getProperties()
      .flatMap((property) => {
        const { name } = property
        const type = checker.getTypeOfSymbolAtLocation(property, expression)
        const calls = type.getCallSignatures().length > 0
        const called = calls || type.getConstructSignatures().length > 0
        if (!/^\w+$/.test(name) || !(called || object === instance)) return []
        return [{ name: `${object}.${name}`, use: `${object}.${name}${calls ? '()' : ''}\n`, at: object.length + 1 }]
      })
  })
  const start = content.length
  content += members.map(({ use }) => use).join('')
  version++
  let position = start
  return members.map(({ name, use, at }) => {
    const info = service.getQuickInfoAtPosition(file, position + at)
    position += use.length
    return {
      name,
      text: ts.displayPartsToString(info?.displayParts),
      sentence: ts.displayPartsToString(info?.documentation),
    }
  })
}

// api-extractor shows a class as it is declared and leaves out members that `declare module` adds. Tensor's methods are
// added this way, from the op table, so they get a report of their own: one line per member.
import { relative } from 'node:path'
import ts from 'typescript'

const isAugmentation = (declaration) => {
  for (let node = declaration.parent; node; node = node.parent) {
    if (ts.isModuleDeclaration(node) && ts.isStringLiteral(node.name)) return true
  }
  return false
}

/** A program of a package's declaration files, because most of its time goes to those of other packages. */
export const programOf = (entries) =>
  ts.createProgram(entries, {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    types: [],
  })

/**
 * The members that declaration merging adds to the exports of `entry`, a declaration file of the package in `folder` and
 * of the program.
 */
export const mergedMembers = (program, entry, folder) => {
  const checker = program.getTypeChecker()
  const lines = []
  for (const exported of checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)))) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
    const declarations = symbol.declarations ?? []
    if (!declarations.some(isAugmentation)) continue
    const own = declarations.filter((declaration) => !isAugmentation(declaration))
    // Another package's class is in that package's report.
    const here = own.some((declaration) => !relative(folder, declaration.getSourceFile().fileName).startsWith('..'))
    if (!here) continue
    for (const member of checker.getDeclaredTypeOfSymbol(symbol).getProperties()) {
      if (member.declarations?.some((declaration) => own.includes(declaration.parent))) continue
      const type = checker.typeToString(checker.getTypeOfSymbol(member), undefined, ts.TypeFormatFlags.NoTruncation)
      // TypeScript numbers the names of symbols; the number depends on everything else.
      lines.push(`${symbol.name}.${member.name.replace(/^__(@\w+)@\d+$/, '$1')}: ${type}`)
    }
  }
  return lines.sort()
}

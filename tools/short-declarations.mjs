// Writes declarations in fewer bytes that say the same: without the spaces and words that an editor does not need, with the
// parameters that it would show. Comments stay as they are, but for their line breaks and examples.
import ts from 'typescript'

const isWord = (text) => /[\w$]/.test(text)

/** The text of declarations without spaces, and without semicolons at the ends of lines; comments stay as they are. */
const tight = (text) => {
  const source = ts.createSourceFile('tight.d.ts', text, ts.ScriptTarget.ES2022, true)
  const tokens = []
  const walk = (node) => {
    const children = node.getChildren().filter(({ kind }) => kind !== ts.SyntaxKind.JSDoc)
    if (children.length > 0) children.forEach(walk)
    else if (node.end > node.getStart()) tokens.push(node)
  }
  walk(source)
  let out = ''
  for (const [i, token] of tokens.entries()) {
    const before = text.slice(token.pos, token.getStart())
    const own = token.getText()
    const comments = before.match(/\/\*\*.*?\*\//gs)
    if (comments !== null) out += `\n${comments.join('\n')}`
    else if (before.includes('\n') && !/[{[(,|&=]$/.test(out) && !/^[\])}|&]/.test(own)) out += '\n'
    else if (isWord(out.slice(-1)) && isWord(own[0])) out += ' '
    const next = tokens[i + 1]
    const endsLine = next === undefined || text.slice(next.pos, next.getStart()).includes('\n')
    if (own !== ';' || !endsLine) out += own
  }
  return `${out.replaceAll(/\n\n+/g, '\n').trimStart()}\n`
}

/**
 * The text of declarations in which parameters stand by themselves, as editors show them: `(...args: [x: A, y?: B])` is
 * `(x: A, y?: B)`. An optional parameter's type need not say `undefined`.
 */
const withParameters = (text) => {
  const source = ts.createSourceFile('parameters.d.ts', text, ts.ScriptTarget.ES2022, true)
  const edits = []
  const isUndefined = ({ kind }) => kind === ts.SyntaxKind.UndefinedKeyword
  const walk = (node) => {
    ts.forEachChild(node, walk)
    if (!ts.isParameter(node) || node.type === undefined) return
    const { dotDotDotToken, questionToken, type } = node
    const isLast = (i) => i === type.elements.length - 1
    const stands = (each, i) =>
      (ts.isNamedTupleMember(each) && each.dotDotDotToken === undefined) || (ts.isRestTypeNode(each) && isLast(i))
    if (dotDotDotToken && ts.isTupleTypeNode(type) && type.elements.every(stands)) {
      const rest = type.elements.at(-1)
      edits.push([node.getStart(), type.elements.pos, ''])
      if (rest && ts.isRestTypeNode(rest))
        edits.push([rest.type.getStart(), rest.type.getStart(), `${node.name.text}:`])
      edits.push([type.end - 1, type.end, ''])
    }
    if (questionToken && ts.isUnionTypeNode(type) && isUndefined(type.types.at(-1)))
      edits.push([type.types.at(-2).end, type.end, ''])
  }
  walk(source)
  let [out, at] = ['', 0]
  for (const [start, end, own] of edits.sort(([a], [b]) => a - b)) {
    out += text.slice(at, start) + own
    at = end
  }
  return out + text.slice(at)
}

/** The text of statements in which constants that follow each other are one list, each under its comment. */
const inLists = (text) => {
  const { statements } = ts.createSourceFile('lists.d.ts', text, ts.ScriptTarget.ES2022, true)
  /** Where the first name of constants is; undefined for other statements. */
  const nameAt = (statement) =>
    ts.isVariableStatement(statement) ? statement.declarationList.declarations[0].getStart() : undefined
  let [out, last] = ['', undefined]
  for (const statement of statements) {
    const at = nameAt(statement)
    const words = at && text.slice(statement.getStart(), at)
    const comment = text.slice(statement.pos, statement.getStart())
    out +=
      at !== undefined && words === last
        ? `,${comment}${text.slice(at, statement.end)}`
        : text.slice(statement.pos, statement.end)
    last = words
  }
  return `${out}\n`
}

/** The text of statements, shorter. */
export const short = (text) =>
  inLists(
    tight(
      withParameters(text)
        // Examples, which end a comment: tests run them, and a page shows them.
        .replaceAll(/^ *\* @example\n(?: *\*(?!\/).*\n)*/gm, '')
        // Indentation, and what comments have in front of their lines.
        .replaceAll(/^ +(?:\*(?!\/) ?)?/gm, '')
        .replaceAll(/^\/\*\*\s+/gm, '/**')
        .replaceAll(/\s+\*\/$/gm, '*/'),
    )
      .replaceAll(/(?<=^|\*\/)export declare /gm, 'export ')
      // Options are objects of the caller.
      .replaceAll(/(?<=^|\{|\*\/)readonly (?=\w+\?:)/gm, '')
      // A class may leave out what implements it.
      .replaceAll(/(?<=^|\*\/)(protected )?abstract (?!class\b)/gm, '$1'),
  )

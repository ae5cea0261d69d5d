// What writes minified code by hand: lists in short lines, and which names a program leaves free.
import ts from 'typescript'

/** A list in short lines. */
export const inLines = (list, between = ',') =>
  list.map((each, i) => (i % 16 === 15 ? `\n${each}` : each)).join(between)

/** The names that a program uses or declares, its members aside. */
export const identifiersIn = (text) => {
  const found = new Set()
  const isMember = (node, { parent } = node) =>
    parent.propertyName === node ||
    (parent.name === node &&
      (ts.isPropertyAccessExpression(parent) || ts.isPropertyAssignment(parent) || ts.isClassElement(parent)))
  const walk = (node) => {
    if (ts.isIdentifier(node) && !isMember(node)) found.add(node.text)
    ts.forEachChild(node, walk)
  }
  walk(ts.createSourceFile('body.js', text, ts.ScriptTarget.ES2022, true))
  return found
}

/** Whether a variable of a module may have a name, unlike `var`. */
export const isVariable = (name) => {
  try {
    return Boolean(new Function(`'use strict'; var ${name}`))
  } catch {
    return false
  }
}

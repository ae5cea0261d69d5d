// The name of a class, which reprs, error classes and messages print. A bundler may shorten it, so what is exported
// knows its names; they are given when the first one is asked for, not while a program starts.
let give: (() => void) | null = null

/** Says how the classes of this package get their names. */
export const setClassNames = (fn: () => void): void => void (give = fn)

export function className(type: { readonly name: string }): string {
  give?.()
  give = null
  return type.name
}

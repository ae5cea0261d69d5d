// The names of classes for reprs, error classes and messages. A bundler may shorten them, so the names of exports are
// kept; classes get them on first use, not while a program starts.
let give: (() => void) | null = null

/** Sets the function that gives the classes of this package their names. */
export const setClassNames = (fn: () => void): void => void (give = fn)

export function className(type: { readonly name: string }): string {
  give?.()
  give = null
  return type.name
}

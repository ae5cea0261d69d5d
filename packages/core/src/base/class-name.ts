// The names of classes for reprs, error classes and messages. A bundler may shorten the name of a class, but not the keys
// of an object: a package lists its classes in records, and they get their names on first use, not while a program starts.
const unnamed: Readonly<Record<string, unknown>>[] = []

/** Keeps the names of classes when a bundler shortens them, ours or a user's: `nameClasses({ LeNet5 })`. */
export const nameClasses = (classes: Readonly<Record<string, unknown>>): void => void unnamed.push(classes)

/** A class under the name of the constant that exports it with another type. */
export function named<T extends object>(name: string, type: T): T {
  return Object.defineProperty(type, 'name', { value: name, configurable: true })
}

/** The name of a class, as its package spells it. */
export function className(type: { readonly name: string }): string {
  for (const classes of unnamed.splice(0)) {
    for (const [name, value] of Object.entries(classes)) {
      if (typeof value === 'function' && /^[A-Z]/.test(name)) {
        Object.defineProperty(value, 'name', { value: name, configurable: true })
      }
    }
  }
  return type.name
}

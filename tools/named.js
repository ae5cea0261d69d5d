// What modules of a bundle call to name their classes, because a minifier shortens the names.
export const __named = (types) => {
  for (const name in types) Object.defineProperty(types[name], 'name', { value: name, configurable: true })
}

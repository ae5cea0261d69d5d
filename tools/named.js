// What classes of a bundle call to get their names, because a minifier shortens them.
export const __named = (name, type) => Object.defineProperty(type, 'name', { value: name, configurable: true })

// The key of the symbol by which an object tells Node's console what to print. Other engines ignore it.

export const inspect = 'nodejs.util.inspect.custom'

// Node's larger modules are required: to import 'node:process', 'node:fs' and 'node:v8' takes four milliseconds more, for all
// that they export is made then, the terminal's streams among it.
import { createRequire } from 'node:module'

export const require = createRequire(import.meta.url)

// What is not installed is told from what is there and does not load: only the latter is worth a warning to who asked for
// whatever there is.

/** Node's codes for a module that is not there, of `import` and of `require`. */
const codes: readonly unknown[] = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']

/** Marks an error as that of something that is not installed. */
export const missing = <E extends Error>(error: E): E => Object.assign(error, { code: codes[0] })

/** Whether an error says that something is not installed, be it Node's or one that was marked so. */
export const isMissing = (error: unknown): boolean => codes.includes((error as { code?: unknown } | null)?.code)

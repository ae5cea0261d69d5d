// Distinguishes a package that is not installed from one that is installed but does not load. Only the latter deserves
// a warning to a user who asked for any available device.

/** Node's codes for a missing module, of `import` and of `require`. */
const codes: readonly unknown[] = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']

/** Marks an error as that of something that is not installed. */
export const missing = <E extends Error>(error: E): E => Object.assign(error, { code: codes[0] })

/** Whether an error, Node's or a marked one, says that something is not installed. */
export const isMissing = (error: unknown): boolean => codes.includes((error as { code?: unknown } | null)?.code)

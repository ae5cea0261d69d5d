// PyTorch's warnings, on the engine's console. As in Python, the same text is shown once.

declare const console: { warn(message: string): void } | undefined

const shown = new Set<string>()

/** Shows a warning once: `UserWarning: ...`. */
export function warn(message: string): void {
  if (shown.has(message)) return
  shown.add(message)
  if (typeof console !== 'undefined') console.warn(`UserWarning: ${message}`)
}

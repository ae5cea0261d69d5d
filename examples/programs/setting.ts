// What the programs are run with: where lines go, and `compile`, or a function that leaves a step as it is.

/** Prints values as `console.log` and Python's `print` do, a space between them. */
export type Print = (...values: readonly (string | number)[]) => void

/** Makes a step from a function that takes and returns tensors. */
export type Compile = <Step extends (...tensors: never[]) => unknown>(step: Step) => Step

// The scalar steps, one definition each: the exports of this module are the vocabulary of expressions. If you add one,
// the compiler names the backends that lack it.
export * from './steps/arithmetic.ts'
export * from './steps/functions.ts'
export * from './steps/logic.ts'

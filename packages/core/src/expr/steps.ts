// The scalar steps, one definition each: what is exported here is the vocabulary of expressions. Whoever adds one is told by
// the compiler which backends lack it.
export * from './steps/arithmetic.ts'
export * from './steps/functions.ts'
export * from './steps/logic.ts'

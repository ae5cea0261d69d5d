// The types of arguments that come by position or by name, in one options object at the end. signature.ts reads them.

/** The type of arguments by position, each of which may be the options object that ends them. */
export type Arguments<P extends readonly unknown[], O> = [...{ [K in keyof P]?: P[K] | O }, options?: O]

/**
 * The type of required arguments `P`, with their names separated by spaces, and of the arguments `A` after them, which end
 * in the options: by position, or from any of the required ones on by name in the options.
 */
export type Takes<P extends readonly unknown[], N extends string, A extends readonly unknown[] = []> = Given<
  P,
  Words<N>,
  A,
  Required<A> extends readonly [...unknown[], infer O] ? Exclude<Extract<O, object>, readonly unknown[]> : unknown
>
type Given<P extends readonly unknown[], N, A extends readonly unknown[], O> =
  | [...P, ...A]
  | (P extends readonly [...infer H, infer L]
      ? N extends [...infer M, infer K extends string]
        ? Given<H, M, [options: O & { readonly [k in K]: L }], O & { readonly [k in K]: L }>
        : never
      : never)
type Words<N extends string> = N extends `${infer A} ${infer B}` ? [A, ...Words<B>] : [N]

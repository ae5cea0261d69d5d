// The pictures of the lecture by the names of their files: each is drawn from values that flambeau computes.
import { first } from './first.ts'
import { training } from './training.ts'

export const pictures: Readonly<Record<string, () => string>> = { ...first, ...training }

// The pictures of the lecture by the names of their files: each is drawn from values that flambeau computes.
import { deep } from './deep.ts'
import { families } from './families.ts'
import { first } from './first.ts'
import { fileOf } from './svg.ts'
import { training } from './training.ts'
import { windows } from './windows.ts'

const drawn = { ...first, ...training, ...windows, ...families, ...deep }

/** The text of each file. */
export const pictures: Readonly<Record<string, () => string>> = Object.fromEntries(
  Object.entries(drawn).map(([name, draw]) => [name, () => fileOf(name.replaceAll('-', ' '), draw())]),
)

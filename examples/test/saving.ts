// Saves checkpoints until it is ended, for the tests: `node saving.mjs FOLDER SIZE`. Prints the number of each checkpoint
// once it is saved; every other one replaces the one before it. All elements of a checkpoint are its number.
import { full, io } from 'flambeau'

const [folder, size] = process.argv.slice(2)
const parts = { weights: full([Number(size)], 0), number: 0 }
const checkpoint = new io.Checkpoint(folder, parts, { keep: 2 })
try {
  for (let number = 1; ; number++) {
    parts.weights = full([Number(size)], number)
    parts.number = number
    await checkpoint.save(number >> 1)
    process.stdout.write(`${number}\n`)
  }
} catch (error) {
  console.error(String(error))
  process.exitCode = 2
}

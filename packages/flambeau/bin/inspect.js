#!/usr/bin/env node
// flambeau-inspect FILE: lists what a file of tensors holds.
import { inspect } from 'flambeau/inspect'

const usage = 'flambeau-inspect FILE   lists what a .safetensors, .pt, .npy or .npz file holds'
const [file, ...more] = process.argv.slice(2)
if (file === '--help' || file === '-h') console.log(usage)
else if (file === undefined || more.length > 0 || file.startsWith('--')) {
  console.error(usage)
  process.exitCode = 2
} else {
  try {
    console.log(await inspect(file))
  } catch (error) {
    console.error(`flambeau-inspect: ${error.message.split('\n')[0]}`)
    process.exitCode = 1
  }
}

// The subject's side of a measurement: a process that loads one workload, does steps and times them itself, so that the
// pipe costs nothing. One question per line on stdin, one answer per line on stdout; torch/serve.py implements the same
// protocol. `node serve.js MODULE [ARGUMENT...]`: the module's `load` prepares workloads.
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { answering, type Load, numbersOf, type Question } from './answering.ts'

const { load } = (await import(pathToFileURL(resolve(process.argv[2])).href)) as { load: Load }
const answer = answering(load, {
  now: () => Number(process.hrtime.bigint()) / 1e6,
  peak: () => process.resourceUsage().maxRSS * 1024,
  read: (_, stored) => numbersOf(new Uint8Array(readFileSync(stored.file)).buffer, stored),
  write: writeFileSync,
})
for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as Question))}\n`)

// The command behind `npm start`: runs the examples. Their output goes to the standard output and equals PyTorch's,
// line for line; names of examples, the progress bar and errors go to the standard error.
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { profile, setDevice } from 'flambeau'
import { type Command, readArguments, UsageError, usage } from './arguments.ts'
import { doctor } from './doctor.ts'
import { lessons } from './lessons.ts'
import { servePage } from './page.ts'
import { progress } from './progress.ts'

const runLessons = async ({ names, backend, profile: trace, ...options }: Command): Promise<void> => {
  const device = await useBackend(backend)
  const run = (): void => {
    for (const name of names) {
      const lesson = lessons.find((candidate) => candidate.name === name)
      console.error(`# ${name}, on ${device}`)
      const { print, onEpoch, finish } = progress(name)
      for (const seen of lesson?.run({ ...options, print }) ?? []) onEpoch(seen)
      finish()
    }
  }
  if (trace === undefined) run()
  else profiled(trace, run)
}

/** Runs under the profiler. It opens the file first, so that an unwritable file is reported before the run. */
const profiled = (file: string, run: () => void): void => {
  let trace: number
  try {
    trace = openSync(file, 'w')
  } catch (error) {
    throw new UsageError(`cannot write '${file}': ${(error as Error).message}`)
  }
  const seen = profile(run)
  console.error(seen.table())
  try {
    writeFileSync(trace, seen.chromeTrace())
    closeSync(trace)
  } catch (error) {
    throw new UsageError(`cannot write '${file}': ${(error as Error).message}`)
  }
}

const useBackend = async (backend: string): Promise<string> => {
  try {
    return await setDevice(backend)
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('\n')[0]}; npm start -- doctor says what is there`)
  }
}

/** Serves the page and prints its address, until Ctrl-C. */
const openPage = async (port: number): Promise<void> => {
  try {
    const { address } = await servePage({ port })
    console.log(`The page is at ${address} (Ctrl-C ends it)`)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? 'is in use' : code === 'EACCES' ? 'may not be used here' : undefined
    if (why !== undefined) throw new UsageError(`port ${port} ${why}; npm start -- page --port 0 takes a free one`)
    throw error
  }
}

const main = async (args: readonly string[]): Promise<number> => {
  try {
    const command = readArguments(args)
    if (command.kind === 'help') console.log(usage())
    else if (command.kind === 'doctor') return (await doctor()) ? 0 : 1
    else if (command.kind === 'page') await openPage(command.port)
    else await runLessons(command)
    return 0
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`flambeau: ${error.message} (npm start -- --help)`)
    return 2
  }
}

// A reader that closed the pipe (`npm start | head`) is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  console.error(`flambeau: cannot print: ${error.message}`)
  process.exit(2)
})
process.exitCode = await main(process.argv.slice(2))

// The command behind `npm start`: runs the examples. What they print goes to the standard output and is PyTorch's, line
// for line; names of examples, the progress bar and errors go to the standard error.
import { setDevice } from 'flambeau'
import { type Command, readArguments, UsageError, usage } from './arguments.ts'
import { doctor } from './doctor.ts'
import { lessons } from './lessons.ts'
import { progress } from './progress.ts'

const runLessons = async ({ names, backend, epochs, seed }: Command): Promise<void> => {
  const device = await useBackend(backend)
  for (const name of names) {
    const lesson = lessons.find((candidate) => candidate.name === name)
    console.error(`# ${name}, on ${device}`)
    const { finish, ...reporter } = progress(name)
    lesson?.run({ epochs, seed, ...reporter })
    finish()
  }
}

const useBackend = async (backend: string): Promise<string> => {
  try {
    return await setDevice(backend)
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('\n')[0]}; npm start -- doctor says what is there`)
  }
}

const main = async (args: readonly string[]): Promise<number> => {
  try {
    const command = readArguments(args)
    if (command.kind === 'help') console.log(usage())
    else if (command.kind === 'doctor') return (await doctor()) ? 0 : 1
    else await runLessons(command)
    return 0
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`flambeau: ${error.message} (npm start -- --help)`)
    return 2
  }
}

// A reader that went away (`npm start | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})
process.exitCode = await main(process.argv.slice(2))

// The command behind `npm start`: runs the examples. Their output goes to the standard output and equals PyTorch's,
// line for line; names of examples, the progress bar and errors go to the standard error.
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { deepCopy, profile, setDevice } from 'flambeau'
import { inspect } from 'flambeau/inspect'
import { type Command, readArguments, UsageError, usage } from './arguments.ts'
import { checkWritable, readCheckpoint, writeCheckpoint } from './checkpoint.ts'
import { checkCurves, drawCurves } from './curves.ts'
import { doctor } from './doctor.ts'
import type { ImageSet, Images, Lesson, Text } from './lesson.ts'
import { lessons } from './lessons.ts'
import { servePage } from './page.ts'
import type { Picture } from './pictures.ts'
import { progress } from './progress.ts'
import { type Checkpoint, CheckpointError, type Point } from './run.ts'

/** How much of a training may be lost when the program is ended. */
const SAVE_EVERY_MS = 10_000

const runLessons = async (command: Command): Promise<void> => {
  const device = await useBackend(command.backend)
  const prepared: Prepared[] = []
  for (const name of command.names) prepared.push(await prepare(name, command))
  const trained: (readonly [Prepared, Trained])[] = []
  const begin = (each: Prepared): ReturnType<typeof train> => {
    console.error(`# ${each.name}, on ${device}`)
    return train(each, command)
  }
  if (command.profile === undefined) {
    for (const each of prepared) {
      const training = begin(each)
      let step = training.next()
      for (; !step.done; step = training.next()) await each.save?.(step.value())
      trained.push([each, step.value])
    }
  } else {
    // What is timed is one synchronous function, so that the last state is saved behind it.
    const last = new Map<Prepared, Checkpoint>()
    profiled(command.profile, () => {
      for (const each of prepared) {
        const training = begin(each)
        let step = training.next()
        for (; !step.done; step = training.next()) last.set(each, deepCopy(step.value()))
        trained.push([each, step.value])
      }
    })
    for (const [each, checkpoint] of last) await each.save?.(checkpoint)
  }
  for (const [{ name, title, curves }, { points, pictures }] of trained) {
    if (curves !== undefined) {
      await drawCurves(curves, title, points)
      console.error(`# ${name}: curves in ${curves}`)
    }
    if (pictures.size > 0) {
      const { writePictures } = await import('./draw.ts')
      const files = await writePictures(`pictures/${name}`, title, pictures)
      console.error(`# ${name}: pictures in ${files.join(', ')}`)
    }
  }
}

/** What a lesson shows. */
interface Trained {
  /** The points of its curves. */
  readonly points: readonly Point[]
  readonly pictures: ReadonlyMap<string, Picture>
}

/** A lesson with what it needs to run at once. */
interface Prepared {
  readonly name: string
  readonly title: string
  readonly run: Text
  readonly images: Images | undefined
  /** The file of the curves of a lesson about images. */
  readonly curves: string | undefined
  readonly save: ((checkpoint: Checkpoint) => Promise<void>) | undefined
  readonly resumed: Checkpoint | undefined
}

const prepare = async (
  wanted: string,
  { set, seed, save: file, resume, curves: drawn }: Command,
): Promise<Prepared> => {
  const { name, load, sets } = lessons.find((lesson) => lesson.name === wanted) as Lesson
  const run = await load()
  const data = set ?? sets?.[0]
  const images = data && (await imagesOf(data))
  const title = data === undefined ? name : `${name} on ${data}`
  const curves = data === undefined ? undefined : (drawn ?? `curves/${name}.svg`)
  // What cannot be written is reported before the run.
  if (curves !== undefined) checkCurves(curves)
  if (file === undefined) return { name, title, run, images, curves, save: undefined, resumed: undefined }
  const owner = { lesson: name, data: data ?? null, seed: String(seed) }
  const resumed = resume ? await readCheckpoint(file, owner) : undefined
  const save = (checkpoint: Checkpoint): Promise<void> => writeCheckpoint(file, owner, checkpoint)
  if (resumed === undefined) checkWritable(file)
  console.error(`# ${name}: ${resumed === undefined ? 'saved in' : 'resumes'} ${file}`)
  return { name, title, run, images, curves, save, resumed }
}

const imagesOf = async (set: ImageSet): Promise<Images> => {
  const [{ datasets }, { filesOf }] = await Promise.all([import('@flambeau/vision'), import('@flambeau/data-mnist')])
  return { dataset: datasets[set] as Images['dataset'], root: await filesOf(set) }
}

/** Runs a lesson to its end, and yields what gives its state where that is to be saved. */
function* train(
  prepared: Prepared,
  { epochs, seed, compiled }: Command,
): Generator<() => Checkpoint, Trained, undefined> {
  const { name, run, images, save, resumed } = prepared
  const { print, onStep, finish } = progress(name)
  let points: readonly Point[] = []
  const pictures = new Map<string, Picture>()
  const draw = (name: string, picture: Picture): void => void pictures.set(name, picture)
  let saved = performance.now()
  try {
    for (const seen of run({ epochs, seed, compiled, print, draw, images, checkpoint: resumed }) ?? []) {
      onStep(seen)
      ;({ points } = seen)
      const isDue = seen.done === seen.epochs || performance.now() - saved > SAVE_EVERY_MS
      if (save === undefined || seen.checkpoint === undefined || !isDue) continue
      yield seen.checkpoint
      saved = performance.now()
    }
  } catch (error) {
    if (error instanceof CheckpointError) throw new UsageError(`cannot resume: ${error.message.split('\n')[0]}`)
    throw error
  } finally {
    finish()
  }
  return { points, pictures }
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

const inspected = async (file: string): Promise<string> => {
  try {
    return await inspect(file)
  } catch (error) {
    throw new UsageError((error as Error).message.split('\n')[0])
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
    else if (command.kind === 'inspect') console.log(await inspected(command.file))
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

// Parses the command line, or returns a one-line error.
import { parseArgs } from 'node:util'
import type { ImageSet } from './lesson.ts'
import { lessons, mainJob } from './lessons.ts'

export const backends = ['auto', 'js', 'native', 'wasm', 'gpujs'] as const
export type BackendName = (typeof backends)[number]

/** The data sets of images by the names that the command line has for them. */
const sets: Readonly<Record<string, ImageSet>> = { mnist: 'MNIST', 'fashion-mnist': 'FashionMNIST' }

/** A mistake in the arguments: one line, exit code 2. */
export class UsageError extends Error {}

export interface Command {
  readonly kind: 'run' | 'help' | 'doctor' | 'page' | 'inspect'
  readonly names: readonly string[]
  readonly backend: BackendName
  readonly epochs: number | undefined
  readonly seed: number | bigint
  readonly compiled: boolean
  /** The file for a profile's trace; undefined for no profile. */
  readonly profile: string | undefined
  /** The data set of a lesson about images; undefined for the lesson's own. */
  readonly set: ImageSet | undefined
  /** The file in which the training is saved; undefined for none. */
  readonly save: string | undefined
  /** Whether to go on from the state in that file. */
  readonly resume: boolean
  /** The file to inspect. */
  readonly file: string
  /** The file of the curves; undefined for the lesson's own. */
  readonly curves: string | undefined
  /** The port of the page. */
  readonly port: number
}

/** Commands that replace an example's name; they must stand alone. */
const others = ['page', 'inspect', 'doctor'] as const

const PORT = 8080

const column = (name: string): string => `  ${name.padEnd(18)}`

export const usage = (): string =>
  [
    'npm start                          runs the main job: autograd-basics, boston, breast-cancer, in full',
    'npm start -- NAME... [OPTIONS]     runs some of the examples',
    'npm start -- page [--port N]       the examples in a browser, with their loss curves: prints the address',
    'npm start -- inspect FILE          lists what a file of tensors holds',
    'npm start -- doctor                says what this machine can run',
    '',
    'Examples',
    ...lessons.map(({ name, about }) => `${column(name)}${about}`),
    '',
    'Options',
    `${column('--backend NAME')}${backends.join(', ')}; auto, the default, takes native, else wasm, else js`,
    `${column('--epochs N')}trains for N epochs instead of the full length`,
    `${column('--seed N')}the seed of the initial weights, 0 unless told otherwise`,
    `${column('--no-compile')}runs every training step as it is written; --compile, the default, records and replays it`,
    `${column('--profile FILE')}times every kernel: a table at the end, and a trace for chrome://tracing in FILE`,
    `${column('--data NAME')}${Object.keys(sets).join(' or ')}, for lessons about images`,
    `${column('--save FILE')}saves the training in FILE, NAME.safetensors: every ten seconds, and its end`,
    `${column('--resume')}goes on from what is saved there`,
    `${column('--curves FILE')}where such a lesson draws its curves as SVG, curves/NAME.svg unless told otherwise`,
    `${column('--port N')}where page is served, ${PORT} unless told otherwise; 0: where it is free`,
    `${column('--help')}prints this`,
  ].join('\n')

/** Attaches a negative number to the option before it; parseArgs would take it for another option. */
const bound = (args: readonly string[]): string[] =>
  args.reduce<string[]>((done, arg) => {
    const last = done.at(-1)
    if (/^-\d/.test(arg) && last !== undefined && /^--[a-z-]+$/.test(last)) done[done.length - 1] = `${last}=${arg}`
    else done.push(arg)
    return done
  }, [])

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: bound(args),
      allowPositionals: true,
      options: {
        backend: { type: 'string', default: 'auto' },
        epochs: { type: 'string' },
        seed: { type: 'string', default: '0' },
        compile: { type: 'boolean', default: false },
        'no-compile': { type: 'boolean', default: false },
        profile: { type: 'string' },
        data: { type: 'string' },
        save: { type: 'string' },
        resume: { type: 'boolean', default: false },
        curves: { type: 'string' },
        port: { type: 'string', default: String(PORT) },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message.split('\n')[0])
  }
}

export const readArguments = (args: readonly string[]): Command => {
  const { values, positionals } = parse(args)
  const { save, resume, curves } = values
  // First, because a file behind it reads as a name.
  if (resume && save === undefined) throw new UsageError('--resume goes on from the file of --save, which is missing')
  const known = lessons.map((lesson) => lesson.name)
  const other = others.find((name) => positionals.includes(name))
  const isInspection = positionals[0] === 'inspect'
  if (isInspection && positionals.length !== 2) throw new UsageError('inspect takes one file: inspect FILE')
  const names = isInspection ? ['inspect'] : positionals.length > 0 ? positionals : mainJob
  const unknown = names.find((name) => !known.includes(name) && !others.some((each) => each === name))
  if (unknown !== undefined) {
    throw new UsageError(`unknown example '${unknown}'; there are ${known.join(', ')}, and ${others.join(', ')}`)
  }
  if (other !== undefined && names.length > 1) throw new UsageError(`${other} takes no other name`)
  if (values.compile && values['no-compile']) throw new UsageError('--compile and --no-compile exclude each other')
  const kind = values.help ? 'help' : (other ?? 'run')
  const set = values.data === undefined ? undefined : readSet(values.data)
  for (const [option, value] of Object.entries({ data: set, curves })) {
    if (value !== undefined) checkImages(`--${option}`, names, set)
  }
  if (save !== undefined) checkTraining(names, save)
  return {
    kind,
    names,
    set,
    save,
    resume,
    curves,
    file: positionals[1] ?? '',
    backend: readBackend(values.backend),
    epochs: values.epochs === undefined ? undefined : readEpochs(values.epochs),
    seed: readSeed(values.seed),
    compiled: !values['no-compile'],
    profile: values.profile,
    port: readPort(values.port),
  }
}

const readBackend = (text: string): BackendName => {
  const backend = backends.find((name) => name === text)
  if (backend === undefined) throw new UsageError(`unknown backend '${text}'; there are ${backends.join(', ')}`)
  return backend
}

const readSet = (text: string): ImageSet => {
  if (Object.hasOwn(sets, text)) return sets[text]
  throw new UsageError(`unknown data set '${text}'; there are ${Object.keys(sets).join(', ')}`)
}

/** Throws if an option of lessons about images is used with another lesson, with several, or with a set that it lacks. */
const checkImages = (option: string, names: readonly string[], set: ImageSet | undefined): void => {
  const able = lessons.filter((lesson) => lesson.sets !== undefined).map(({ name }) => name)
  if (names.length > 1) throw new UsageError(`${option} takes one example`)
  const own = lessons.find(({ name }) => name === names[0])?.sets
  if (own === undefined) throw new UsageError(`${option} is for ${able.join(', ')}`)
  if (set === undefined || own.includes(set)) return
  const known = Object.entries(sets).filter(([, each]) => own.includes(each))
  throw new UsageError(`${names[0]} trains on ${known.map(([name]) => name).join(' or ')}`)
}

/** Throws if the examples are not one training that can be saved, or the file says another format. */
const checkTraining = (names: readonly string[], file: string): void => {
  if (names.length > 1) throw new UsageError('--save takes one example')
  const able = lessons.filter(({ isTraining }) => isTraining).map(({ name }) => name)
  if (!able.includes(names[0])) throw new UsageError(`--save is for ${able.join(', ')}`)
  if (!file.endsWith('.safetensors'))
    throw new UsageError(`--save takes a file whose name ends with .safetensors, not '${file}'`)
}

const readEpochs = (text: string): number => {
  const epochs = Number(text)
  if (!/^\d+$/.test(text) || epochs === 0 || !Number.isSafeInteger(epochs)) {
    throw new UsageError(`--epochs takes a whole number from 1, not '${text}'`)
  }
  return epochs
}

const readPort = (text: string): number => {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new UsageError(`--port takes a whole number from 0 to 65535, not '${text}'`)
  }
  return Number(text)
}

const readSeed = (text: string): number | bigint => {
  const seed = /^-?\d+$/.test(text) ? BigInt(text) : undefined
  if (seed === undefined || seed < -(2n ** 63n) || seed >= 2n ** 64n) {
    throw new UsageError(`--seed takes a whole number from -2^63 to 2^64 - 1, not '${text}'`)
  }
  return Number.isSafeInteger(Number(seed)) ? Number(seed) : seed
}

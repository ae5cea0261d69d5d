// Threads that read and decode pictures ahead, in Node. They start when they are first needed, and do not keep a program
// alive that has nothing else to do.
import { Worker } from 'node:worker_threads'
import { RuntimeError } from '@flambeau/core'
import { decodePicture } from './decode.ts'
import { readFileNow } from './files-node.ts'
import { type ByteMode, gone, Image, type PlainMode } from './image.ts'

export interface Request {
  readonly id: number
  readonly path: string
  readonly mode: ByteMode & PlainMode
}
export interface Answer {
  readonly id: number
  readonly image?: Pick<Image, 'width' | 'height' | 'mode' | 'data'>
  /** The text of an error. */
  readonly error?: string
}

interface Task {
  readonly request: Request
  readonly done: (image: Image) => void
  readonly failed: (error: unknown) => void
}
interface Thread {
  readonly worker: Worker
  readonly tasks: Map<number, Task>
}

const script = {
  // Beside this file; sources run as TypeScript.
  url: new URL(`./decode-worker-node.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
}
/** Where the threads' program is, for tests, which run on sources. */
export const setScript = (url: URL): void => void (script.url = url)

const threads: Thread[] = []
let next = 0
/** Whether threads cannot run here: their program is not beside this file, as in a bundle. */
let isAlone = false

/** Reads and decodes a picture. */
export function decodeFile({ path, mode }: Request): Image {
  const bytes = readFileNow(path)
  if (bytes === undefined) throw gone(path)
  return decodePicture(bytes, path, mode)
}
const settleHere = ({ request, done, failed }: Task): void => {
  try {
    done(decodeFile(request))
  } catch (error) {
    failed(error)
  }
}

function start(): Thread {
  const thread: Thread = { worker: new Worker(script.url), tasks: new Map() }
  const { worker, tasks } = thread
  worker.on('message', ({ id, image, error }: Answer) => {
    const task = tasks.get(id) as Task
    tasks.delete(id)
    if (tasks.size === 0) worker.unref()
    if (image !== undefined) task.done(new Image(image.width, image.height, image.mode, image.data))
    else task.failed(new RuntimeError(error ?? ''))
  })
  worker.on('error', (error: Error) => {
    threads.splice(threads.indexOf(thread), 1)
    if (!isAlone) console.warn(`flambeau: pictures are decoded without threads, which cannot start: ${error.message}`)
    isAlone = true
    for (const task of tasks.values()) settleHere(task)
  })
  worker.unref()
  threads.push(thread)
  return thread
}

/** Reads and decodes a picture in one of at most `workers` threads. */
export const decodeAhead = (path: string, mode: ByteMode & PlainMode, workers: number): Promise<Image> =>
  new Promise((done, failed) => {
    const task = { request: { id: next++, path, mode }, done, failed }
    if (isAlone) {
      settleHere(task)
      return
    }
    const idle = threads.find(({ tasks }) => tasks.size === 0)
    const thread =
      idle ?? (threads.length < workers ? start() : threads.reduce((a, b) => (a.tasks.size <= b.tasks.size ? a : b)))
    thread.tasks.set(task.request.id, task)
    thread.worker.ref()
    thread.worker.postMessage(task.request)
  })

// A thread that reads and decodes pictures: it gets paths, and answers with pixels or with the error as text.
import { readFileSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { decodePicture } from './decode.ts'
import type { Answer, Request } from './pool-node.ts'

parentPort?.on('message', ({ id, path, mode }: Request) => {
  let answer: Answer
  try {
    const { width, height, mode: own, data } = decodePicture(readFileSync(path), path, mode)
    answer = { id, image: { width, height, mode: own, data } }
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    answer = { id, error: { message, code } }
  }
  const buffer = answer.image?.data.buffer
  parentPort?.postMessage(answer, buffer instanceof ArrayBuffer ? [buffer] : [])
})

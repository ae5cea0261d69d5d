// A thread that reads and decodes pictures: it gets paths, and answers with pixels or with the text of an error.
import { parentPort } from 'node:worker_threads'
import { type Answer, decodeFile, type Request } from './pool-node.ts'

parentPort?.on('message', (request: Request) => {
  const { id } = request
  let answer: Answer
  try {
    const { width, height, mode, data } = decodeFile(request)
    answer = { id, image: { width, height, mode, data } }
  } catch (error) {
    answer = { id, error: (error as Error).message }
  }
  const buffer = answer.image?.data.buffer
  parentPort?.postMessage(answer, buffer instanceof ArrayBuffer ? [buffer] : [])
})

// The subject's side in a browser: a worker that asks the server for questions and sends the answers (serve.ts), where
// `subject` is the module that prepares workloads.
import { answering, type Load, numbersOf, type Question } from '../src/answering.ts'
// @ts-expect-error the bundle replaces it
import { load } from 'subject'

const send = (path: string, body: string | Float32Array<ArrayBuffer>): Promise<Response> =>
  fetch(path, { method: 'POST', body })

const answer = answering(load as Load, {
  now: () => performance.now(),
  read: async (name, stored) => numbersOf(await (await fetch(`/inputs/${name}`)).arrayBuffer(), stored),
  write: (name, elements) =>
    send(`/results/${name.slice(name.lastIndexOf('.') + 1)}`, elements as Float32Array<ArrayBuffer>),
})
for (;;) {
  const question = (await (await fetch('/question')).json()) as Question
  await send('/answer', JSON.stringify(await answer(question)))
}

// Wrong arguments of the asynchronous functions, with the values of tools/test/door.ts: each is refused with an error of
// flambeau that names the argument.
import { io, load, save, tensor } from '@flambeau/core'
import { expect, it } from 'vitest'
import { Trap } from '../../../../tools/test/door.ts'
import { house } from '../doors.ts'

const x = { x: tensor(1) }
const bytes = await save(x)

interface Place {
  readonly name: string
  /** Values that are right there. */
  readonly takes: RegExp
  call(value: unknown): Promise<unknown>
}
const option = (name: string, takes: RegExp, call: (options: never) => Promise<unknown>): Place => ({
  name,
  takes,
  call: (value) => call({ [name]: value } as never),
})
const absent = /^undefined$/
const opening = (call: (options: never) => Promise<unknown>): Place[] => [
  option('onProgress', /^(undefined|a function)$/, call),
  option('signal', absent, call),
  // Zero bytes are too few for the tensor, which is another error.
  option('maxBytes', /^(undefined|NaN|Infinity|0\.5|2 \*\* 53|1e99)$/, call),
]
const places: readonly Place[] = [
  { name: 'target', takes: absent, call: (value) => save(x, value as never) },
  option('format', absent, (options) => save(x, undefined, options)),
  option('dtype', absent, (options) => save(x, undefined, options)),
  option('metadata', /^(undefined|\{\}|an object without a prototype|a proxy that throws)$/, (options) =>
    save(x, undefined, options),
  ),
  { name: 'source', takes: /^$/, call: (value) => load(value as never) },
  { name: 'source', takes: /^$/, call: (value) => io.list(value as never) },
  ...opening((options) => load(bytes, options)),
  ...opening((options) => io.list(bytes, options)),
  option('device', absent, (options) => load(bytes, options)),
  option('dtype', absent, (options) => load(bytes, options)),
  option('only', /^(undefined|\[\]|a function|'x')$/, (options) => load(bytes, options)),
  { name: 'folder', takes: /^'.+'$/, call: async (value) => new io.Checkpoint(value as never, {}) },
  {
    name: 'parts',
    takes: /^(\{\}|an object without a prototype|an unknown option|a proxy that throws)$/,
    call: async (value) => new io.Checkpoint('x', value as never),
  },
  option('keep', /^(undefined|null)$/, async (options) => new io.Checkpoint('x', {}, options)),
  { name: 'step', takes: /^$/, call: (value) => new io.Checkpoint('/dev/null/x', {}).save(value as never) },
  {
    name: 'step',
    takes: /^(undefined|\{\}|an object without a prototype)$/,
    call: (value) => new io.Checkpoint('/nowhere', {}).load(value as never),
  },
]

it.each(places)('$name refuses wrong values', async ({ name, takes, call }) => {
  const faults: string[] = []
  const snake = name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)
  for (const { name: of, value } of house.wrong) {
    const given = value()
    const error = await call(given).then(
      () => null,
      (reason: unknown) => reason as Error,
    )
    if (error instanceof Trap) continue
    if (error === null) {
      if (!takes.test(of)) faults.push(`${of}: is taken`)
    } else if (!house.isOurs(error)) faults.push(`${of}: ${error}`)
    else if (typeof given !== 'string' && ![name, snake, 'bytes: '].some((word) => error.message.includes(word)))
      faults.push(`${of}: does not name it: ${error.message}`)
  }
  expect(faults).toEqual([])
})

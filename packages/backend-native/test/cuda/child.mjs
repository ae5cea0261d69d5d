// Runs a case in a process of its own, because a driver is opened once; prints what it gives or the error.
import { native } from '../../dist/index.js'
import { empty, scope, tensor, useDevice } from 'flambeau'

const cases = {
  open: async (device) => {
    useDevice(await native({ device }))
    return tensor([1, 2, 3]).mul(2).tolist()
  },
  // More memory than the device has, and then less.
  memory: async (device) => {
    const backend = await native({ device })
    useDevice(backend)
    const held = []
    let message = ''
    try {
      for (let i = 0; i < 64; i++) held.push(tensor(new Float32Array(1 << 20)))
    } catch (error) {
      message = error.message
    }
    held.length = 0
    return [
      message,
      tensor(new Float32Array(1 << 20))
        .sum()
        .item(),
    ]
  },
  // Garbage of a synchronous loop is found in it: 64 MB through a device of 16.
  loop: async (device) => {
    useDevice(await native({ device }))
    const x = tensor(new Float32Array(1 << 14))
    let y = x
    for (let i = 0; i < 1000; i++) y = x.add(i)
    return y.max().item()
  },
  scope: async (device) => {
    const backend = await native({ device })
    useDevice(backend)
    const before = backend.memory().bytes
    scope(() =>
      tensor(new Float32Array(1 << 18))
        .add(1)
        .sum()
        .item(),
    )
    return backend.memory().bytes - before
  },
  // Memory that was given back goes to the driver only when the launches that use it have run.
  trim: async (device) => {
    useDevice(await native({ device }))
    const x = tensor(new Float32Array(1 << 20))
    scope(() => void x.add(1))
    return [empty(10 << 18).numel(), x.sum().item()]
  },
  // A failed instruction writes nothing, and the next ones go on.
  index: async (device) => {
    useDevice(await native({ device }))
    const x = tensor([1, 2, 3])
    const messages = []
    try {
      x.indexSelect(0, tensor([5], { dtype: 'int32' })).tolist()
    } catch (error) {
      messages.push(error.message)
    }
    return [...messages, x.tolist()]
  },
}

const [name, device] = process.argv.slice(2)
try {
  console.log(JSON.stringify({ result: await cases[name](device) }))
} catch (error) {
  console.log(JSON.stringify({ error: error.message }))
}
process.exit(0)

// Runs a case in a process of its own, because a driver is opened once; prints what it gives or the error.
import { native } from '../../dist/index.js'
import { arange, compile, cuda, empty, full, noGrad, profile, randn, scope, tensor, useDevice, zeros } from 'flambeau'

/** What a function returns, or the first line of its error. */
const sentence = (act) => {
  try {
    return act()
  } catch (error) {
    return error.message.split('\n')[0]
  }
}

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
  peers: async () => {
    useDevice(await native({ device: 'cuda' }))
    const x = arange(6, { dtype: 'float32' }).reshape([3, 2])
    x.requiresGrad_()
    let reads = 0
    const backend = await native({ device: 'cuda' })
    const read = backend.readSync
    backend.readSync = (view) => {
      reads++
      return read.call(backend, view)
    }
    const there = x.to('cuda:1').mul(2)
    const back = there.to('cuda')
    back.sum().div(2).backward()
    const seen = reads
    const [mixed, absent] = [() => x.add(there), () => x.to('cuda:2')].map(sentence)
    return {
      devices: [x.device, there.device, back.device],
      values: back.detach().tolist(),
      grad: [...x.grad.toArray()],
      turned: [...there.detach().t().to('cuda:0').toArray()],
      reads: seen,
      mixed,
      absent,
    }
  },
  // A failure on one device is thrown by a copy from it; programs of both devices in turn.
  'peers-programs': async () => {
    useDevice(await native({ device: 'cuda' }))
    const wrong = zeros(3).gather(0, tensor([9], { dtype: 'int32' }))
    const failure = sentence(() => wrong.to('cuda:1'))
    const steps = ['cuda:0', 'cuda:1'].map((device) => {
      const w = full([4], 2, { device })
      const step = compile((x) => noGrad(() => w.mul_(0.5).add_(x)).sum())
      return [device, w, step]
    })
    const sums = []
    for (let i = 0; i < 5; i++)
      for (const [device, , step] of steps) {
        cuda.setDevice(device)
        sums.push(step(full([4], i, { device })).item())
      }
    return { failure, sums, devices: steps.map(([, w]) => w.device) }
  },
  // Copies of memory that is freed, taken again and written at once, by work that ends before anybody waits for them.
  'peers-order': async () => {
    useDevice(await native({ device: 'cuda' }))
    const sums = []
    for (let i = 0; i < 12; i++) {
      // Nobody has waited for what is copied, either.
      sums.push(
        full([1 << 10], i)
          .add(1)
          .to('cuda:1')
          .mean()
          .item() - 1,
      )
      const x = full([1 << 16], i)
      const there = x.to('cuda:1')
      x.dispose()
      const again = full([1 << 16], -1)
      const read = again.select(0, 0).item()
      sums.push(there.mean().item() + read + 1)
      again.dispose()
      there.dispose()
    }
    return sums.every((sum, i) => sum === i >> 1)
  },
  // Garbage of two devices at once, which each of them looks for in the middle of its own work and when a step is recorded.
  'peers-garbage': async () => {
    useDevice(await native({ device: 'cuda' }))
    const devices = ['cuda:0', 'cuda:1']
    for (let i = 0; i < 2000; i++) for (const device of devices) empty([1 << 14], { device })
    const sums = devices.map((device) => {
      cuda.setDevice(device)
      return compile(() => full([4], 2).sum())().item()
    })
    cuda.emptyCache()
    return { sums, held: devices.map((device) => cuda.memoryAllocated(device)) }
  },
  queries: async () => {
    const ask = [
      () => cuda.isAvailable(),
      () => cuda.deviceCount(),
      () => cuda.currentDevice(),
      () => cuda.getDeviceName(),
      () => cuda.memoryAllocated(),
      () => cuda.maxMemoryAllocated(),
    ]
    const before = ask.map(sentence)
    useDevice(await native({ device: 'cuda' }))
    const x = zeros([1 << 20])
    const y = cuda.memoryAllocated()
    scope(() => void x.add(1))
    cuda.synchronize()
    const reserved = cuda.memoryReserved()
    const most = cuda.maxMemoryAllocated()
    cuda.emptyCache()
    const [free, total] = cuda.memGetInfo()
    cuda.resetPeakMemoryStats()
    const [fewer, lower] = [cuda.memoryReserved() < reserved, cuda.maxMemoryAllocated() < most]
    const after = {
      there: [
        cuda.isAvailable(),
        cuda.deviceCount(),
        cuda.currentDevice(),
        cuda.getDeviceCapability(),
        x.device,
        x.add(1).getDevice() + 1,
      ],
      name: /\w/.test(cuda.getDeviceName(1)),
      allocated: [y >= 4 << 20, reserved >= y + (4 << 20), most >= y + (4 << 20), lower],
      emptied: fewer,
      info: [free > 0 && free <= total - (4 << 20), total],
      peak: cuda.maxMemoryReserved('cuda:0') >= cuda.maxMemoryAllocated(0),
      absent: sentence(() => cuda.getDeviceName(7)),
    }
    cuda.setDevice(1)
    after.second = [cuda.currentDevice(), zeros(1).device, zeros(1).getDevice()]
    return { before, after }
  },
  profile: async () => {
    useDevice(await native({ device: 'cuda' }))
    const x = randn(8, 8)
    const seen = profile(() => {
      for (let i = 0; i < 80; i++) x.matmul(x).relu().sum().item()
    })
    const timed = seen.events.filter(({ deviceDuration }) => deviceDuration >= 0)
    return {
      table: seen.table(),
      events: seen.events.length === 320 && timed.length === seen.events.length,
      trace: JSON.parse(seen.chromeTrace()).traceEvents.some(({ args }) => args.deviceDuration > 0),
    }
  },
  blas: async (blas) => {
    const backend = await native({ device: 'cuda', blas })
    return backend.report().blas
  },
  // A product by a BLAS after a failure: eager, and in a program, into memory from before.
  'blas-failure': async (blas) => {
    useDevice(await native({ device: 'cuda', blas }))
    const [x, kept] = [
      tensor([
        [1, 2],
        [3, 4],
      ]),
      tensor([
        [1, 2],
        [3, 4],
      ]),
    ]
    const [table, index] = [tensor([0, 0, 0]), tensor([9], { dtype: 'int32' })]
    const values = () => kept.reshape([4]).tolist()
    const seen = []
    try {
      table.gather(0, index)
      kept.copy_(x.matmul(x))
      values()
    } catch (error) {
      seen.push(error.message.split('\n')[0])
    }
    seen.push(values())
    const step = compile(() =>
      noGrad(() => {
        const y = table.gather(0, index).sum()
        kept.copy_(x.matmul(x))
        return y
      }),
    )
    index.fill_(0)
    for (let i = 0; i < 4; i++) step()
    seen.push(values())
    kept.fill_(5)
    index.fill_(9)
    try {
      step()
    } catch {
      seen.push(values())
    }
    return seen
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

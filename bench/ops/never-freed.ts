// A synchronous loop of eager operations whose results are never freed, 10 GB in all (or as many as the argument says): the
// processor time of an operation in the second half, and the resident memory after each tenth. On wasm also without sweeps,
// as in engines that have none. One device in a process: `node dist/ops/never-freed.js DEVICE [ELEMENTS] [GB]`; without one,
// all.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { randn, setDevice } from 'flambeau'

const [named, length = '1048576', gigabytes = '10'] = process.argv.slice(2)
const devices = ['js', 'native', 'wasm', 'wasm-unswept']

/** Processor time of all threads, in microseconds. */
const busy = (): number => {
  const { user, system } = process.cpuUsage()
  return user + system
}

async function run(device: string): Promise<void> {
  await setDevice(device.replace('-unswept', ''))
  // Without it, flambeau finds no way to ask for collections.
  if (device.endsWith('-unswept')) Object.assign(process, { getBuiltinModule: undefined })
  const x = randn(Number(length))
  const times = Math.ceil((Number(gigabytes) * 2 ** 30) / (6 * 4 * Number(length)))
  const resident: string[] = []
  let middle = 0
  for (let i = 0; i < times; i++) {
    if (i === times >> 1) middle = busy()
    x.mul(1.5).add(0.5).mul(x).add(0.25).relu().mul(x)
    if (i + 1 === Math.ceil((times * (resident.length + 1)) / 10))
      resident.push((process.memoryUsage().rss / 1e6).toFixed(0))
  }
  const each = (busy() - middle) / (6 * (times - (times >> 1)))
  console.log(
    `${device}, ${length} elements: ${each.toFixed(0)} µs an operation; resident MB after each tenth: ${resident.join(' ')}`,
  )
}

if (named !== undefined) await run(named)
else
  for (const n of ['1048576', '16384'])
    for (const device of devices)
      spawnSync(process.execPath, [fileURLToPath(import.meta.url), device, n], { stdio: 'inherit' })

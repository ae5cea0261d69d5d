import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { save } from 'flambeau'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { writeCheckpoint } from '../src/checkpoint.ts'
import { lenet5 } from '../src/lenet5/index.ts'
import { lessons } from '../src/lessons.ts'
import type { Checkpoint } from '../src/run.ts'
import { bundle, bundleFolder } from './bundle.ts'
import { imagesOf } from './images.ts'
import { transcripts } from './transcripts.ts'

vi.setConfig({ testTimeout: 60_000 })

const folder = bundleFolder()
let program = ''

// The command in a process of its own.
beforeAll(async () => {
  program = await bundle(folder, 'main.ts', 'esm')
})
afterAll(() => rmSync(folder, { recursive: true }))

const run = (args: string[], nodeArgs: string[] = []) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeArgs, program, ...args], { encoding: 'utf8' })
  return { status, lines: stdout.split('\n').slice(0, -1), stderr, errors: stderr.split('\n').slice(0, -1) }
}

const terminal = ['--import', 'data:text/javascript,process.stdout.isTTY=true;process.stderr.isTTY=true']

describe('npm start', () => {
  it('runs one example with options, and prints PyTorch’s lines only', () => {
    const { status, lines, errors } = run(['boston', '--backend', 'js', '--epochs', '100', '--seed', '42'])
    const transcript = transcripts('boston').find(({ seed }) => seed === 42)
    expect(status).toBe(0)
    expect(lines).toEqual(transcript?.lines.slice(0, 1))
    expect(errors).toEqual(['# boston, on js'])
  })

  it('uses the seed: another seed prints another line', () => {
    const line = (seed: string) => run(['boston', '--epochs', '1', '--seed', seed]).lines[0]
    expect(line('0')).toMatch(/^Epoch 1: loss=5\.9241e\+02$/)
    expect(line('1')).not.toBe(line('0'))
    expect(line('18446744073709551615')).toBe(line('4294967295'))
    for (const negative of [['--seed=-1'], ['--seed', '-1']])
      expect(run(['boston', '--epochs', '1', ...negative]).lines).toEqual([line('4294967295')])
  })

  it('runs the main job by default', () => {
    const { status, lines, errors } = run(['--epochs', '20'])
    expect(status).toBe(0)
    expect(errors).toEqual(['# autograd-basics, on js', '# boston, on js', '# breast-cancer, on js'])
    expect(lines.slice(0, 3)).toEqual([
      'tensor(3.5000, requires_grad=True)',
      'tensor(1.8750, grad_fn=<MulBackward0>)',
      'tensor(5.7500)',
    ])
    expect(lines.filter((line) => /^Epoch 20: loss=\d\.\d{4}e[+-]\d\d$/.test(line))).toHaveLength(2)
    expect(lines.at(-1)).toBe('[569 rows x 2 columns]')
  })

  it('shows a progress bar on a terminal, none when piped', () => {
    const args = ['boston', '--epochs', '50000']
    const piped = run(args)
    const shown = run(args, terminal)
    expect(shown.lines).toEqual(piped.lines)
    expect(shown.stderr).toMatch(/boston [=-]+ +\d+\/50000 epochs/)
    // Terminal settings would persist after Ctrl-C.
    expect(shown.stderr).not.toContain('\x1b[?')
    expect(piped.errors).toEqual(['# boston, on js'])
  })

  it('prints the same lines with and without compile', () => {
    const args = ['boston', 'breast-cancer', 'shallow-network', '--epochs', '40']
    const { status, lines } = run(args)
    expect(status).toBe(0)
    expect(lines.length).toBeGreaterThan(40)
    expect(run([...args, '--compile']).lines).toEqual(lines)
    expect(run([...args, '--no-compile']).lines).toEqual(lines)
  })

  it('profiles: prints the same lines and a table, and writes a trace to a file', () => {
    const trace = join(folder, 'trace.json')
    const args = ['boston', '--epochs', '30']
    const { status, lines, stderr } = run([...args, '--profile', trace])
    expect(status).toBe(0)
    expect(lines).toEqual(run(args).lines)
    expect(stderr).toMatch(/Name +Self CPU %[\s\S]*\n +addmm [\s\S]*\nSelf CPU time total: /)
    const { traceEvents } = JSON.parse(readFileSync(trace, 'utf8'))
    expect(traceEvents.filter(({ name }: { name: string }) => name === 'addmm')).toHaveLength(30)
  })

  it.skipIf(!existsSync('/dev/full'))('reports a full disk in one line', () => {
    const { status, lines, errors } = run(['boston', '--epochs', '1', '--profile', '/dev/full'])
    expect({ status, lines: lines.length }).toEqual({ status: 2, lines: 1 })
    expect(errors.at(-1)).toMatch(/^flambeau: cannot write '\/dev\/full': ENOSPC: no space left on device, write/)
    expect(errors.some((line) => line.startsWith('Self CPU time total: '))).toBe(true)
    const stdout = openSync('/dev/full', 'w')
    const printed = spawnSync(process.execPath, [program, '--help'], {
      stdio: ['ignore', stdout, 'pipe'],
      encoding: 'utf8',
    })
    closeSync(stdout)
    expect(printed.stderr).toBe('flambeau: cannot print: ENOSPC: no space left on device, write\n')
    expect(printed.status).toBe(2)
  })

  it('resumes a training about images, and draws its curves', async () => {
    const [file, svg] = [join(folder, 'lenet5.safetensors'), join(folder, 'drawn', 'lenet5.svg')]
    const images = imagesOf('MNIST', { train: 100, test: 10 })
    const { value } = lenet5({ images, print: () => {} }).next()
    const points = [{ name: 'training', epoch: 1, loss: 1, accuracy: 0.5 }]
    // At the end of the only epoch, so that only the test part is left.
    const checkpoint = { ...(value?.checkpoint?.() as Checkpoint), epoch: 2, passes: [], pass: null, points }
    const owner = { lesson: 'lenet5', data: 'MNIST', seed: '0' }
    const args = ['lenet5', '--epochs', '1', '--save', file, '--resume', '--curves', svg]
    await writeCheckpoint(file, owner, checkpoint)
    const { status, lines, errors } = run(args)
    expect({ status, errors }).toEqual({
      status: 0,
      errors: [`# lenet5: resumes ${file}`, '# lenet5, on js', `# lenet5: curves in ${svg}`],
    })
    expect(lines.at(-1)).toMatch(/^Test accuracy: 0\.\d{4}$/)
    expect(readFileSync(svg, 'utf8')).toMatch(/^<svg[\s\S]*accuracy[\s\S]*lenet5 on MNIST[\s\S]*<\/svg>$/)

    expect(readdirSync(folder).filter((name) => name.startsWith('lenet5.'))).toEqual(['lenet5.safetensors'])
    const bytes = readFileSync(file)
    const refused = (content: Uint8Array, more: string[], message: string) => {
      writeFileSync(file, content)
      const { status, lines, errors } = run([...args, ...more])
      expect({ status, lines, errors }).toEqual({
        status: 2,
        lines: [],
        errors: [expect.stringMatching(message)],
      })
      expect(readFileSync(file).equals(content)).toBe(true)
    }
    refused(bytes.subarray(0, bytes.length / 2), [], `^flambeau: cannot resume: ${file}: .* but the file has `)
    refused(Buffer.from('[]'), [], `^flambeau: cannot resume: ${file}: is not a file of tensors`)
    refused(Buffer.from(await save({})), [], 'is no training of a lesson: name another file')
    refused(bytes, ['--seed', '1'], 'is a training of seed 0, not 1: name another file')
    refused(bytes, ['--data', 'fashion-mnist'], 'is a training of data MNIST, not FashionMNIST: name another file')
  })

  it('saves a training, which goes on to the last digit, and inspects its file', async () => {
    const file = join(folder, 'boston.safetensors')
    const train = (epochs: number, ...more: string[]) => run(['boston', '--epochs', String(epochs), ...more])
    expect(train(100, '--save', file, '--resume').errors).toEqual([`# boston: saved in ${file}`, '# boston, on js'])
    const resumed = train(200, '--save', file, '--resume')
    expect(resumed.errors).toEqual([`# boston: resumes ${file}`, '# boston, on js'])
    expect(resumed.lines).toEqual(train(200).lines.slice(1))
    expect(train(200, '--save', file, '--resume').errors.at(-1)).toBe(
      'flambeau: cannot resume: it has 200 epochs already; --epochs N trains for N (npm start -- --help)',
    )
    const { status, lines } = run(['inspect', file])
    expect(status).toBe(0)
    expect(lines.slice(0, 4)).toEqual([
      expect.stringMatching(/^name +dtype +shape +bytes +offset$/),
      expect.stringMatching(/^model\.weight +F32 +\[1, 13\] +52 +[\d,]+$/),
      expect.stringMatching(/^model\.bias +F32 +\[1\] +4 +[\d,]+$/),
      '',
    ])
    expect(lines[4]).toMatch(/^safetensors, [\d,]+ bytes: 2 tensors, 14 numbers$/)
    const own = await bundle(mkdtempSync(join(folder, 'inspect-')), '../../packages/flambeau/bin/inspect.js', 'esm')
    const inspect = (...args: string[]) => spawnSync(process.execPath, [own, ...args], { encoding: 'utf8' })
    expect(inspect(file)).toMatchObject({ status: 0, stdout: `${lines.join('\n')}\n` })
    expect(inspect(`${file}.pt`)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^flambeau-inspect: .*No such file.*\n$/),
    })
    expect(inspect()).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('flambeau-inspect FILE') })
    const profiled = join(folder, 'profiled.safetensors')
    run(['boston', '--epochs', '200', '--save', profiled, '--profile', join(folder, 'saved.json')])
    expect(readFileSync(profiled).equals(readFileSync(file))).toBe(true)
    expect(run(['inspect', join(folder, 'nowhere.pt')]).errors[0]).toMatch(
      /^flambeau: \[Errno 2\] No such file or directory: '.*nowhere\.pt'/,
    )
  })

  it('lists examples and options', () => {
    for (const flag of ['--help', '-h']) {
      const { status, lines, stderr } = run([flag])
      expect(status).toBe(0)
      expect(stderr).toBe('')
      for (const { name } of lessons) expect(lines.some((line) => line.includes(name))).toBe(true)
      for (const option of [
        '--backend',
        '--epochs',
        '--seed',
        '--compile',
        '--no-compile',
        '--profile',
        '--help',
        '--port',
        '--data',
        '--save',
        '--resume',
        'inspect',
        '--curves',
        'doctor',
        'page',
      ]) {
        expect(lines.some((line) => line.includes(option))).toBe(true)
      }
    }
  })

  it('reports a port in use in one line', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const { status, lines, errors } = run(['page', '--port', String(port)])
    server.close()
    expect({ status, lines }).toEqual({ status: 2, lines: [] })
    expect(errors).toEqual([
      `flambeau: port ${port} is in use; npm start -- page --port 0 takes a free one (npm start -- --help)`,
    ])
  })

  it('says what this machine can run', () => {
    const { status, lines } = run(['doctor'])
    expect(status).toBe(0)
    expect(lines.find((line) => line.includes(`Node ${process.versions.node}`))).toMatch(/ready$/)
    expect(lines.find((line) => /^. js /.test(line))).toMatch(/ready$/)
    expect(lines.find((line) => /^– native /.test(line))).toMatch(
      / {2}not installed; npm start -- boston --backend native/,
    )
    expect(lines.filter((line) => /^– gpujs \w+ +not installed$/.test(line))).toHaveLength(4)
    expect(lines.at(-1)).toBe('The examples can run here.')
  })

  it.each([
    [
      ['bostn'],
      `unknown example 'bostn'; there are ${lessons.map(({ name }) => name).join(', ')}, and page, inspect, doctor`,
    ],
    [['boston', '--backend', 'cuda'], "unknown backend 'cuda'"],
    [['boston', '--backend', 'native'], "'native' is not installed"],
    [['boston', '--epochs', 'many'], "--epochs takes a whole number from 1, not 'many'"],
    [['boston', '--epochs', '0'], '--epochs takes'],
    [['boston', '--epochs=-3'], '--epochs takes'],
    [['boston', '--epochs', '-1'], "--epochs takes a whole number from 1, not '-1'"],
    [['boston', '--backend', '-1'], "unknown backend '-1'"],
    [['boston', '--port', '-1'], "--port takes a whole number from 0 to 65535, not '-1'"],
    [['boston', '--epochs', '1.5'], '--epochs takes'],
    [['boston', '--seed', 'x'], '--seed takes'],
    [['boston', '--seed', '18446744073709551616'], '--seed takes'],
    [['boston', '--seed'], "Option '--seed <value>' argument missing"],
    [['boston', '--compile', '--no-compile'], '--compile and --no-compile exclude each other'],
    [['boston', '--profile', '/nowhere/trace.json'], "cannot write '/nowhere/trace.json': ENOENT"],
    [['shallow-network', '--save', 'a.safetensors'], '--save is for boston, breast-cancer, lenet5'],
    [['lenet5', 'boston', '--save', 'a.safetensors'], '--save takes one example'],
    [['boston', '--save', 'a.json'], "--save takes a file whose name ends with .safetensors, not 'a.json'"],
    [['boston', '--resume'], '--resume goes on from the file of --save, which is missing'],
    [['boston', '--resume', 'b.safetensors'], '--resume goes on from the file of --save, which is missing'],
    [['inspect'], 'inspect takes one file: inspect FILE'],
    [['inspect', 'a.pt', 'b.pt'], 'inspect takes one file'],
    [['lenet5', 'boston', '--curves', 'a.svg'], '--curves takes one example'],
    [['lenet5', '--data', 'cifar'], "unknown data set 'cifar'; there are mnist, fashion-mnist"],
    [['boston', '--data', 'mnist'], '--data is for lenet5'],
    [['lenet5', '--save', '/nowhere/a.safetensors'], "cannot write '/nowhere/a.safetensors': ENOENT"],
    [['lenet5', '--curves', '/dev/null/a.svg'], "cannot write '/dev/null/a.svg': EEXIST"],
    [['--fast'], "Unknown option '--fast'"],
    [['boston', 'doctor'], 'doctor takes no other name'],
    [['doctor', 'page'], 'page takes no other name'],
    [['page', '--port', '65536'], "--port takes a whole number from 0 to 65535, not '65536'"],
    [['page', '--port', 'http'], '--port takes'],
  ])('refuses %j with one line and exit code 2', (args, message) => {
    const { status, lines, errors } = run(args)
    expect(status).toBe(2)
    expect(lines).toEqual([])
    expect(errors).toHaveLength(1)
    expect(errors[0]).toContain(message)
  })
})

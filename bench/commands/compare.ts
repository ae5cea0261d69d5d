// Compares two revisions, interleaved: `pnpm bench compare main HEAD boston matmul-512 ops/overhead`. The name of a
// folder means a checkout, anything else a revision, which is unpacked, installed and built once in a temporary folder.
// native is compared if both have its addon: run `node tools/build.mjs @flambeau/native` in the folder. Both sides run
// this checkout's workloads, but their own benches (names as in `pnpm bench`).
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Options } from '../src/document.ts'
import { median } from '../src/harness.ts'
import { isTimed, type Race } from '../src/race.ts'
import { quick, races, say, thorough } from '../src/races.ts'
import { runBench } from '../src/run-bench.ts'
import type { Subject } from '../src/subject.ts'
import { flambeau, here } from '../src/subjects.ts'
import { duration, figure } from '../src/units.ts'
import { workloadNamed, workloads } from '../workloads/index.ts'

const root = here('../../../')

const run = (cwd: string, command: string, ...args: string[]): string =>
  execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 30,
    shell: process.platform === 'win32',
  }).trim()

/** A folder with the revision, installed. */
function unpacked(revision: string): string {
  const commit = run(root, 'git', 'rev-parse', '--verify', `${revision}^{commit}`)
  const folder = join(tmpdir(), `flambeau-${commit}`)
  // pnpm writes this list when it has finished.
  if (existsSync(join(folder, 'node_modules/.modules.yaml'))) return folder
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  say(`${revision} is unpacked and installed in ${folder} …`)
  run(root, 'git', 'archive', '--format=tar', `--output=${join(folder, 'revision.tar')}`, commit)
  run(folder, 'tar', '-xf', 'revision.tar')
  const { packageManager } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    packageManager: string
  }
  run(folder, 'npx', '--yes', packageManager, 'install', '--frozen-lockfile', '--prefer-offline')
  return folder
}

/** A built checkout with this checkout's workloads in bench/temp, where they import its flambeau. */
function prepared(name: string): string {
  const folder = existsSync(join(name, 'bench')) ? resolve(name) : unpacked(name)
  for (const name of ['bench', '@flambeau/backend-native']) run(folder, process.execPath, 'tools/build.mjs', name)
  const copy = join(folder, 'bench/temp')
  rmSync(copy, { recursive: true, force: true })
  cpSync(here('../'), copy, { recursive: true })
  return folder
}

const sides = ['A', 'B'] as const
type Side = (typeof sides)[number]
type Folders = Readonly<Record<Side, string>>

const head = '| | A | B | B / A | from | to |\n|---|---:|---:|---:|---:|---:|'
const line = (what: string, a: string, b: string, ratios: readonly number[]): string =>
  `| ${[what, a, b, ...ratios.map(figure)].join(' | ')} |`

const addon = 'native/build/Release/flambeau_native.node'
/** js, and native if both sides have built it. */
const devicesOf = (folders: Folders): string[] =>
  sides.every((side) => existsSync(join(folders[side], addon))) ? ['js', 'native'] : ['js']
const modesOf = (device: string): readonly string[] => [device, `${device} compiled`]

const subjectsOf = (folders: Folders): Subject[] =>
  devicesOf(folders).flatMap((device) =>
    modesOf(device).flatMap((mode, i) =>
      sides.map((side) => {
        const subject = flambeau(device, join(folders[side], 'bench/temp/src/'))[i]
        return { ...subject, name: `${mode} ${side}`, library: undefined }
      }),
    ),
  )

const workloadLines = (folders: Folders, { workload: { name }, cells, measured }: Race): string[] =>
  devicesOf(folders)
    .flatMap(modesOf)
    .map((mode) => {
      const [a, b] = sides.map((side) => cells[`${mode} ${side}`])
      const ns = (cell: typeof a): string => (isTimed(cell) ? duration(cell.median) : cell.why.split('\n')[0])
      if (!isTimed(a) || !isTimed(b)) return line(`${name}, ${mode}`, ns(a), ns(b), [])
      const { median, p10, p90 } = measured.ratio(`${mode} B`, `${mode} A`)
      return line(`${name}, ${mode}`, ns(a), ns(b), [median, p10, p90])
    })

/** The figures of a bench, from both sides alternately. */
async function benchLines(bench: string, folders: Folders, rounds: number): Promise<string[]> {
  const figures = new Map<string, Record<Side, number[]> & { unit: string }>()
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
      const result = await runBench(join(folders[side], 'bench/dist', `${bench}.js`))
      if (typeof result === 'string') throw new Error(`${bench} of ${side}: ${result}`)
      for (const { what, value, unit } of result.rows) {
        const found = figures.get(what) ?? { unit, A: [], B: [] }
        found[side].push(value)
        figures.set(what, found)
      }
    }
  }
  return [...figures]
    .filter(([, { A, B }]) => A.length === B.length)
    .map(([what, { unit, A, B }]) => {
      const ratios = B.map((value, round) => value / A[round])
      const spread = [median(ratios), Math.min(...ratios), Math.max(...ratios)]
      return line(what, `${figure(median(A))} ${unit}`, `${figure(median(B))} ${unit}`, spread)
    })
}

export async function compare(args: readonly string[], options: Options): Promise<boolean> {
  const [a, b, ...names] = args
  if (b === undefined)
    throw new RangeError('usage: pnpm bench compare A B [NAME...]; A and B are revisions or checkouts')
  const isBench = (name: string): boolean => existsSync(here(`../${name}.js`))
  const benches = names.filter(isBench)
  const chosen =
    names.length === 0 ? workloads : names.filter((name) => !isBench(name)).map((name) => workloadNamed(name))
  const folders: Folders = { A: prepared(a), B: prepared(b) }
  const { races: raced } = await races(chosen, subjectsOf(folders), options.quick ? quick : thorough)
  const lines = raced.flatMap((race) => workloadLines(folders, race))
  for (const bench of benches) lines.push(...(await benchLines(bench, folders, options.quick ? 1 : 5)))
  console.log(
    `A is ${a}, B is ${b}. Differences inside the spread are no differences.\n\n${[head, ...lines].join('\n')}`,
  )
  return true
}

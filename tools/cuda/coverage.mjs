// What the tests have run of all texts: whether every instruction was executed and every guard held and did not, by place
// (sites.mjs). Exceptions are listed with reasons in uncovered.mjs.
import { createReadStream, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { node, root, say } from '../lib.mjs'
import { cudaAddon, fakeCuda } from '../native.mjs'
import { sitesOf } from './sites.mjs'
import { uncovered } from './uncovered.mjs'

/** Sums up what processes wrote to a folder: by place, how often it ran and its guard held and did not. */
export async function collect(folder) {
  const texts = new Map()
  const sites = new Map()
  for (const file of readdirSync(join(folder, 'texts'))) {
    if (!file.endsWith('.ptx')) continue
    const places = sitesOf(readFileSync(join(folder, 'texts', file), 'utf8'))
    texts.set(file.slice(0, -4), places)
    for (const { site, kernel, code } of places.values())
      if (!sites.has(site))
        sites.set(site, { kernel, code, runs: 0, held: 0, failed: 0, isGuarded: code.startsWith('@') })
  }
  const totals = { instructions: 0, launches: 0 }
  for await (const line of createInterface(createReadStream(join(folder, 'lines.jsonl')))) {
    const { digest, lines, instructions, launches } = JSON.parse(line)
    const places = texts.get(digest)
    // Texts with a fault in them, and those of the driver's own tests.
    if (places === undefined) continue
    totals.instructions += instructions
    totals.launches += launches
    for (const { line, warps, true: held = 0, false: failed = 0 } of lines) {
      const found = sites.get(places.get(line)?.site)
      if (found === undefined) continue
      found.runs += warps
      found.held += held
      found.failed += failed
    }
  }
  return { sites, texts: texts.size, ...totals }
}

/** What is missing at a place; undefined if nothing is. */
function missingAt({ runs, held, failed, isGuarded }) {
  if (runs === 0 && failed === 0) return 'never ran'
  if (!isGuarded || (held > 0 && failed > 0)) return undefined
  return held === 0 ? 'its guard never held' : 'its guard always held'
}

/** What was not covered and is not excused, and excuses that were not enough, as lines. */
export function faultsOf({ sites }) {
  const excused = new Map(uncovered.map((excuse) => [excuse, []]))
  const faults = []
  for (const [site, place] of sites) {
    const missing = missingAt(place)
    if (missing === undefined) continue
    const fault = `${site}: ${missing}: ${place.code}`
    const excuse = uncovered.find(({ kernel, code, what = missing }) => {
      return kernel.test(place.kernel) && code.test(place.code) && what === missing
    })
    if (excuse === undefined) faults.push(fault)
    else excused.get(excuse).push(fault)
  }
  for (const [{ kernel, most, reason }, found] of excused) {
    if (found.length === 0) faults.push(`${kernel}: no place needs its excuse any more (${reason})`)
    if (found.length <= most) continue
    faults.push(`${kernel}: ${found.length} places, of which ${most} are excused (${reason}), such as:`)
    faults.push(...found.slice(0, 5).map((fault) => `  ${fault}`))
  }
  return faults
}

/** The figures for docs/internals/cuda.md. */
export function figuresOf({ sites, texts, launches, instructions }) {
  const all = [...sites.values()]
  const guarded = all.filter(({ isGuarded }) => isGuarded)
  return {
    texts,
    places: all.length,
    covered: all.filter(({ runs }) => runs > 0).length,
    guards: guarded.length,
    bothWays: guarded.filter(({ held, failed }) => held > 0 && failed > 0).length,
    launches,
    instructions,
  }
}

const folder = join(root, 'native', 'build', 'cuda', 'coverage')

/** Runs the tests of the package, and then checks what those of CUDA have covered. */
export async function testWithCoverage() {
  rmSync(folder, { recursive: true, force: true })
  const options = {
    inherit: true,
    extraEnv: { FLAMBEAU_CUDA_COVERAGE: folder },
    cwd: join(root, 'packages', 'backend-native'),
  }
  const { code } = await node('tools/unit.mjs', process.argv.slice(3), options)
  // Without the driver for tests they say that they are left out, or fail where they may not be.
  if (code !== 0 || ![cudaAddon, fakeCuda].every((file) => existsSync(file))) return code
  const covered = await collect(folder)
  rmSync(folder, { recursive: true })
  const faults = faultsOf(covered)
  for (const fault of faults.slice(0, 60)) say(fault)
  if (faults.length > 60) say(`and ${faults.length - 60} more`)
  const { places, covered: run, guards, bothWays } = figuresOf(covered)
  say(`PTX: ${run} of ${places} places run, ${bothWays} of ${guards} guards both ways, ${faults.length} faults`)
  return faults.length === 0 ? 0 : 1
}

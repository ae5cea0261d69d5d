// The same workloads on libraries that a user might choose instead. Every library starts from the same numbers and must
// compute the same results before its time counts.
import { leave, type Options } from '../src/document.ts'
import { quick, races, thorough } from '../src/races.ts'
import { type Absent, isPresent, named, onThreads, type Subject } from '../src/subject.ts'
import { devices, inBrowser } from '../src/subjects.ts'
import { torch } from '../src/torch.ts'
import { others } from '../src/vs.ts'
import { workloadNamed, workloads } from '../workloads/index.ts'

/** What a page would load. */
const ofPages = ['js', 'js compiled', 'wasm', 'wasm compiled', 'tfjs-wasm', 'tfjs-cpu', 'jax-js']

const inPages = (subjects: readonly (Subject | Absent)[]): Subject[] =>
  subjects
    .filter(isPresent)
    .filter(({ name }) => ofPages.includes(name))
    .map(inBrowser)

export async function vs(names: readonly string[], options: Options): Promise<boolean> {
  const chosen = names.length === 0 ? workloads : names.map((name) => workloadNamed(name))
  const all = [...(await devices(['js', 'wasm', 'native'])), ...others(), torch()]
  const here = options.subjects === undefined ? all : named(all, options.subjects.split(','))
  const subjects = options.browser ? inPages(here) : onThreads(here, chosen)
  return leave({
    name: names.length === 0 && !options.quick ? 'vs' : options.save,
    title: 'flambeau and what a user would pick instead',
    isQuick: options.quick,
    measured: await races(chosen, subjects.filter(isPresent), options.quick ? quick : thorough),
    subjects,
    sections: [],
  })
}

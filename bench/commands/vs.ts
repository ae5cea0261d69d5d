// The same workloads on what a user would pick instead. Every library starts from the same numbers and must come to the same
// results before its time counts.
import { write } from '../src/document.ts'
import { rows } from '../src/race.ts'
import { quick, races, thorough } from '../src/races.ts'
import { markdown, verdict } from '../src/report.ts'
import { flambeau, isAbsent, isPresent } from '../src/subjects.ts'
import { tables } from '../src/table.ts'
import { torch } from '../src/torch.ts'
import { others } from '../src/vs.ts'
import { workloadNamed, workloads } from '../workloads/index.ts'

export async function vs(names: readonly string[], options: { readonly quick: boolean }): Promise<boolean> {
  const chosen = names.length === 0 ? workloads : names.map((name) => workloadNamed(name))
  const subjects = [...flambeau('js'), ...others(), torch()]
  const present = subjects.filter(isPresent)
  const measured = await races(chosen, present, options.quick ? quick : thorough)
  const verdicts = measured.races.flatMap(rows)
  const kept = verdict(verdicts)
  const absent = subjects.filter(isAbsent)
  await write({
    name: names.length === 0 && !options.quick ? 'vs' : undefined,
    title: 'flambeau and what a user would pick instead',
    kept,
    parts: ['## Workloads', tables(measured, present, absent), markdown(verdicts)],
    measured,
    subjects: present,
    sections: [],
  })
  return kept.met === kept.of
}

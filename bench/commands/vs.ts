// The same workloads on libraries that a user might choose instead. Every library starts from the same numbers and must
// compute the same results before its time counts.
import { leave, type Options } from '../src/document.ts'
import { quick, races, thorough } from '../src/races.ts'
import { isPresent, onThreads } from '../src/subject.ts'
import { devices } from '../src/subjects.ts'
import { torch } from '../src/torch.ts'
import { others } from '../src/vs.ts'
import { workloadNamed, workloads } from '../workloads/index.ts'

export async function vs(names: readonly string[], options: Options): Promise<boolean> {
  const chosen = names.length === 0 ? workloads : names.map((name) => workloadNamed(name))
  const subjects = onThreads([...(await devices(['js', 'native'])), ...others(), torch()], chosen)
  return leave({
    name: names.length === 0 && !options.quick ? 'vs' : options.save,
    title: 'flambeau and what a user would pick instead',
    isQuick: options.quick,
    measured: await races(chosen, subjects.filter(isPresent), options.quick ? quick : thorough),
    subjects,
    sections: [],
  })
}

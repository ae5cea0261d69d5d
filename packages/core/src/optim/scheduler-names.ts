// The states of schedulers under PyTorch's names: `last_epoch`, `_step_count`, `base_lrs`. Files have them, so that either
// program goes on with what the other has saved.
import { ValueError } from '../base/errors.ts'
import { camelCase, snakeCase } from '../nn/names.ts'

type State = Readonly<Record<string, unknown>>

/** What PyTorch keeps with an underscore, or calls otherwise. The milestones of MultiStepLR are counts, and have none. */
const inPython: Readonly<Record<string, string>> = {
  stepCount: '_step_count',
  lastLr: '_last_lr',
  schedulers: '_schedulers',
  schedulePhases: '_schedule_phases',
  annealStrategy: '_anneal_func_type',
}
const inFlambeau: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(inPython).map(([own, theirs]) => [theirs, own])),
  _milestones: 'milestones',
  anneal_func: 'annealStrategy',
}
/** What PyTorch saves besides, and flambeau computes. */
const computed = new Set([
  '_getLrCalledWithinStep',
  '_initialStep',
  '_isInitial',
  'modeWorse',
  'useBeta1',
  '_scaleFnRef',
])
/** Functions of the user. PyTorch has null for them, or the attributes of an object that can be called. */
const functions = new Set(['lrLambdas', '_scaleFnCustom'])

/** Counts of values, which Python keeps as a `Counter`. */
export class Counts {
  readonly counts: Readonly<Record<string, number>>
  constructor(counts: Readonly<Record<string, number>>) {
    this.counts = counts
  }
}

/** Whether an object is the state of a scheduler. */
export const isSchedulerState = (x: object): boolean =>
  'lastEpoch' in x && 'lastLr' in x && ('baseLrs' in x || 'numBadEpochs' in x)

/** A scheduler's state as PyTorch has it. */
export function schedulerInPython(state: State): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(state).map(([name, value]) => {
      if (name === 'milestones')
        return Array.isArray(value) ? ['_milestones', value] : [name, new Counts(value as Counts['counts'])]
      const key = inPython[name] ?? snakeCase(name)
      if (name === 'schedulers') return [key, (value as State[]).map(schedulerInPython)]
      return [key, name === 'schedulePhases' ? (value as State[]).map((phase) => renamed(phase, snakeCase)) : value]
    }),
  )
}
/** A phase of OneCycleLR, whose values are names, too. */
const renamed = (phase: State, to: (name: string) => string): State =>
  Object.fromEntries(
    Object.entries(phase).map(([name, value]) => [to(name), typeof value === 'string' ? to(value) : value]),
  )
/** The parts of an array of objects under flambeau's names; anything else is left to the checks. */
const each = (list: unknown, change: (x: State) => unknown): unknown =>
  Array.isArray(list) ? list.map((x: unknown) => (typeof x === 'object' && x !== null ? change(x as State) : x)) : list

/**
 * A scheduler's state under flambeau's names, whichever it has.
 *
 * Throws a ValueError for the state of a function, which cannot be restored.
 */
export function schedulerInFlambeau(state: State): Record<string, unknown> {
  const own: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(state)) {
    const name = inFlambeau[key] ?? camelCase(key)
    if (computed.has(name)) continue
    if (functions.has(name)) {
      if ((Array.isArray(value) ? value : [value]).every((x) => x === null)) continue
      throw new ValueError(
        `the state of a scheduler has attributes of a function of the user's: '${key}'`,
        'Leave the entry out, and give the function to the constructor.',
      )
    }
    if (name === 'schedulers') own[name] = each(value, schedulerInFlambeau)
    else own[name] = name === 'schedulePhases' ? each(value, (phase) => renamed(phase, camelCase)) : value
  }
  return own
}

// The timing method: several subjects are sampled alternately (A B A B), so that a machine that slows down slows all of
// them; medians, and ratios between neighbouring samples. This file does not know what it times.

/** Runs the work `n` times and returns the nanoseconds that it took. */
export type Sample = (n: number) => number | Promise<number>

/** A subject timed in this process: `work(n)` does it n times; its result is kept, so that no work is dead code. */
export const timed =
  (work: (n: number) => unknown): Sample =>
  (n) => {
    const start = process.hrtime.bigint()
    const result = work(n)
    const end = process.hrtime.bigint()
    consume(result)
    return Number(end - start)
  }

let sink: unknown
/** Makes a result observable. */
export const consume = (x: unknown): void => void (sink = x)
export const consumed = (): unknown => sink

export interface Statistics {
  /** Nanoseconds per repetition. */
  readonly median: number
  readonly min: number
  readonly p10: number
  readonly p90: number
  readonly samples: number
}

export interface Spread {
  readonly median: number
  readonly p10: number
  readonly p90: number
}

export interface Options {
  /** Rounds; every subject is sampled once in each. */
  readonly rounds?: number
  /** Time limit for all samples of one subject: a slow one is left out of later rounds, never of the first three. */
  readonly budgetMs?: number
  /** The minimum time of a sample; the number of repetitions follows from it. */
  readonly sampleMs?: number
  /** How long every subject is run before measuring. */
  readonly warmupMs?: number
  /** How often at least, unless that takes ten times `warmupMs`: V8 compiles what was called often. */
  readonly warmupRuns?: number
  /** A fixed number of repetitions per sample for all subjects, instead of `sampleMs`. */
  readonly repeat?: number
}

const quantile = (sorted: readonly number[], q: number): number => {
  const at = (sorted.length - 1) * q
  const low = Math.floor(at)
  const high = Math.ceil(at)
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low)
}

export const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b)

export const median = (values: readonly number[]): number => quantile(ascending(values), 0.5)

export class Measurement<Name extends string = string> {
  readonly #times: ReadonlyMap<Name, readonly number[]>

  constructor(times: ReadonlyMap<Name, readonly number[]>) {
    this.#times = times
  }

  #of(name: Name): readonly number[] {
    const times = this.#times.get(name)
    if (times === undefined) throw new Error(`nothing is called ${name} here`)
    return times
  }

  has(name: string): boolean {
    return this.#times.has(name as Name)
  }

  statistics(name: Name): Statistics {
    const sorted = ascending(this.#of(name))
    return {
      median: quantile(sorted, 0.5),
      min: sorted[0],
      p10: quantile(sorted, 0.1),
      p90: quantile(sorted, 0.9),
      samples: sorted.length,
    }
  }

  /** The time of `name` relative to `than`: median and spread of the ratios over the rounds that have both. */
  ratio(name: Name, than: Name): Spread {
    return this.#compare(name, than, (a, b) => a / b)
  }

  /** The difference in nanoseconds. */
  difference(name: Name, than: Name): Spread {
    return this.#compare(name, than, (a, b) => a - b)
  }

  #compare(name: Name, than: Name, by: (a: number, b: number) => number): Spread {
    const other = this.#of(than)
    const both = this.#of(name).slice(0, other.length)
    const sorted = ascending(both.map((time, round) => by(time, other[round])))
    return { median: quantile(sorted, 0.5), p10: quantile(sorted, 0.1), p90: quantile(sorted, 0.9) }
  }
}

interface Warm {
  /** Repetitions for which a sample lasts `sampleMs`. */
  readonly n: number
  readonly rounds: number
}

async function warmUp(sample: Sample, options: Options): Promise<Warm> {
  const {
    rounds = 51,
    budgetMs = Number.POSITIVE_INFINITY,
    sampleMs = 10,
    warmupMs = 300,
    warmupRuns = 0,
    repeat,
  } = options
  let n = repeat ?? 1
  let total = 0
  let runs = 0
  const isWarm = (): boolean => total >= warmupMs * (runs < warmupRuns ? 1e7 : 1e6)
  for (;;) {
    const ns = await sample(n)
    total += ns
    runs += n
    if (repeat === undefined && ns < sampleMs * 1e6)
      n = Math.ceil(n * Math.min(10, Math.max(1.2, (sampleMs * 1.1e6) / ns)))
    else if (isWarm()) return { n, rounds: Math.min(rounds, Math.max(3, (budgetMs * 1e6) / ns)) }
  }
}

/** Samples all subjects alternately; every other round in reverse order. */
export async function measure<Name extends string>(
  subjects: Readonly<Record<Name, Sample>>,
  options: Options = {},
): Promise<Measurement<Name>> {
  const names = Object.keys(subjects) as Name[]
  const warm = new Map<Name, Warm>()
  for (const name of names) warm.set(name, await warmUp(subjects[name], options))
  const times = new Map<Name, number[]>(names.map((name) => [name, []]))
  for (let round = 0; round < Math.max(...[...warm.values()].map(({ rounds }) => rounds)); round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      const { n, rounds } = warm.get(name) as Warm
      if (round < rounds) times.get(name)?.push((await subjects[name](n)) / n)
    }
  }
  return new Measurement(times)
}

// A backend whose programs do several runs in one call, one after the other.
import { js } from '@flambeau/backend-js'
import {
  type Backend,
  type Bindings,
  type Ended,
  type Executable,
  HostBuffer,
  numelOf,
  type Plan,
  type Program,
} from '@flambeau/core/backend'

/** js with `repeat`; counts its calls. */
export class Repeating implements Backend {
  readonly name = 'repeating'
  readonly caps = js().caps
  calls = 0

  compile(program: Program, plan: Plan): Executable {
    const executable = js().compile?.(program, plan) as Executable
    return { run: executable.run, repeat: (...args) => this.#repeat(executable, program, plan, ...args) }
  }

  #repeat(
    executable: Executable,
    program: Program,
    plan: Plan,
    { numbers, draws, args, results }: Bindings,
    times: number,
    stacked: boolean,
  ): Ended {
    this.calls++
    const width = numbers.length / times
    const sizes = plan.results.map((value) => numelOf(program.values[value].sizes))
    for (let run = 0; run < times; run++) {
      try {
        executable.run({
          numbers: numbers.subarray(run * width, (run + 1) * width),
          draws: draws.map((x) => x.subarray((run * x.length) / times, ((run + 1) * x.length) / times)),
          args,
          results: stacked
            ? results.map((x, k) => {
                const { data, start } = x as HostBuffer
                return new HostBuffer(js(), data, start + run * sizes[k], sizes[k])
              })
            : results,
        })
      } catch (error) {
        return { runs: run, error }
      }
    }
    return { runs: times }
  }

  alloc: Backend['alloc'] = (spec) => js().alloc(spec)
  supports: Backend['supports'] = () => true
  run: Backend['run'] = (instr) => js().run(instr)
  write: Backend['write'] = (out, data) => js().write(out, data)
  read: Backend['read'] = (view) => js().read(view)
  readSync: Backend['readSync'] = (view) => js().readSync(view)
  free(): void {}
  async sync(): Promise<void> {}
  memory = () => js().memory()
  dispose(): void {}
}

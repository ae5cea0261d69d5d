// The loops of a training over epochs and batches. A run knows where it is, so that it can be saved after any batch and
// resumed from there bit for bit: with the state of the model, of its optimizer and of the random numbers.
import { defaultGenerator, moveTo, nn, optim, Tensor } from 'flambeau'
import type { Batches, Shown, Steps, Trained } from './lesson.ts'

/** Means over samples, by name. */
export type Means<K extends string = string> = Readonly<Record<K, number>>

/** A point of the curve `name`. */
export interface Point {
  readonly name: string
  readonly epoch: number
  readonly loss: number
  readonly accuracy: number
}

/** The state of a training between two batches or two epochs. Saved and loaded again, it is the same. */
export interface Checkpoint {
  /** The epoch that is under way, from 1. */
  readonly epoch: number
  /** The results of the passes of this epoch that are done. */
  readonly passes: readonly Means[]
  /** The pass that is under way; null between two epochs. */
  readonly pass: Pass | null
  /** The bytes of the default generator's state. */
  readonly random: readonly number[]
  /** The states of what is trained, by name: `model`, `optimizer`, and with a number if there are several. */
  readonly things: Readonly<Record<string, unknown>>
  /** Whether each module of a model is in training mode. */
  readonly modes: Readonly<Record<string, readonly boolean[]>>
  readonly points: readonly Point[]
}

/** Where a pass is; `L` is the loader, or its state. */
interface Pass<L = unknown> {
  /** The number of batches done. */
  readonly batch: number
  readonly samples: number
  /** The sums over these samples. */
  readonly sums: Means
  readonly loader: L
}

/** A checkpoint that is not one of this training. */
export class CheckpointError extends Error {}

const randomState = (): number[] => Array.from(defaultGenerator.getState())
const setRandom = (state: readonly number[]): void => void defaultGenerator.setState(Uint8Array.from(state))

type Stateful = Exclude<Trained, Tensor>
/** What has a state, by name. Tensors are a lesson's data, which it loads itself. */
const stateful = (things: readonly Trained[]): [name: string, thing: Stateful][] => {
  const counts: Record<string, number> = {}
  return things
    .filter((thing): thing is Stateful => !(thing instanceof Tensor))
    .map((thing) => {
      const kind = thing instanceof nn.Module ? 'model' : thing instanceof optim.Optimizer ? 'optimizer' : 'scheduler'
      counts[kind] = (counts[kind] ?? 0) + 1
      return [counts[kind] === 1 ? kind : `${kind}${counts[kind]}`, thing]
    })
}

const modulesOf = (thing: Stateful): nn.Module[] => (thing instanceof nn.Module ? [...thing.modules()] : [])

/** What runs an epoch in passes, which can be repeated up to where they were. */
const GeneratorFunction = Object.getPrototypeOf(function* () {}).constructor

/** Moves training to a device. Tensors stay the same objects, so that a lesson's variables are constants. */
function move(device: string, things: readonly Trained[]): void {
  const movable = things.filter((thing) => thing instanceof Tensor || 'to' in thing) as Parameters<typeof moveTo>[1][]
  const moved = moveTo(device, ...movable)
  movable.forEach((thing, i) => {
    if (thing instanceof Tensor) thing.data = moved[i] as Tensor
  })
}

const isSteps = (x: Shown | Steps<Shown>): x is Steps<Shown> => Symbol.iterator in x

/** Where the current epoch is. */
interface Place {
  readonly epoch: number
  readonly passes: Means[]
  pass: Pass<Batches> | null
}

export class Run {
  readonly #epochs: number
  readonly #passes: number
  /** What is to be resumed, until it is. */
  #resumed: Checkpoint | undefined
  #things: readonly Trained[] = []
  #place: Place = { epoch: 1, passes: [], pass: null }
  #points: readonly Point[] = []
  readonly #checkpoint = (): Checkpoint => {
    const { epoch, passes, pass } = this.#place
    const things = stateful(this.#things)
    const modes = things.map(([name, thing]) => [name, modulesOf(thing).map(({ training }) => training)] as const)
    return {
      epoch,
      passes: [...passes],
      pass: pass && { ...pass, loader: pass.loader.stateDict() },
      random: randomState(),
      things: Object.fromEntries(things.map(([name, thing]) => [name, thing.stateDict()])),
      modes: Object.fromEntries(modes.filter(([, training]) => training.length > 0)),
      points: this.#points,
    }
  }

  constructor(epochs: number, passes: number, resumed: Checkpoint | undefined) {
    this.#epochs = epochs
    this.#passes = passes
    this.#resumed = resumed
  }

  *forEachEpoch(things: readonly Trained[], body: (epoch: number) => Shown | Steps<Shown>): Steps<Shown | undefined> {
    this.#things = things
    const from = this.#resumed
    let epoch = from?.epoch ?? 1
    let shown: Shown | undefined
    if (epoch > this.#epochs && !(body instanceof GeneratorFunction))
      throw new CheckpointError(`it has ${epoch - 1} epochs already; --epochs N trains for N`)
    this.#points = from?.points ?? []
    // A pass that is under way is resumed where its epoch comes to it.
    if (from?.pass === null) this.#restore(from)
    for (; epoch <= this.#epochs; epoch++) {
      this.#place = { epoch, passes: [], pass: null }
      const result = body(epoch)
      shown = isSteps(result) ? yield* result : result
      if (shown.curves !== undefined) {
        const points = Object.entries(shown.curves).map(([name, { loss, accuracy }]) => ({
          name,
          epoch,
          loss,
          accuracy,
        }))
        this.#points = [...this.#points, ...points]
      }
      this.#place = { epoch: epoch + 1, passes: [], pass: null }
      yield* this.#show(epoch, epoch, shown)
    }
    this.#place = { epoch, passes: [], pass: null }
    return shown
  }

  *forEachBatch(loader: Batches, step: (x: Tensor, y: Tensor) => Readonly<Record<string, Tensor>>): Steps<Means> {
    const place = this.#place
    const from = this.#resumed
    const index = place.passes.length
    if (from !== undefined && index < from.passes.length) {
      place.passes.push(from.passes[index])
      return from.passes[index]
    }
    let [batch, samples] = [0, 0]
    const sums: Record<string, number> = {}
    if (from?.pass) {
      ;({ batch, samples } = from.pass)
      Object.assign(sums, from.pass.sums)
      this.#restore(from, loader)
    }
    for (const [x, y] of loader) {
      const means = step(x, y)
      for (const [name, mean] of Object.entries(means)) sums[name] = (sums[name] ?? 0) + mean.item() * x.shape[0]
      samples += x.shape[0]
      batch++
      place.pass = { batch, samples, sums: { ...sums }, loader }
      const share = Math.min(1, (index + batch / loader.length) / this.#passes)
      yield* this.#show(place.epoch, place.epoch - 1 + share, { loss: means.loss }, batch)
    }
    place.pass = null
    const means = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / samples]))
    place.passes.push(means)
    return means
  }

  *#show(epoch: number, done: number, shown: Shown, batch?: number): Steps<void> {
    const epochs = this.#epochs
    const isOver = epoch > epochs
    const device = yield {
      ...shown,
      epoch: isOver ? epochs : epoch,
      epochs,
      done: isOver ? epochs : done,
      batch,
      points: this.#points,
      model: this.#things.find((thing) => thing instanceof nn.Module),
      checkpoint: isOver ? undefined : this.#checkpoint,
    }
    if (device !== undefined) move(device, this.#things)
  }

  /** Restores a checkpoint, which has then been resumed, with the loader of the pass that is under way. */
  #restore({ things: saved, modes, random, pass }: Checkpoint, loader?: Batches): void {
    const things = stateful(this.#things)
    const [own, there] = [things.map(([name]) => name).join(', '), Object.keys(saved).join(', ')]
    if (own !== there) throw new CheckpointError(`it has states of ${there}, not of ${own}`)
    try {
      for (const [name, thing] of things) {
        thing.loadStateDict(saved[name] as never)
        // A checkpoint is made behind a step, and a scheduler warns of an optimizer that has made none.
        if (thing instanceof optim.Optimizer) thing.stepCount = 1
        modulesOf(thing).forEach((module, k) => void (module.training = modes[name][k]))
      }
      loader?.loadStateDict(pass?.loader as never)
      setRandom(random)
    } catch (error) {
      throw new CheckpointError((error as Error).message)
    }
    this.#resumed = undefined
  }
}

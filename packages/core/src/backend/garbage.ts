// When V8 looks for unreachable memory. By itself it waits for 32 MB of new array buffers, and 64 MB of older ones,
// because garbage costs it nothing. A program needs the memory elsewhere, and a tensor does better in memory that was
// used a moment ago and is still in a cache. Node lets a program ask for a collection; elsewhere V8 keeps its own pace.
//
// A backend whose memory is not V8's must learn which tensors are garbage. A WeakRef tells, but what one refers to stays
// alive until the event loop turns, and a training loop need not let it. In Node the turn can be ended for WeakRefs.

type Collect = (options?: { readonly type: 'minor' }) => void

/** What this needs of Node's `process`. */
interface Node {
  getBuiltinModule(id: 'v8'): { setFlagsFromString(flag: string): void }
  getBuiltinModule(id: 'vm'): {
    runInNewContext(code: string): unknown
    createContext(object: object, options: { readonly microtaskMode: 'afterEvaluate' }): object
    readonly Script: new (code: string) => { runInContext(context: object): unknown }
  }
  /** Microseconds of processor time of all threads. */
  cpuUsage(): { readonly user: number; readonly system: number }
  memoryUsage(): { readonly arrayBuffers: number }
  readonly execArgv: readonly string[]
  readonly env: { readonly NODE_OPTIONS?: string }
}

interface Engine {
  readonly collect: Collect
  readonly node: Node
}

/** What is found by means of Node's; null where they are closed, and elsewhere. */
function inNode<T>(find: (node: Node, setFlag: (flag: string) => void) => T | null): T | null {
  const { process: node } = globalThis as unknown as { readonly process: Node }
  try {
    return find(node, node.getBuiltinModule('v8').setFlagsFromString)
  } catch {
    return null
  }
}

/** V8 with its function that collects garbage, by the only way there is. */
const engineHere = (): Engine | null =>
  inNode((node, setFlag) => {
    setFlag('--expose-gc')
    const collect = node.getBuiltinModule('vm').runInNewContext('gc') as Collect
    setFlag('--no-expose-gc')
    return { collect, node }
  })

/** What sets the factor by which V8's young generation grows; a process that was started with a size of its own keeps it. */
const growthHere = (): ((factor: 1 | 2) => void) | null =>
  inNode((node, setFlag) => {
    if (`${node.execArgv} ${node.env?.NODE_OPTIONS}`.includes('semi-space')) return null
    const grow = (factor: 1 | 2): void => setFlag(`--semi-space-growth-factor=${factor}`)
    grow(2)
    return grow
  })

const refersToGarbage = (): WeakRef<object> => new WeakRef({})

/**
 * A function after which no WeakRef keeps its target alive, as after a turn of the event loop: a context with microtasks
 * of its own ends a turn with every script. Null where that does not work.
 */
const forgetIn = ({ collect }: Engine): (() => void) | null =>
  inNode((node) => {
    const { createContext, Script } = node.getBuiltinModule('vm')
    const context = createContext({}, { microtaskMode: 'afterEvaluate' })
    const script = new Script('0')
    const forget = () => void script.runInContext(context)
    // Made elsewhere, because this function may still have what it has made.
    const probe = refersToGarbage()
    forget()
    collect()
    return probe.deref() === undefined ? forget : null
  })

/** Memory that is used again when a program frees it. */
export interface Spare {
  /** What it may be used for; negative while it waits. */
  kind: number
  readonly bytes: number
  /** Whether it was freed before. */
  used: boolean
  next?: Spare
}

/** The bytes of new array buffers after which V8 looks for dead young ones. */
const pace = 2 ** 23
/**
 * How many bytes that were freed explicitly may wait for their next use; four times as many where each piece has 32 MB, because
 * the C library would get every such piece from the system again.
 */
const mostSpare = 2 ** 26
/** How many bytes more than there were may be alive before it looks among all. */
const growth = 2 ** 25

/** In microseconds, of all threads. */
function processorTime({ node }: Engine): number {
  const { user, system } = node.cpuUsage()
  return user + system
}

/**
 * Decides when V8 collects garbage. Time is processor time, because a collection that waits for a processor is not
 * expensive.
 */
class Garbage {
  /** Undefined until it is needed. */
  #host: Engine | null | undefined
  #fresh = 0
  #untidy = 0
  /** The least bytes alive since the last collection of all garbage. */
  #least = 0
  /**
   * When the next collections may begin: young ones take half of the time at most, others a fifth, or a hundredth where
   * less memory is at stake.
   */
  #next = 0
  #nextAll = 0
  #nextEbb = 0
  /** Undefined until it is needed. */
  #forget: (() => void) | null | undefined

  /** Bytes that are still to be allocated by somebody who keeps them. */
  #kept = 0

  /** Undefined until it is needed. */
  #grow: ReturnType<typeof growthHere> | undefined
  #holding = false
  /** What was freed and waits for its next use, by kind: the one freed last, which has the one before. */
  #spares = new Map<number, Spare | undefined>()
  #spareBytes = 0
  /** What waited already when the last step ended. */
  #older = new Map<number, Spare | undefined>()

  /** Keeps a slab until the next collection, which finds it dead, unless that is too much. */
  put(slab: Spare): void {
    const { kind, bytes } = slab
    if (kind <= 0 || this.#spareBytes + bytes > mostSpare * (bytes < growth ? 1 : 4)) return
    slab.kind = -kind
    slab.next = this.#spares.get(kind)
    this.#spares.set(kind, slab)
    this.#spareBytes += bytes
  }

  /** The slab of a kind that was freed last, because it may still be in a cache. */
  take(kind: number): Spare | undefined {
    const spares = this.#spares.get(kind) ? this.#spares : this.#older
    const slab = spares.get(kind)
    if (slab === undefined) return undefined
    spares.set(kind, slab.next)
    slab.next = undefined
    slab.kind = kind
    slab.used = true
    if (spares === this.#spares) this.#spareBytes -= slab.bytes
    return slab
  }

  /** Lets go of what waits; at the end of a step only of what was not used in it, because the next one needs the rest. */
  #drop(ebb = false): void {
    this.#fresh = this.#spareBytes = 0
    this.#older = ebb ? this.#spares : new Map()
    this.#spares = new Map()
  }

  /**
   * Does work of which little is alive afterwards, while V8's young generation keeps its size. V8 doubles it whenever as
   * many bytes of objects have survived as it holds, all collections together, and a running program hardly ever gets
   * that back. V8 looks among all objects sooner meanwhile, so other work has the usual pace again. Does nothing of that
   * before the first megabyte of array buffers, because to ask V8 takes a millisecond of a program's start.
   */
  holding<T>(work: () => T): T {
    if (this.#grow === undefined && this.#untidy >= pace / 8) this.#grow = growthHere()
    if (!this.#grow || this.#holding) return work()
    this.#holding = true
    this.#grow(1)
    try {
      return work()
    } finally {
      this.#grow(2)
      this.#holding = false
    }
  }

  /**
   * Takes note that so many bytes will be allocated and kept, a model that is loaded: it looks for garbage before them,
   * and not among them. With 0, the rest will not be.
   */
  keeps(bytes: number): void {
    this.#kept = 0
    if (bytes > 0) this.opens(bytes)
    this.#kept = bytes
  }

  /** Takes note of a new array buffer, before it is allocated. */
  opens(bytes: number): void {
    if (this.#kept > 0) {
      this.#kept -= bytes
      return
    }
    this.#fresh += bytes
    this.#untidy += bytes
    if (this.#fresh >= pace) this.#young()
  }

  /**
   * Takes note that a backward pass is over: most of what it and the forward pass made is dead. A collection now finds it
   * young, and one of all finds more than at any other time; in the middle of a step they would only make older what
   * backward still reads.
   */
  ebbs(): void {
    if (this.#fresh >= pace / 2) this.#young(true)
  }

  get #engine(): Engine | null {
    if (this.#host === undefined) this.#host = engineHere()
    return this.#host
  }

  #young(ebb = false): void {
    const engine = this.#engine
    if (engine === null) return this.#drop(ebb)
    const { collect, node } = engine
    const time = (): number => processorTime(engine)
    const began = time()
    if (began < this.#next) return
    this.#drop(ebb)
    collect({ type: 'minor' })
    const ended = time()
    this.#next = ended + (ended - began)
    const alive = node.memoryUsage().arrayBuffers
    this.#least = Math.min(this.#least, alive)
    const many = alive >= this.#least + Math.max(growth, this.#least / 2) && ended >= this.#nextAll
    if (!many && !(ebb && alive >= this.#least + pace && ended >= this.#nextEbb)) return
    collect()
    const after = time()
    this.#nextAll = after + 4 * (after - ended)
    this.#nextEbb = after + 99 * (after - ended)
    this.#least = node.memoryUsage().arrayBuffers
  }

  /** Whether `sweep` may work here. */
  get sweeps(): boolean {
    return this.#engine !== null && this.#forget !== null
  }

  /** Collects all garbage, after which WeakRefs say what was some; false if it does not work, or would take too long. */
  sweep(): boolean {
    const engine = this.#engine
    if (engine === null) return false
    const began = processorTime(engine)
    if (this.#forget === undefined) this.#forget = forgetIn(engine)
    this.#forget?.()
    if (this.#forget === null || began < this.#nextAll) return false
    engine.collect()
    const ended = processorTime(engine)
    this.#nextAll = ended + 4 * (ended - began)
    return true
  }

  /** Collects all garbage, unless there can only be little; says whether it did. */
  tidy(): boolean {
    return this.#untidy >= pace / 2 && this.all()
  }

  /** Collects dead objects of every age, if the host allows it; array buffers that they held may stay. */
  objects(): void {
    this.#engine?.collect()
  }

  /** Collects all garbage, if the host allows it. */
  all(): boolean {
    this.#drop()
    this.#untidy = 0
    const engine = this.#engine
    if (engine === null) return false
    // The first collection finds array buffers dead, the next one frees them.
    engine.collect()
    engine.collect()
    this.#least = engine.node.memoryUsage().arrayBuffers
    return true
  }
}

/** The garbage of this thread. */
export const garbage = new Garbage()

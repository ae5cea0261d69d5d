// A curve of the training: one line through all epochs, with a colour for each backend. What draws it is loaded when the
// first training begins.
import type uPlot from 'uplot'
import { type BackendName, backends } from './catalogue.ts'
import type { CurvePoint } from './messages.ts'

const names = Object.keys(backends) as BackendName[]
const family = "'IBM Plex Sans Variable', system-ui, sans-serif"

/** A colour of the page, read when it is drawn, so that it follows dark and light mode. */
const colour = (name: string) => () => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`)

/** A loss with as few digits as distinguish it from its neighbours. */
const formatLoss = (loss: number): string => {
  const isPlain = loss === 0 || (Math.abs(loss) >= 1e-4 && Math.abs(loss) < 1e6)
  return isPlain ? loss.toPrecision(5) : loss.toExponential(4)
}

export interface Scale {
  readonly format: (value: number) => string
  /** A number of the axis. */
  readonly formatTick: (value: number) => string
  /** How the axis begins and ends. */
  readonly range: uPlot.Range.Config
}
const short = (value: number): string => String(Number(value.toPrecision(6)))

export const losses: Scale = {
  format: formatLoss,
  formatTick: short,
  // From 0, so that only the curve moves.
  range: { min: { soft: 0, mode: 1 }, max: { pad: 0.05 } },
}
export const shares: Scale = {
  format: (share) => `${(share * 100).toFixed(1)} %`,
  formatTick: (share) => `${short(share * 100)} %`,
  range: { min: { pad: 0.05, hard: 0 }, max: { pad: 0.05, hard: 1 } },
}

/** Tick steps for epochs are whole numbers. */
const wholeSteps = Array.from({ length: 9 }, (_, digits) => [1, 2, 5].map((step) => step * 10 ** digits)).flat()

type Values = (number | null)[]

/** Isolated points, which are drawn as dots because no line reaches them. */
const alone: uPlot.Series.Points.Filter = (plot, series) => {
  const values = plot.data[series] as Values
  const isDrawn = (i: number) => (values[i] ?? null) !== null
  return [...values.keys()].filter((i) => isDrawn(i) && !isDrawn(i - 1) && !isDrawn(i + 1))
}

export interface Chart {
  /** Clears the curve and sets the number of epochs. */
  readonly begin: (epochs: number) => void
  /** Continues in the colour of a backend, from the last point. */
  readonly moveTo: (backend: BackendName) => void
  readonly add: (points: readonly CurvePoint[]) => void
}

/** Draws into an element at its size; `onPoint` gets the point under the pointer, or undefined. */
export const makeChart = (
  element: HTMLElement,
  { formatTick, range }: Scale,
  onPoint: (point: CurvePoint | undefined) => void,
): Chart => {
  let epochs = 1
  let backend = names[0]
  let at: number[] = []
  let values: Values = []
  /** For each backend the values that it computed. */
  let parts: Values[] = []
  const empty = () => {
    at = []
    values = []
    parts = names.map(() => [])
  }
  empty()
  let isStale = false

  const options: Omit<uPlot.Options, 'width' | 'height'> = {
    padding: [8, 28, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false, points: { show: false } },
    scales: {
      x: { time: false, range: () => [0, epochs] },
      y: { range },
    },
    axes: [
      {
        stroke: colour('muted'),
        font: `12px ${family}`,
        grid: { show: false },
        ticks: { stroke: colour('rule'), width: 1, size: 5 },
        size: 32,
        space: 64,
        incrs: wholeSteps,
      },
      {
        stroke: colour('muted'),
        font: `12px ${family}`,
        grid: { stroke: colour('rule'), width: 1 },
        ticks: { show: false },
        space: 48,
        values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : formatTick(tick))),
        size: (self, ticks) => (ticks === null ? 40 : 16 + widest(self, ticks)),
      },
    ],
    series: [
      {},
      { show: false },
      ...names.map((name) => ({
        stroke: colour(name),
        width: 2,
        points: { show: false, size: 6, fill: colour(name), filter: alone },
      })),
    ],
    hooks: {
      setCursor: [
        ({ cursor: { idx } }) => {
          const value = values[idx ?? -1] ?? null
          onPoint(value === null ? undefined : [at[idx as number], value])
        },
      ],
    },
  }
  let plot: uPlot | undefined
  const draw = () => {
    isStale = false
    plot?.setData([at, values, ...parts])
  }
  // Points arrive more often than a screen can show them.
  const change = () => {
    if (!isStale) requestAnimationFrame(draw)
    isStale = true
  }
  let isLoading = false
  const load = async (): Promise<void> => {
    isLoading = true
    const { default: Plot } = await import('uplot')
    const made = new Plot({ ...options, width: 1, height: 1 }, [[]], element)
    plot = made
    new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: element.clientHeight })).observe(
      element,
    )
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => made.redraw())
    void document.fonts.ready.then(() => made.redraw(false, true))
    change()
  }

  return {
    begin: (count) => {
      if (!isLoading) void load()
      epochs = count
      empty()
      change()
    },
    moveTo: (name) => {
      backend = name
      const last = values.length - 1
      if (last >= 0) parts[names.indexOf(name)][last] = values[last]
      change()
    },
    add: (points) => {
      for (const [epoch, value] of points) {
        const drawn = Number.isFinite(value) ? value : null
        at.push(epoch)
        values.push(drawn)
        for (const [i, name] of names.entries()) parts[i].push(name === backend ? drawn : null)
      }
      change()
    },
  }
}

const widest = (plot: uPlot, values: readonly string[]): number => {
  plot.ctx.save()
  plot.ctx.font = `12px ${family}`
  const width = Math.max(...values.map((text) => plot.ctx.measureText(text).width))
  plot.ctx.restore()
  return width
}

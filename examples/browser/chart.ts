// The loss curve: one line through all epochs, with a colour for each backend.
import uPlot from 'uplot'
import { type BackendName, backends } from './catalogue.ts'

const names = Object.keys(backends) as BackendName[]
const family = "'IBM Plex Sans Variable', system-ui, sans-serif"

/** A colour of the page, read when it is drawn, so that it follows dark and light mode. */
const colour = (name: string) => () => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`)

/** Formats a loss with as few digits as distinguish it from its neighbours. */
export const formatLoss = (loss: number): string => {
  const isPlain = loss === 0 || (Math.abs(loss) >= 1e-4 && Math.abs(loss) < 1e6)
  return isPlain ? loss.toPrecision(5) : loss.toExponential(4)
}

/** Tick steps for epochs are whole numbers. */
const wholeSteps = Array.from({ length: 9 }, (_, digits) => [1, 2, 5].map((step) => step * 10 ** digits)).flat()

type Losses = (number | null)[]

/** Isolated points, which are drawn as dots because no line reaches them. */
const alone: uPlot.Series.Points.Filter = (plot, series) => {
  const values = plot.data[series] as Losses
  const isDrawn = (i: number) => (values[i] ?? null) !== null
  return [...values.keys()].filter((i) => isDrawn(i) && !isDrawn(i - 1) && !isDrawn(i + 1))
}

export interface Chart {
  /** Clears the curve and sets the number of epochs. */
  readonly begin: (epochs: number) => void
  /** Continues in the colour of a backend, from the last point. */
  readonly moveTo: (backend: BackendName) => void
  readonly add: (points: readonly (readonly [epoch: number, loss: number])[]) => void
}

/** Draws into an element at its size; `onPoint` gets the point under the pointer, or undefined. */
export const makeChart = (
  element: HTMLElement,
  onPoint: (point: { readonly epoch: number; readonly loss: number } | undefined) => void,
): Chart => {
  let epochs = 1
  let backend = names[0]
  let at: number[] = []
  let losses: Losses = []
  /** For each backend the losses that it computed. */
  let parts: Losses[] = []
  const empty = () => {
    at = []
    losses = []
    parts = names.map(() => [])
  }
  empty()
  let isStale = false

  const plot = new uPlot(
    {
      width: 1,
      height: 1,
      padding: [8, 28, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { show: false } },
      scales: {
        x: { time: false, range: () => [0, epochs] },
        // From 0, so that only the curve moves.
        y: { range: { min: { soft: 0, mode: 1 }, max: { pad: 0.05 } } },
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
          values: (_, values) => values.map((value) => (value === null ? '' : String(Number(value.toPrecision(6))))),
          size: (self, values) => (values === null ? 40 : 16 + widest(self, values)),
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
            const loss = losses[idx ?? -1] ?? null
            onPoint(loss === null ? undefined : { epoch: at[idx as number], loss })
          },
        ],
      },
    },
    [[]],
    element,
  )
  const draw = () => {
    isStale = false
    plot.setData([at, losses, ...parts])
  }
  // Points arrive more often than a screen can show them.
  const change = () => {
    if (!isStale) requestAnimationFrame(draw)
    isStale = true
  }
  new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: element.clientHeight })).observe(element)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plot.redraw())
  void document.fonts.ready.then(() => plot.redraw(false, true))

  return {
    begin: (count) => {
      epochs = count
      empty()
      change()
    },
    moveTo: (name) => {
      backend = name
      const last = losses.length - 1
      if (last >= 0) parts[names.indexOf(name)][last] = losses[last]
      change()
    },
    add: (points) => {
      for (const [epoch, loss] of points) {
        const drawn = Number.isFinite(loss) ? loss : null
        at.push(epoch)
        losses.push(drawn)
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

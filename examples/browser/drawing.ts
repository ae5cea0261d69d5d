// The panel in which one draws a digit: what the network takes it for, and what its convolutions make of it. Loaded when a
// lesson about digits is chosen.
import { digitOf, SIDE } from './digit.ts'
import type { Maps, Reading } from './messages.ts'
import { makePad } from './pad.ts'

const find = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T
const DIGITS = 10
/** While it trains, the network reads no more often than that, and spends no more than a fifth of its time on it. */
const READ_EVERY_MS = 200
const READ_SHARE = 0.2
/** When a screen reader announces what was read: after this time without a change. */
const SETTLED_MS = 600

const percent = (share: number): string => `${Math.round(share * 100)} %`

/** The parts of a colour of the page, written as #rrggbb. */
const colour = (name: string): readonly number[] => {
  const text = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`)
  return (text.match(/[0-9a-f]{2}/gi) ?? []).map((two) => Number.parseInt(two, 16))
}

/** Draws maps beside and below each other: positive values in one colour, negative ones in another. */
const drawMaps = (canvas: HTMLCanvasElement, { sizes: [count, height, width], values }: Maps, across: number) => {
  const columns = Math.min(count, across)
  const gap = Math.ceil(width / 14)
  canvas.width = columns * (width + gap) - gap
  canvas.height = Math.ceil(count / columns) * (height + gap) - gap
  const context = canvas.getContext('2d') as CanvasRenderingContext2D
  const [none, positive, negative] = ['ground', 'js', 'gpujs'].map(colour)
  const most = values.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-6)
  for (let map = 0; map < count; map++) {
    const image = context.createImageData(width, height)
    for (let i = 0; i < width * height; i++) {
      const value = values[map * width * height + i] / most
      const full = value > 0 ? positive : negative
      for (let part = 0; part < 3; part++)
        image.data[4 * i + part] = none[part] + (full[part] - none[part]) * Math.abs(value)
      image.data[4 * i + 3] = 255
    }
    context.putImageData(image, (map % columns) * (width + gap), Math.floor(map / columns) * (height + gap))
  }
}

/** The map with the largest value, counted from 1. */
const strongest = ({ sizes: [, height, width], values }: Maps): number =>
  1 + Math.floor(values.indexOf(values.reduce((max, value) => Math.max(max, value), -Infinity)) / (height * width))

const describe = (title: string, maps: Maps): string => {
  const [count, height, width] = maps.sizes
  return `${title} of ${height} × ${width}; the strongest of ${count} is map ${strongest(maps)}`
}

export interface Drawing {
  /** There are new weights, or none; `isOver` if no more come soon. */
  readonly learnt: (isLearnt: boolean, isOver: boolean) => void
  /** What the network has read; undefined if there is no network any more. */
  readonly show: (reading: Reading | undefined) => void
}

/** Fills the panel; `ask` sends a digit to the network, which answers by `show`. */
export const makeDrawing = (ask: (digit: Uint8Array) => void): Drawing => {
  const [answer, announced] = [find('answer'), find('announced')]
  const canvas = find<HTMLCanvasElement>('pad')
  const figures = ['seen', 'first', 'second'].map((id) => ({
    canvas: find<HTMLCanvasElement>(id),
    caption: find(`${id}-caption`),
  }))
  const scores = Array.from({ length: DIGITS }, (_, digit) => {
    const [name, bar, share] = ['b', 'i', 'span'].map((tag) => document.createElement(tag))
    name.textContent = String(digit)
    const row = document.createElement('li')
    row.append(name, bar, share)
    find('scores').append(row)
    return { row, share }
  })

  let isLearnt = false
  /** Whether the drawing or the weights have changed since the network was asked. */
  let isStale = false
  let askedAt: number | undefined
  let notBefore = 0
  let digit: Uint8Array | undefined
  let shown: Reading | undefined

  const pump = () => {
    // A field that is empty again shows so at once, even while the network reads what was there.
    if (!isStale || (askedAt !== undefined && !pad.isEmpty())) return
    isStale = false
    digit = digitOf(pad.ink())
    if (digit === undefined || !isLearnt) return display(undefined)
    askedAt = performance.now()
    ask(digit)
  }

  let announcing: number | undefined
  const announce = (text: string) => {
    window.clearTimeout(announcing)
    announcing = window.setTimeout(() => (announced.textContent = text), SETTLED_MS)
  }

  const display = (reading: Reading | undefined) => {
    shown = reading
    const probabilities = reading?.probabilities ?? []
    const most = probabilities.indexOf(Math.max(...probabilities))
    for (const [i, { row, share }] of scores.entries()) {
      row.style.setProperty('--share', String(probabilities[i] ?? 0))
      share.textContent = reading === undefined ? '' : percent(probabilities[i])
      row.classList.toggle('most', i === most)
    }
    // Always one short line, so that the field stays where it is while one draws.
    answer.textContent =
      reading !== undefined
        ? `It looks like a ${most}: ${percent(probabilities[most])}`
        : isLearnt
          ? 'Draw one'
          : 'It is read once you train'
    announce(reading === undefined ? '' : answer.textContent)
    drawAll()
  }

  const drawAll = () => {
    const [seen, first, second] = figures
    const none = (count: number, side: number): Maps => ({
      sizes: [count, side, side],
      values: new Float32Array(count * side * side),
    })
    const input = { sizes: [1, SIDE, SIDE], values: Float32Array.from(digit ?? new Float32Array(SIDE * SIDE)) } as const
    drawMaps(seen.canvas, input, 1)
    const [one = none(6, SIDE), two = none(16, 10)] = shown?.maps ?? []
    drawMaps(first.canvas, one, 3)
    drawMaps(second.canvas, two, 4)
    const label = ({ canvas, caption }: (typeof figures)[number], maps: Maps) =>
      canvas.setAttribute(
        'aria-label',
        shown === undefined ? 'No digit yet' : describe(caption.textContent ?? '', maps),
      )
    seen.canvas.setAttribute('aria-label', digit === undefined ? 'No digit yet' : 'Your digit, 28 × 28')
    label(first, one)
    label(second, two)
  }

  const pad = makePad(canvas, find('pen'), () => {
    isStale = true
    pump()
  })
  find('clear').addEventListener('click', pad.clear)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    pad.redraw()
    drawAll()
  })
  display(undefined)

  return {
    learnt: (isNow, isOver) => {
      isLearnt = isNow
      // A hand is never kept waiting, but new weights may be.
      isStale ||= isOver || performance.now() >= notBefore
      pump()
    },
    show: (reading) => {
      const now = performance.now()
      notBefore = now + Math.max(READ_EVERY_MS, (now - (askedAt ?? now)) / READ_SHARE)
      askedAt = undefined
      display(digit === undefined ? undefined : reading)
      pump()
    },
  }
}

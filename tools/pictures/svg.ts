// The elements that the lecture's pictures are made of, as SVG text: a card with boxes, arrows, words, tables of numbers,
// and plots. A card has a white ground of its own, so that it reads the same on light pages and on dark ones.

export const ink = '#1f2933'
export const muted = '#66727f'
export const faint = '#d5dbe1'
export const blue = '#2b6cb0'
export const orange = '#c05621'
export const green = '#2f855a'
export const purple = '#6b46c1'
/** Light grounds for boxes, in the order of the colours above. */
export const pale = {
  [blue]: '#e3eefa',
  [orange]: '#fcebdf',
  [green]: '#e1f3e9',
  [purple]: '#eee8fb',
  [muted]: '#f1f4f6',
}
export type Hue = keyof typeof pale

/** A number in at most two decimals, as it stands in the file. */
const at = (x: number): string => String(Number(x.toFixed(2)))
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

type Attributes = Readonly<Record<string, string | number | undefined>>
const element = (name: string, attributes: Attributes, content?: string): string => {
  const written = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${typeof value === 'number' ? at(value) : value}"`],
  )
  return `<${name}${written.join('')}${content === undefined ? '/>' : `>${content}</${name}>`}`
}

interface Stroke {
  readonly colour?: string
  readonly width?: number
  readonly dash?: string
}
const stroked = ({ colour = ink, width = 1.5, dash }: Stroke): Attributes => ({
  stroke: colour,
  'stroke-width': width,
  'stroke-dasharray': dash,
})

interface Words {
  readonly size?: number
  readonly colour?: string
  readonly anchor?: 'start' | 'middle' | 'end'
  readonly bold?: boolean
  /** Turned upwards, for the name of an upright axis. */
  readonly turned?: boolean
}
/** Words whose middle is at the height y. */
export const text = (x: number, y: number, words: string | number, options: Words = {}): string => {
  const { size = 14, colour = ink, anchor = 'middle', bold = false, turned = false } = options
  return element(
    'text',
    {
      x,
      y: y + size * 0.35,
      'font-size': size,
      fill: colour,
      'text-anchor': anchor,
      'font-weight': bold ? 'bold' : undefined,
      transform: turned ? `rotate(-90 ${at(x)} ${at(y)})` : undefined,
    },
    escaped(typeof words === 'number' ? minus(words) : words),
  )
}
/** A number with the minus of print, in at most `digits` decimals. */
export const minus = (x: number, digits = 2): string => String(Number(x.toFixed(digits))).replace('-', '−')

export const line = (x1: number, y1: number, x2: number, y2: number, stroke: Stroke = {}): string =>
  element('line', { x1, y1, x2, y2, ...stroked(stroke) })

/** A line whose end has a head. */
export function arrow(x1: number, y1: number, x2: number, y2: number, stroke: Stroke = {}): string {
  const { colour = ink, width = 1.5 } = stroke
  const length = Math.hypot(x2 - x1, y2 - y1)
  const [dx, dy] = [(x2 - x1) / length, (y2 - y1) / length]
  const head = 5 + width
  const [bx, by] = [x2 - head * dx, y2 - head * dy]
  const wing = head / 2
  const corners = [
    [x2, y2],
    [bx - wing * dy, by + wing * dx],
    [bx + wing * dy, by - wing * dx],
  ]
  return line(x1, y1, bx, by, stroke) + element('polygon', { points: points(corners), fill: colour })
}

const points = (list: readonly (readonly number[])[]): string => list.map(([x, y]) => `${at(x)},${at(y)}`).join(' ')
export const polyline = (list: readonly (readonly number[])[], stroke: Stroke = {}): string =>
  element('polyline', { points: points(list), fill: 'none', 'stroke-linejoin': 'round', ...stroked(stroke) })

interface Filled extends Stroke {
  readonly fill?: string
  readonly round?: number
}
export const rect = (x: number, y: number, width: number, height: number, options: Filled = {}): string =>
  element('rect', {
    x,
    y,
    width,
    height,
    rx: options.round,
    fill: options.fill ?? 'none',
    ...(options.colour === undefined ? {} : stroked(options)),
  })
export const circle = (x: number, y: number, r: number, { fill = 'none', colour, ...rest }: Filled = {}): string =>
  element('circle', { cx: x, cy: y, r, fill, ...(colour === undefined ? {} : stroked({ colour, ...rest })) })

const dot = (x: number, y: number, r: number): string => element('circle', { cx: x, cy: y, r })

/** A box in a hue with lines of words in its middle; the first line is bold. */
export function box(x: number, y: number, width: number, height: number, words: readonly string[], hue: Hue): string {
  const step = 17
  const top = y + height / 2 - (step * (words.length - 1)) / 2
  const rows = words.map((row, i) =>
    text(x + width / 2, top + step * i, row, { size: i === 0 ? 14 : 12, bold: i === 0, colour: i === 0 ? ink : muted }),
  )
  return rect(x, y, width, height, { fill: pale[hue], colour: hue, round: 6 }) + rows.join('')
}

/** Sheets one behind the other, the front one at the lower left. */
export const sheets = (
  x: number,
  y: number,
  side: number,
  count: number,
  gap: number,
  hue: (i: number) => Hue,
): string =>
  Array.from({ length: count }, (_, i) => count - 1 - i)
    .map((i) => rect(x + gap * i, y - gap * i, side, side, { fill: pale[hue(i)], colour: hue(i), width: 1 }))
    .join('')

/** Blends a colour into white: 0 is white and 1 is the colour. */
export function shade(colour: string, share: number): string {
  const parts = [1, 3, 5].map((i) => Number.parseInt(colour.slice(i, i + 2), 16))
  const mixed = parts.map((part) => Math.round(255 + (part - 255) * Math.min(1, Math.max(0, share))))
  return `#${mixed.map((part) => part.toString(16).padStart(2, '0')).join('')}`
}

export type Matrix = readonly (readonly number[])[]
interface Grid {
  readonly cell: number
  /** The ground of a cell. */
  readonly fill?: (value: number, row: number, column: number) => string
  /** Whether the numbers are written, and in how many decimals. */
  readonly digits?: number
  /** The colour of the lines between the cells; null draws none. */
  readonly lines?: string | null
}
/** A table of numbers as squares. */
export const grid = (x: number, y: number, values: Matrix, { cell, fill, digits, lines = faint }: Grid): string =>
  values
    .flatMap((row, i) =>
      row.map((value, j) => {
        const ground = fill?.(value, i, j) ?? 'white'
        // Dark grounds take white digits.
        const dark = Number.parseInt(ground.slice(3, 5), 16) < 120 && ground.startsWith('#')
        const words =
          digits === undefined
            ? ''
            : text(x + cell * (j + 0.5), y + cell * (i + 0.5), minus(value, digits), {
                size: Math.min(15, cell * 0.38),
                colour: dark ? 'white' : ink,
              })
        return (
          rect(x + cell * j, y + cell * i, cell, cell, { fill: ground, colour: lines ?? undefined, width: 1 }) + words
        )
      }),
    )
    .join('')

/** The ground for numbers of both signs: blue for positive ones, orange for negative ones, white for 0. */
export const signed =
  (largest: number) =>
  (value: number): string =>
    shade(value < 0 ? orange : blue, Math.abs(value) / largest)
/** The ground for a picture: the larger the number, the more ink. */
export const inked =
  (largest: number) =>
  (value: number): string =>
    shade(ink, value / largest)

/** A picture without its title. */
export interface Card {
  readonly width: number
  readonly height: number
  readonly elements: readonly string[]
}
export const card = (width: number, height: number, ...elements: readonly string[]): Card => ({
  width,
  height,
  elements,
})

const fonts = "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
/** The text of a picture's file. */
export const fileOf = (title: string, { width, height, elements }: Card): string =>
  `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${fonts}">`,
    element('title', {}, escaped(title)),
    rect(0, 0, width, height, { fill: 'white', round: 8 }),
    ...elements,
    '</svg>',
  ].join('\n')}\n`

interface Axis {
  readonly from: number
  readonly to: number
  readonly ticks: readonly number[]
  readonly name: string
  readonly log?: boolean
}
export interface Plot {
  readonly x: (value: number) => number
  readonly y: (value: number) => number
  /** The frame, ticks and names. */
  readonly frame: string
  readonly curve: (list: readonly (readonly number[])[], stroke?: Stroke) => string
  readonly dots: (list: readonly (readonly number[])[], fill: string, r?: number) => string
}
/** A plot in a place of the card: its scales, its frame, and curves and dots on these scales. */
export function plot(
  { left, top, width, height }: { left: number; top: number; width: number; height: number },
  across: Axis,
  up: Axis,
): Plot {
  const share = ({ from, to, log }: Axis, value: number): number =>
    log ? Math.log(value / from) / Math.log(to / from) : (value - from) / (to - from)
  const x = (value: number): number => left + width * share(across, value)
  const y = (value: number): number => top + height * (1 - share(up, value))
  const small = { size: 12, colour: muted }
  const bottom = top + height
  const named = (tick: number): string => tick.toLocaleString('en-US').replace('-', '−')
  const widest = Math.max(...up.ticks.map((tick) => named(tick).length))
  const frame = [
    ...across.ticks.map((tick) => line(x(tick), top, x(tick), bottom, { colour: faint, width: 0.75 })),
    ...up.ticks.map((tick) => line(left, y(tick), left + width, y(tick), { colour: faint, width: 0.75 })),
    line(left, bottom, left + width, bottom, { colour: muted, width: 1 }),
    line(left, top, left, bottom, { colour: muted, width: 1 }),
    ...across.ticks.map((tick) => text(x(tick), bottom + 14, named(tick), small)),
    ...up.ticks.map((tick) => text(left - 8, y(tick), named(tick), { ...small, anchor: 'end' })),
    text(left + width / 2, bottom + 34, across.name, { size: 13 }),
    text(left - 22 - 7 * widest, top + height / 2, up.name, { size: 13, turned: true }),
  ].join('\n')
  const placed = (list: readonly (readonly number[])[]): number[][] => list.map(([a, b]) => [x(a), y(b)])
  return {
    x,
    y,
    frame,
    curve: (list, stroke) => polyline(placed(list), { width: 2.5, ...stroke }),
    dots: (list, fill, r = 3) =>
      element(
        'g',
        { fill, ...stroked({ colour: 'white', width: 0.75 }) },
        placed(list)
          .map(([a, b]) => dot(a, b, r))
          .join(''),
      ),
  }
}

/** The values of a function at `count` + 1 points in equal steps. */
export const sampled = (from: number, to: number, count: number, f: (x: number) => number): number[][] =>
  Array.from({ length: count + 1 }, (_, i) => from + ((to - from) * i) / count).map((x) => [x, f(x)])

// The field on which one draws: with a mouse, a finger or a pen, or by keyboard, where the arrow keys move the pen. It
// remembers the strokes, so that it can draw them again in another colour.
import type { Ink } from './digit.ts'

type Point = readonly [x: number, y: number]

/** How thick a line is, and how far an arrow key moves, as shares of the field. */
const THICKNESS = 0.085
const STEP = 1 / 28

const arrows: Readonly<Record<string, Point>> = {
  ArrowLeft: [-STEP, 0],
  ArrowRight: [STEP, 0],
  ArrowUp: [0, -STEP],
  ArrowDown: [0, STEP],
}

export interface Pad {
  readonly ink: () => Ink
  readonly isEmpty: () => boolean
  readonly clear: () => void
  /** Draws the strokes again, in the colour that the page has now. */
  readonly redraw: () => void
}

/** `pen` marks where the keyboard's pen is; `onChange` is called after every change. */
export const makePad = (canvas: HTMLCanvasElement, pen: HTMLElement, onChange: () => void): Pad => {
  const context = canvas.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D
  const { width: side } = canvas
  let strokes: Point[][] = []
  /** The pointer that draws. */
  let pointer: number | undefined
  /** The keyboard's pen. */
  let at: Point = [0.5, 0.5]
  let isDown = false

  const line = (from: Point, to: Point) => {
    context.beginPath()
    context.moveTo(from[0] * side, from[1] * side)
    // A line without length would not be drawn everywhere.
    context.lineTo(to[0] * side + 0.01, to[1] * side)
    context.stroke()
  }
  const redraw = () => {
    context.clearRect(0, 0, side, side)
    context.lineWidth = THICKNESS * side
    context.lineCap = context.lineJoin = 'round'
    context.strokeStyle = getComputedStyle(canvas).color
    for (const stroke of strokes) for (const [i, point] of stroke.entries()) line(stroke[Math.max(0, i - 1)], point)
  }
  const begin = (point: Point) => {
    strokes.push([point])
    line(point, point)
    onChange()
  }
  const extend = (point: Point) => {
    const stroke = strokes[strokes.length - 1]
    line(stroke[stroke.length - 1], point)
    stroke.push(point)
    onChange()
  }
  const clear = () => {
    strokes = []
    pointer = undefined
    isDown = false
    showPen()
    redraw()
    onChange()
  }

  // ---- pointers ----

  const pointOf = ({ clientX, clientY }: PointerEvent): Point => {
    const { left, top, width, height } = canvas.getBoundingClientRect()
    return [(clientX - left) / width, (clientY - top) / height]
  }
  canvas.addEventListener('pointerdown', (event) => {
    if (pointer !== undefined || event.button !== 0) return
    pointer = event.pointerId
    canvas.setPointerCapture(pointer)
    begin(pointOf(event))
  })
  canvas.addEventListener('pointermove', (event) => {
    if (event.pointerId !== pointer) return
    // A screen shows fewer moves than a hand makes.
    const moves = event.getCoalescedEvents?.() ?? []
    for (const move of moves.length > 0 ? moves : [event]) extend(pointOf(move))
  })
  for (const end of ['pointerup', 'pointercancel'] as const) {
    canvas.addEventListener(end, ({ pointerId }) => {
      if (pointerId === pointer) pointer = undefined
    })
  }

  // ---- keyboard ----

  const showPen = () => {
    pen.style.left = `${at[0] * 100}%`
    pen.style.top = `${at[1] * 100}%`
    pen.classList.toggle('down', isDown)
  }
  canvas.addEventListener('keydown', (event) => {
    const arrow = arrows[event.key]
    const isPen = event.key === ' ' || event.key === 'Enter'
    const isClear = event.key === 'Delete' || event.key === 'Backspace'
    if (arrow === undefined && !isPen && !isClear) return
    event.preventDefault()
    if (isClear) return clear()
    if (isPen) {
      isDown = !isDown
      if (isDown) begin(at)
    } else {
      const inside = (x: number) => Math.min(1, Math.max(0, x))
      at = [inside(at[0] + arrow[0]), inside(at[1] + arrow[1])]
      if (isDown) extend(at)
    }
    showPen()
  })
  // A pen left down would draw from there when one comes back.
  canvas.addEventListener('blur', () => {
    isDown = false
    showPen()
  })

  showPen()
  redraw()
  return {
    clear,
    redraw,
    isEmpty: () => strokes.length === 0,
    ink: () => {
      const { data } = context.getImageData(0, 0, side, side)
      const values = new Uint8Array(side * side)
      for (let i = 0; i < values.length; i++) values[i] = data[4 * i + 3]
      return { width: side, height: side, values }
    },
  }
}

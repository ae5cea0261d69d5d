// A curve with what it says: the value under the pointer or the last one, and a sentence for those who do not see it.
import type { BackendName } from './catalogue.ts'
import { type Chart, makeChart, type Scale } from './chart.ts'
import type { CurvePoint } from './messages.ts'

interface CurveOptions {
  /** What is drawn: 'Loss'. */
  readonly name: string
  readonly element: HTMLElement
  /** Where the value is shown. */
  readonly reading: HTMLElement
  readonly scale: Scale
}

export interface Curve extends Pick<Chart, 'begin' | 'moveTo' | 'add'> {
  /** The last value as text. */
  readonly last: () => string
}

/** An epoch, perhaps with a part of the next one. */
const epochText = (epoch: number): string => epoch.toLocaleString('en', { maximumFractionDigits: 2 })

export const makeCurve = ({ name, element, reading, scale }: CurveOptions): Curve => {
  let first: CurvePoint | undefined
  let last: CurvePoint | undefined
  let used: BackendName[] = []
  const { format } = scale
  const at = ([epoch, value]: CurvePoint): string => `${format(value)} at epoch ${epochText(epoch)}`

  const show = (point = last) => {
    const strong = document.createElement('strong')
    strong.textContent = point === undefined ? '' : format(point[1])
    reading.replaceChildren(...(point === undefined ? [] : [strong, at(point).slice(strong.textContent.length)]))
  }
  const describe = () =>
    element.setAttribute(
      'aria-label',
      first === undefined || last === undefined
        ? `No ${name.toLowerCase()} yet`
        : `${name} from ${at(first)} to ${at(last)}, on ${used.join(', then ')}`,
    )
  const chart = makeChart(element, scale, show)
  describe()
  return {
    begin: (epochs) => {
      first = last = undefined
      used = []
      element.classList.add('empty')
      chart.begin(epochs)
      show()
      describe()
    },
    moveTo: (backend) => {
      if (used.at(-1) !== backend) used.push(backend)
      chart.moveTo(backend)
      describe()
    },
    add: (points) => {
      if (points.length === 0) return
      first ??= points[0]
      last = points.at(-1)
      element.classList.remove('empty')
      chart.add(points)
      show()
      describe()
    },
    last: () => (last === undefined ? '?' : format(last[1])),
  }
}

// The page: sends the user's choices to the worker as orders and shows its news. It computes nothing, so it responds at
// once however long an epoch takes.
import { type BackendName, backends, type CourseName, courses, readers } from './catalogue.ts'
import { losses, shares } from './chart.ts'
import { makeCurve } from './curve.ts'
import type { Drawing } from './drawing.ts'
import type { News, Order, Trouble } from './messages.ts'

const find = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T
const form = find<HTMLFormElement>('controls')
const course = find<HTMLSelectElement>('course')
const epochs = find<HTMLInputElement>('epochs')
const seed = find<HTMLInputElement>('seed')
const trainButton = find<HTMLButtonElement>('train')
const stopButton = find<HTMLButtonElement>('stop')
const [saveButton, openButton] = [find<HTMLButtonElement>('save'), find<HTMLButtonElement>('open')]
const fileInput = find<HTMLInputElement>('file')
const [status, counted, bar] = [find('status'), find('counted'), find<HTMLProgressElement>('bar')]
const [legend, lines] = [find('legend'), find('lines')]

const element = <K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] => {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children)
  return made
}
const count = (n: number): string => Math.floor(n).toLocaleString('en')

let state: 'loading' | 'idle' | 'running' | 'paused' = 'loading'
/** The current or last training. */
let total = 0
let epoch = 0
let trained: CourseName | undefined
/** The opened training, which goes on if the example and the seed are still its own. */
let opened: { readonly course: CourseName; readonly epoch: number; readonly seed: string } | undefined
/** Whether a network was opened that reads digits. */
let isReader = false
const used: BackendName[] = []
/** The start for estimating the remaining time: when training began, resumed, or moved. */
let mark = { time: 0, epoch: 0 }

const worker = new Worker(new URL('worker.js', import.meta.url), { type: 'module', name: 'training' })
const order = (message: Order) => worker.postMessage(message)

const loss = makeCurve({ name: 'Loss', element: find('curve'), reading: find('reading'), scale: losses })
const accuracy = makeCurve({
  name: 'Accuracy',
  element: find('accuracy-curve'),
  reading: find('accuracy-reading'),
  scale: shares,
})
const curves = [loss, accuracy]

// ---- choices ----

for (const [name, { group, title }] of Object.entries(courses)) {
  const groups = [...course.querySelectorAll('optgroup')]
  const found = groups.find(({ label }) => label === group) ?? element('optgroup', { label: group })
  found.append(element('option', { value: name }, title))
  course.append(found)
}
for (const [value, { title }] of Object.entries(backends)) {
  const input = element('input', { type: 'radio', name: 'backend', value })
  find('backends').append(element('label', {}, input, element('span', {}, title)))
}
const radios = [...form.querySelectorAll<HTMLInputElement>('input[name=backend]')]
const chosenBackend = () => radios.find(({ checked }) => checked)?.value as BackendName
const chooseBackend = (name: BackendName) => {
  const isHere = radios.some((radio) => radio === document.activeElement)
  for (const radio of radios) radio.checked = radio.value === name
  if (isHere) radios.find(({ checked }) => checked)?.focus()
  find('found').textContent = backends[name].about
}

let drawing: Drawing | undefined
const describe = () => {
  const name = course.value as CourseName
  const { about, epochs: length } = courses[name]
  find('about').textContent = about
  epochs.value = String(length)
  const isDrawn = readers.has(name)
  for (const id of ['accuracy', 'drawing']) find(id).hidden = !isDrawn
  if (isDrawn) void loadDrawing()
}
course.addEventListener('change', describe)

const loadDrawing = async () => {
  const { makeDrawing } = await import('./drawing.ts')
  drawing ??= makeDrawing((digit) => order({ kind: 'read', digit }))
}
/** The network of the drawing has changed. */
const learnt = (isOver: boolean) => {
  if (trained !== undefined && readers.has(trained)) drawing?.learnt(epoch > 0 || isReader, isOver)
}

// ---- display ----

/** If the focused control is disabled, the focus moves to the button that is always enabled. */
const disable = (control: HTMLInputElement | HTMLSelectElement | HTMLButtonElement, isOff: boolean) => {
  if (isOff && document.activeElement === control) trainButton.focus()
  control.disabled = isOff
}

const show = (next: typeof state, text: string) => {
  state = next
  const isBusy = next === 'running' || next === 'paused'
  status.textContent = text
  trainButton.textContent = { loading: 'Train', idle: 'Train', running: 'Pause', paused: 'Resume' }[next]
  trainButton.disabled = next === 'loading'
  for (const control of [course, epochs, seed]) disable(control, isBusy)
  disable(stopButton, !isBusy)
  for (const control of [openButton, fileInput]) disable(control, isBusy || next === 'loading')
  document.body.dataset.state = next
  mark = { time: performance.now(), epoch }
  if (next !== 'running') learnt(true)
}

const showTrouble = (trouble?: Trouble) =>
  find('trouble').replaceChildren(
    ...(trouble === undefined
      ? []
      : [element('p', { className: 'trouble' }, element('strong', {}, trouble.sentence), ` ${trouble.remedy}`)]),
  )

const showCount = () => {
  const elapsed = performance.now() - mark.time
  const seconds = ((elapsed / (epoch - mark.epoch)) * (total - epoch)) / 1000
  const isKnown = state === 'running' && elapsed > 1000 && epoch > mark.epoch && seconds > 1
  const left = isKnown ? ` · ${seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`} left` : ''
  counted.textContent =
    total === 0 ? '' : `${count(epoch)} of ${count(total)} ${total === 1 ? 'epoch' : 'epochs'}${left}`
  bar.max = Math.max(1, total)
  bar.value = epoch
  disable(saveButton, epoch === 0)
}

const print = (texts: readonly string[]) => {
  if (texts.length === 0) return
  const atEnd = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 8
  lines.append(...texts.map((text) => `${text}\n`))
  if (atEnd) lines.scrollTop = lines.scrollHeight
}

/** The opened training, if it is what the controls say. */
const resumed = () => (opened?.course === course.value && opened.seed === seed.value ? opened : undefined)

const begin = () => {
  total = Number(epochs.value)
  epoch = resumed()?.epoch ?? 0
  // It goes on once; the next training is a new one.
  opened = undefined
  isReader = false
  trained = course.value as CourseName
  used.length = 0
  legend.replaceChildren()
  lines.replaceChildren()
  for (const curve of curves) curve.begin(total)
  showTrouble()
  learnt(true)
}

// ---- events ----

form.addEventListener('submit', (event) => {
  event.preventDefault()
  if (state === 'running') order({ kind: 'pause' })
  else if (state === 'paused') order({ kind: 'resume' })
  else if (state === 'idle') {
    const isResumed = resumed() !== undefined
    begin()
    order({
      kind: 'train',
      course: course.value as CourseName,
      backend: chosenBackend(),
      epochs: total,
      seed: BigInt(seed.value),
      isResumed,
    })
    show('running', `Loading ${chosenBackend()}`)
  }
})
stopButton.addEventListener('click', () => order({ kind: 'stop' }))
find('backends').addEventListener('change', () => {
  showTrouble()
  chooseBackend(chosenBackend())
  if (state === 'running' || state === 'paused') order({ kind: 'move', backend: chosenBackend() })
})

// ---- files ----

saveButton.addEventListener('click', () => order({ kind: 'save' }))
openButton.addEventListener('click', () => fileInput.click())

const openFile = (file: File | undefined) => {
  if (file === undefined) return
  if (state === 'idle') order({ kind: 'open', file })
  else showTrouble({ sentence: `${file.name} cannot be opened while a network trains.`, remedy: 'Press Stop first.' })
}
fileInput.addEventListener('change', () => {
  openFile(fileInput.files?.[0])
  // The same file may be chosen again.
  fileInput.value = ''
})
const dragged = (isOver: boolean) => (event: DragEvent) => {
  event.preventDefault()
  document.body.toggleAttribute('data-dragged', isOver)
}
document.addEventListener('dragover', dragged(true))
document.addEventListener('dragleave', dragged(false))
document.addEventListener('drop', (event) => {
  dragged(false)(event)
  openFile(event.dataTransfer?.files[0])
})

/** Gives bytes to the user as a file. */
const download = (name: string, bytes: Uint8Array) => {
  const href = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]))
  element('a', { href, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(href), 60_000)
}

const openedAs = async ({ course: name, training }: News & { kind: 'opened' }) => {
  showTrouble()
  course.value = name
  describe()
  opened = training && { course: name, ...training }
  const { title, epochs: length } = courses[name]
  epoch = training?.epoch ?? 0
  total = training === undefined ? 0 : Math.max(length, epoch)
  if (training !== undefined) {
    seed.value = training.seed
    // One that is over goes on for as long again, but for a network that may just be looked at.
    epochs.value = String(epoch >= length && !readers.has(name) ? epoch + length : total)
  }
  trained = name
  isReader = readers.has(name)
  if (isReader) await loadDrawing()
  const what = training === undefined ? 'The weights are open' : `A training of ${count(epoch)} epochs is open`
  show('idle', `${what}: ${title}`)
  showCount()
}

const moved = (name: BackendName, about: string) => {
  find('found').textContent = about
  if (used.at(-1) !== name) used.push(name)
  for (const curve of curves) curve.moveTo(name)
  legend.replaceChildren(...[...new Set(used)].map((each) => element('li', { className: each }, backends[each].title)))
  show(state, state === 'paused' ? `Paused, will continue on ${name}` : `Training on ${name}`)
}

worker.addEventListener('message', ({ data: news }: MessageEvent<News>) => {
  switch (news.kind) {
    case 'progress': {
      ;({ epoch } = news)
      print(news.lines)
      loss.add(news.points)
      accuracy.add(news.accuracies)
      showCount()
      learnt(false)
      return order({ kind: 'seen' })
    }
    case 'ready':
      return show('idle', 'Ready')
    case 'moved':
      return moved(news.backend, news.about)
    case 'elsewhere':
      return find('found').append(` It leaves ${news.op} to js.`)
    case 'refused':
      if (used.length > 0) chooseBackend(used.at(-1) as BackendName)
      // The worker goes on to it.
      else if (news.backend === 'wasm') chooseBackend('js')
      return showTrouble(news.trouble)
    case 'paused':
      return show('paused', `Paused at epoch ${count(epoch)}`)
    case 'resumed':
      return show('running', `Training on ${used.at(-1)}`)
    case 'stopped':
      return show('idle', epoch === 0 ? 'Ready' : `Stopped at epoch ${count(epoch)}`)
    case 'finished':
      return show('idle', `Finished with a loss of ${loss.last()}`)
    case 'failed':
      showTrouble(news.trouble)
      return show('idle', `Stopped by an error at epoch ${count(epoch)}`)
    case 'saved':
      return download(news.name, news.bytes)
    case 'opened':
      return void openedAs(news)
    case 'unopened':
      return showTrouble(news.trouble)
    case 'read':
      return drawing?.show(news.reading)
  }
})
worker.addEventListener('error', () => {
  showTrouble({
    sentence: 'The training worker could not be started.',
    remedy: 'Reload the page, or try another browser.',
  })
  show('loading', 'Not ready')
})

chooseBackend(Object.keys(backends)[0] as BackendName)
describe()
show('loading', 'Loading')
showCount()

// The page in a real browser: training, use by mouse and by keyboard, any window size, and a strict policy. Screenshots
// are saved in .cache/page for people to look at.
import { readFileSync } from 'node:fs'
import { get, type IncomingHttpHeaders } from 'node:http'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { models } from '@flambeau/vision'
import { io, save } from 'flambeau'
import { type Browser, type Page, chromium as playwright } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { chromium, chromiumArgs, chromiumMissing, testWith } from '../../tools/test/machine.ts'
import { backends, courses } from '../browser/catalogue.ts'
import { boston } from '../src/boston/index.ts'
import { breastCancer } from '../src/breast-cancer/index.ts'
import { lenet5 } from '../src/lenet5/index.ts'
import { type PageOptions, servePage } from '../src/page.ts'
import { parts } from '../src/shallow-network/index.ts'
import { imagesOf } from './images.ts'
import { expectLines, type Tolerance, type Transcript, transcripts } from './transcripts.ts'

vi.setConfig({ testTimeout: 120_000 })

const near: Tolerance = () => 1e-3
const [bostonSaid] = transcripts('boston')
const irisSaid = (transcripts('shallow-network')[0].parts as Record<string, Transcript>).iris

let browser: Browser
const closing: (() => unknown)[] = []
beforeAll(async () => {
  if (chromium) browser = await playwright.launch({ executablePath: chromium, args: chromiumArgs })
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})
afterAll(() => browser?.close())

interface Look {
  readonly width?: number
  readonly height?: number
  readonly dark?: boolean
  /** A script that the worker runs first. */
  readonly script?: string
}

/**
 * Opens the page and waits until it is ready. An error in it or in its console, or a request to another host, fails the
 * test.
 */
const open = async ({
  width = 1280,
  height = 800,
  dark = false,
  script,
  mayEvaluate = true,
}: Look & PageOptions = {}): Promise<Page> => {
  const { address, server } = await servePage({ mayEvaluate })
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light' })
  const wrong: string[] = []
  page.on('pageerror', (error) => wrong.push(error.message))
  // Where eval is forbidden, the browser reports every try.
  page.on('console', (said) => said.type() === 'error' && mayEvaluate && wrong.push(said.text()))
  page.on('request', (request) => request.url().startsWith(address) || wrong.push(request.url()))
  page.on('response', (response) => response.ok() || wrong.push(`${response.status()} ${response.url()}`))
  closing.push(async () => {
    await page.close()
    server.close()
    expect(wrong).toEqual([])
  })
  if (script !== undefined) {
    await page.route('**/worker.js', async (route) => {
      const response = await route.fetch()
      await route.fulfill({ response, body: script + (await response.text()) })
    })
  }
  await page.goto(address)
  await state(page, 'idle')
  return page
}

const state = (page: Page, name: 'idle' | 'running' | 'paused') =>
  page.waitForSelector(`body[data-state=${name}]`, { timeout: 100_000 })
const text = async (page: Page, id: string): Promise<string> => (await page.textContent(`#${id}`)) ?? ''
const lines = async (page: Page): Promise<string[]> => (await text(page, 'lines')).split('\n').slice(0, -1)
const soon = { timeout: 60_000, interval: 20 }
const printed = (page: Page, count: number) =>
  expect.poll(async () => (await lines(page)).length, soon).toBeGreaterThanOrEqual(count)
const label = (page: Page): Promise<string | null> => page.getAttribute('#curve', 'aria-label')
const epochOf = async (page: Page): Promise<number> =>
  Number(/^[\d,]+/.exec(await text(page, 'counted'))?.[0].replaceAll(',', ''))
/** Effectively endless, so that a test always catches training in the middle. */
const endless = '100000000'
const begin = async (page: Page, course: keyof typeof courses, epochs?: string) => {
  await page.selectOption('#course', course)
  if (epochs !== undefined) await page.fill('#epochs', epochs)
  await page.click('#train')
}
/**
 * Trains, or resumes, until a pause at the given line. The page itself presses the button when the line is printed,
 * which training waits for; with a click from here, training might be over on a busy machine.
 */
const trainTo = async (page: Page, line: number) => {
  await page.evaluate(`new MutationObserver((_, observer) => {
    if (document.getElementById('lines').textContent.split('\\n').length <= ${line}) return
    observer.disconnect()
    document.getElementById('train').click()
  }).observe(document.getElementById('lines'), { childList: true })`)
  await page.click('#train')
  await printed(page, line)
  await state(page, 'paused')
  expect(await lines(page)).toHaveLength(line)
}
/** Moves a paused training. */
const moveTo = async (page: Page, backend: string) => {
  await page.click(`input[value=${backend}]`)
  await expect.poll(() => text(page, 'status'), soon).toBe(`Paused, will continue on ${backend}`)
}

/** Draws strokes on the field, in shares of its size. */
const stroke = async (page: Page, ...points: readonly (readonly [x: number, y: number])[]) => {
  const pad = page.locator('#pad')
  await pad.scrollIntoViewIfNeeded()
  const { x, y, width, height } = (await pad.boundingBox()) as { x: number; y: number; width: number; height: number }
  for (const [i, [across, down]] of points.entries()) {
    await page.mouse.move(x + across * width, y + down * height, { steps: 4 })
    if (i === 0) await page.mouse.down()
  }
  await page.mouse.up()
}
/** The pictures of the network's input and of its convolutions. */
const pictures = (page: Page): Promise<string[]> =>
  page.evaluate(`['seen', 'first', 'second'].map((id) => document.getElementById(id).toDataURL())`)
const probabilities = (page: Page): Promise<number[]> =>
  page.evaluate(
    `[...document.querySelectorAll('#scores li')].map((row) => Number(row.style.getPropertyValue('--share')))`,
  )

/** How many columns of pixels have one of the page's colours, as a curve from left to right does. */
const columnsOf = (page: Page, name: string): Promise<number> =>
  page.evaluate(`(() => {
    const canvas = document.querySelector('#curve canvas')
    const colour = getComputedStyle(document.documentElement).getPropertyValue('--${name}')
    const [r, g, b] = colour.match(/[0-9a-f]{2}/g).map((two) => parseInt(two, 16))
    const { data, width } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    const columns = new Set()
    for (let i = 0; i < data.length; i += 4)
      if (data[i] === r && data[i + 1] === g && data[i + 2] === b) columns.add((i / 4) % width)
    return columns.size / width
  })()`)

const inBrowser = (name: string, body: () => Promise<void>) => testWith('browser', chromiumMissing, name, body)

describe('the menu of the page', () => {
  it('matches the lessons', () => {
    const lessons = { boston, breastCancer, ...parts, lenet5 }
    const images = imagesOf('MNIST', { train: 100, test: 1 })
    expect(Object.keys(courses)).toEqual(Object.keys(lessons))
    for (const [name, lesson] of Object.entries(lessons)) {
      const { value } = lesson({ images, print: () => {} }).next()
      expect(value?.epochs, name).toBe(courses[name as keyof typeof courses].epochs)
    }
  })
})

describe('the code that the page loads', () => {
  it('is minified, and compressed for clients that accept it', async () => {
    const { address, server } = await servePage()
    const ask = (path: string, encoding: string) =>
      new Promise<{ headers: IncomingHttpHeaders; bytes: Buffer }>((resolve) =>
        get(`${address}${path}`, { headers: { 'accept-encoding': encoding } }, async (response) =>
          resolve({ headers: response.headers, bytes: Buffer.concat(await response.toArray()) }),
        ),
      )
    // What a script imports statically is loaded with it; a lesson, its data and gpu.js are imported on demand.
    const files = ['', 'page.js', 'page.css', 'worker.js', 'icon.svg']
    let total = 0
    for (const file of files) {
      const plain = await ask(file, 'identity')
      const { headers, bytes } = await ask(file, 'br, gzip')
      expect(headers['content-encoding'], file).toBe('gzip')
      expect(gunzipSync(bytes).equals(plain.bytes), file).toBe(true)
      expect(plain.headers['content-encoding']).toBeUndefined()
      total += bytes.length
      for (const [, name] of String(plain.bytes).matchAll(/(?:from|import)"\.\/([\w-]+\.js)"/g))
        if (!files.includes(name)) files.push(name)
    }
    server.close()
    expect(files.length).toBeGreaterThan(5)
    expect(total).toBeLessThan(320_000)
  })
})

describe('the page', () => {
  inBrowser('trains boston: PyTorch’s lines, and the curve', async () => {
    const page = await open()
    expect(await page.isChecked('input[value=wasm]')).toBe(true)
    expect(await page.locator('#curve canvas').count()).toBe(0)
    await begin(page, 'boston')
    await state(page, 'idle')
    expectLines(await lines(page), bostonSaid.lines, near)
    expect(await text(page, 'found')).toBe(backends.wasm.about)
    expect(await text(page, 'status')).toBe('Finished with a loss of 23.096')
    expect(await text(page, 'counted')).toBe('2,000 of 2,000 epochs')
    expect(await text(page, 'reading')).toBe('23.096 at epoch 2,000')
    expect(await label(page)).toBe('Loss from 592.41 at epoch 1 to 23.096 at epoch 2,000, on wasm')
    expect(await columnsOf(page, 'wasm')).toBeGreaterThan(0.8)
    // Hovering reads the curve at the pointer.
    await page.hover('#curve .u-over')
    expect(await text(page, 'reading')).toMatch(/^\d+\.\d+ at epoch (9\d\d|1,0\d\d)$/)
    await page.hover('h1')
    expect(await text(page, 'reading')).toMatch(/ at epoch 2,000$/)
  })

  inBrowser('stretches a few epochs over some seconds, and draws a dot for one epoch', async () => {
    const page = await open()
    // As many updates as there are epochs, or frames: each one is visible.
    await page.evaluate(`{
      window.seen = []
      new MutationObserver(() => {
        const count = Number(document.getElementById('counted').textContent.split(' ')[0])
        if (seen.at(-1) !== count) seen.push(count)
      }).observe(document.getElementById('counted'), { childList: true })
    }`)
    await begin(page, 'digits')
    await state(page, 'idle')
    expect(await page.evaluate('seen')).toEqual(Array.from({ length: 21 }, (_, i) => i).filter((i) => i > 0))

    await page.fill('#epochs', '1')
    await page.click('#train')
    await state(page, 'idle')
    expect(await columnsOf(page, 'wasm')).toBeGreaterThan(0)
    expect(await text(page, 'counted')).toBe('1 of 1 epoch')
    expect(await label(page)).toMatch(/^Loss from (.*) at epoch 1 to \1 at epoch 1, on wasm$/)
    await page.screenshot({ path: `${folder}dot.png` })
  })

  for (const [course, said, home, there, back] of [
    ['boston', bostonSaid, 'wasm', 5, 9],
    // With Adam, whose state moves along. Its first lines are the model.
    ['iris', irisSaid, 'js', 8, 11],
  ] as const) {
    inBrowser(`${course} moves from ${home} to gpujs in mid-training and back, and the curve continues`, async () => {
      const page = await open()
      await page.selectOption('#course', course)
      await page.click(`input[value=${home}]`)
      await trainTo(page, there)
      expect(await page.isDisabled('#epochs')).toBe(true)
      await moveTo(page, 'gpujs')
      expect(await text(page, 'found')).toMatch(/^gpu\.js in mode webgl2?: /)
      await trainTo(page, back)
      expect(await text(page, 'status')).toMatch(/^Paused at epoch /)
      await moveTo(page, home)
      await page.click('#train')
      await state(page, 'idle')
      expectLines(await lines(page), said.lines, near)
      expect(await label(page)).toMatch(new RegExp(`, on ${home}, then gpujs, then ${home}$`))
      expect(await page.locator('#legend li').allTextContents()).toEqual([home, 'gpujs'])
      expect(await columnsOf(page, home)).toBeGreaterThan(0.2)
      expect(await columnsOf(page, 'gpujs')).toBeGreaterThan(0.1)
    })
  }

  inBrowser('responds while it trains: pause, resume, stop, and again', async () => {
    const page = await open()
    expect(await page.isVisible('#curve canvas')).toBe(false)
    await begin(page, 'breastCancer', endless)
    await printed(page, 1)
    await page.waitForSelector('#curve canvas')
    await expect.poll(() => columnsOf(page, 'wasm'), soon).toBeGreaterThan(0)
    // The page keeps drawing frames while epochs pass.
    const before = await epochOf(page)
    await page.evaluate(`(async () => {
      for (let frame = 0; frame < 20; frame++) await new Promise(requestAnimationFrame)
    })()`)
    expect(await epochOf(page)).toBeGreaterThan(before)

    await page.click('#train')
    await state(page, 'paused')
    const at = await epochOf(page)
    expect(await text(page, 'status')).toBe(`Paused at epoch ${at.toLocaleString('en')}`)
    // The worker has handled two orders since, and run no epoch.
    await moveTo(page, 'gpujs')
    await moveTo(page, 'js')
    expect(await epochOf(page)).toBe(at)

    await page.click('#train')
    await state(page, 'running')
    await printed(page, (await lines(page)).length + 1)
    await page.click('#stop')
    await state(page, 'idle')
    expect(await epochOf(page)).toBeGreaterThan(at)
    expect(await text(page, 'status')).toMatch(/^Stopped at epoch /)

    await begin(page, 'iris')
    await state(page, 'idle')
    expectLines(await lines(page), irisSaid.lines, near)
  })

  inBrowser('reads digits that one draws, with the weights that LeNet-5 has so far', async () => {
    const page = await open()
    await page.selectOption('#course', 'lenet5')
    const unread = 'It is read once you train'
    await expect.poll(() => text(page, 'answer'), soon).toBe(unread)
    const blank = await pictures(page)
    await stroke(page, [0.5, 0.15], [0.5, 0.85])
    // The picture is there without a network, what the network makes of it is not.
    const drawn = await pictures(page)
    expect(drawn[0]).not.toBe(blank[0])
    expect(drawn.slice(1)).toEqual(blank.slice(1))
    expect(await text(page, 'answer')).toBe(unread)

    await page.click('#train')
    // It is read while the network learns, better and better.
    await expect.poll(() => text(page, 'answer'), soon).toMatch(/^It looks like a \d: \d+ %$/)
    await expect.poll(() => text(page, 'accuracy-reading'), soon).toMatch(/^\d+\.\d % at epoch 2$/)
    await page.click('#train')
    await state(page, 'paused')
    expect(await label(page)).toMatch(/^Loss from 2\.\d+ at epoch 0\.01 to 0\.\d+ at epoch 2(\.\d+)?, on wasm$/)
    expect((await lines(page))[0]).toBe('LeNet5(')

    const read = (digit: number) =>
      expect.poll(() => text(page, 'answer'), soon).toMatch(new RegExp(`^It looks like a ${digit}: `))
    await read(1)
    const [one, shares] = [await pictures(page), await probabilities(page)]
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5)
    expect(shares[1]).toBe(Math.max(...shares))
    expect(one[0]).toBe(drawn[0])
    for (const i of [1, 2]) expect(one[i]).not.toBe(blank[i])
    expect(await page.getAttribute('#second', 'aria-label')).toMatch(/10 × 10; the strongest of 16 is map \d+$/)
    await expect.poll(() => text(page, 'announced'), soon).toMatch(/^It looks like a 1: /)

    // Half drawn is read, too.
    const between = await pictures(page)
    await page.locator('#pad').hover({ position: { x: 60, y: 40 } })
    await page.mouse.down()
    await page.mouse.move(300, 700, { steps: 3 })
    await expect.poll(() => pictures(page), soon).not.toEqual(between)
    await page.mouse.up()

    await page.click('#clear')
    expect(await text(page, 'answer')).toBe('Draw one')
    expect(await pictures(page)).toEqual(blank)
    expect(await probabilities(page)).toEqual(Array(10).fill(0))

    // By keyboard: the pen begins in the middle.
    await page.keyboard.press('Shift+Tab')
    expect(await page.isVisible('#pen')).toBe(true)
    const press = async (key: string, times = 1) => {
      for (let i = 0; i < times; i++) await page.keyboard.press(key)
    }
    await press('ArrowUp', 9)
    await press('ArrowLeft', 6)
    expect(await pictures(page)).toEqual(blank)
    await press('Space')
    for (const [key, times] of [
      ['ArrowRight', 12],
      ['ArrowDown', 18],
      ['ArrowLeft', 12],
      ['ArrowUp', 18],
    ] as const)
      await press(key, times)
    await press('Space')
    await press('ArrowDown', 3)
    await read(0)
    expect((await pictures(page))[1]).not.toBe(one[1])
    await press('Delete')
    expect(await pictures(page)).toEqual(blank)

    // By a finger, without scrolling the page.
    const touch = await page.context().newCDPSession(page)
    const { x, y } = (await page.locator('#pad').boundingBox()) as { x: number; y: number }
    const scrolled = await page.evaluate('scrollY')
    for (const [type, down] of [
      ['touchStart', 30],
      ['touchMove', 120],
      ['touchMove', 210],
    ] as const)
      await touch.send('Input.dispatchTouchEvent', { type, touchPoints: [{ x: x + 120, y: y + down }] })
    await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
    await read(1)
    expect(await page.evaluate('scrollY')).toBe(scrolled)

    for (const [width, colorScheme] of [
      [1280, 'light'],
      [1280, 'dark'],
      [390, 'dark'],
      [390, 'light'],
    ] as const) {
      const name = `lenet5-${width}-${colorScheme}`
      await page.setViewportSize({ width, height: 900 })
      // Colours change at once.
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      expect(await axe(page), name).toEqual([])
      expect(await page.evaluate('document.documentElement.scrollWidth'), name).toBe(width)
      await page.screenshot({ path: `${folder}${name}.png`, fullPage: true })
    }

    // The network is gone once another one is trained, here on the other backend, which reads as well.
    await page.click('#stop')
    await state(page, 'idle')
    await page.click('input[value=gpujs]')
    await page.click('#train')
    await expect.poll(() => text(page, 'answer'), soon).toMatch(/^It looks like a \d: [1-8]?\d %$/)
    expect(await label(page)).toMatch(/^Loss from 2\.\d+ at epoch 0\.01 to 2\.\d+ at epoch 0\.\d+, on gpujs$/)
    expect((await probabilities(page)).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 4)
  })

  /** Drops a file on the page. */
  const drop = (page: Page, name: string, bytes: Uint8Array) =>
    page.evaluate(`{
      const dataTransfer = new DataTransfer()
      dataTransfer.items.add(new File([new Uint8Array([${[...bytes]}])], ${JSON.stringify(name)}))
      for (const type of ['dragover', 'drop']) document.dispatchEvent(new DragEvent(type, { dataTransfer, cancelable: true }))
    }`)

  inBrowser('saves a training, opens it, and goes on from there', async () => {
    const page = await open()
    await begin(page, 'boston', '200')
    await state(page, 'idle')
    const [saved] = await Promise.all([page.waitForEvent('download'), page.click('#save')])
    expect(saved.suggestedFilename()).toBe('boston.safetensors')
    const bytes = readFileSync(await saved.path())
    const { tensors } = await io.list(bytes)
    expect(tensors.map(({ name }) => name)).toEqual(['model.weight', 'model.bias'])

    const whole: string[] = []
    for (const _ of boston({ epochs: 400, print: (line) => void whole.push(String(line)) }));
    await page.selectOption('#course', 'iris')
    await drop(page, 'boston.safetensors', bytes)
    await expect.poll(() => text(page, 'status'), soon).toBe('A training of 200 epochs is open: Boston housing')
    expect(await page.inputValue('#course')).toBe('boston')
    await page.screenshot({ path: `${folder}opened.png`, fullPage: true })
    await page.fill('#epochs', '400')
    await page.click('#train')
    await state(page, 'idle')
    expect(await lines(page)).toEqual(whole.slice(2))
    expect(await label(page)).toMatch(/^Loss from .* at epoch 201 to .* at epoch 400, on wasm$/)

    // A file that is none is a sentence, and so is one while a network trains.
    await drop(page, 'letter.txt', Buffer.from('Dear reader'))
    await expect.poll(() => text(page, 'trouble'), soon).toMatch(/^letter\.txt: is not a file of tensors/)
    await begin(page, 'boston', endless)
    await state(page, 'running')
    await drop(page, 'boston.safetensors', bytes)
    await expect.poll(() => text(page, 'trouble'), soon).toMatch(/cannot be opened while a network trains/)
    await page.click('#stop')
    await state(page, 'idle')
  })

  inBrowser('reads digits with the weights of a file', async () => {
    const page = await open()
    const model = models.lenet5({ pooling: 'max', activation: 'relu' })
    await page.setInputFiles('#file', {
      name: 'lenet5.pt',
      mimeType: '',
      buffer: Buffer.from(await save(model.stateDict(), undefined, { format: 'pt' })),
    })
    await expect.poll(() => text(page, 'status'), soon).toBe('The weights are open: LeNet-5: handwritten digits')
    await stroke(page, [0.5, 0.15], [0.5, 0.85])
    await expect.poll(() => text(page, 'answer'), soon).toMatch(/^It looks like a \d: \d+ %$/)
    await page.screenshot({ path: `${folder}weights.png`, fullPage: true })
  })

  inBrowser('works by keyboard alone, and shows the focus', async () => {
    const page = await open()
    const focused = () => page.evaluate<string>('document.activeElement.value || document.activeElement.id')
    const outlined = () =>
      page.evaluate<string>(`(() => {
        const { activeElement: at } = document
        return getComputedStyle(at.type === 'radio' ? at.nextElementSibling : at).outlineStyle
      })()`)
    const tab = async (to: string) => {
      await page.keyboard.press('Tab')
      expect(await focused()).toBe(to)
      expect(await outlined()).toBe('solid')
    }
    await tab('boston')
    await page.keyboard.type('Iris')
    expect(await page.inputValue('#epochs')).toBe('200')
    await tab('wasm')
    await tab('200')
    await page.keyboard.type(endless)
    await tab('0')
    await page.keyboard.type('1')
    await tab('train')
    await page.keyboard.press('Enter')
    await state(page, 'running')
    await page.keyboard.press('Space')
    await state(page, 'paused')
    expect(await text(page, 'train')).toBe('Resume')
    await page.keyboard.press('Shift+Tab')
    expect(await focused()).toBe('wasm')
    await page.keyboard.press('ArrowRight')
    expect(await focused()).toBe('js')
    await page.keyboard.press('ArrowRight')
    expect(await focused()).toBe('gpujs')
    await expect.poll(() => text(page, 'status'), soon).toMatch(/ gpujs$/)
    await tab('train')
    await tab('stop')
    await page.keyboard.press('Enter')
    await state(page, 'idle')
    // The pressed button is disabled, but the focus is not lost.
    expect(await focused()).toBe('train')
    await tab('lines')
    // Nor is it lost if training starts from a field.
    await page.focus('#seed')
    await page.keyboard.press('Enter')
    await state(page, 'running')
    expect(await focused()).toBe('train')
    await page.click('#stop')
    await state(page, 'idle')
  })

  inBrowser('reports an invalid number, and does not train', async () => {
    const page = await open()
    for (const [field, wrong] of [
      ['epochs', ''],
      ['epochs', '0'],
      ['epochs', '1.5'],
      ['seed', 'x'],
      ['seed', ''],
    ]) {
      const right = await page.inputValue(`#${field}`)
      await page.fill(`#${field}`, wrong)
      await page.click('#train')
      expect(await page.evaluate(`document.activeElement.id`)).toBe(field)
      expect(await page.evaluate(`document.activeElement.validationMessage`)).not.toBe('')
      expect(await text(page, 'status')).toBe('Ready')
      await page.fill(`#${field}`, right)
    }
    await page.fill('#epochs', '100')
    await page.fill('#seed', '42')
    await page.click('#train')
    await state(page, 'idle')
    const said = transcripts('boston').find(({ seed }) => seed === 42) as Transcript
    expectLines(await lines(page), said.lines.slice(0, 1), near)
  })

  inBrowser('trains under a policy that forbids eval, and says why gpujs cannot', async () => {
    const page = await open({ mayEvaluate: false })
    await page.selectOption('#course', 'boston')
    await page.click('input[value=js]')
    await trainTo(page, 2)
    expect(await text(page, 'found')).toContain('the policy of this page forbids eval')
    await page.click('input[value=gpujs]')
    await page.waitForSelector('[role=alert] .trouble')
    expect(await text(page, 'trouble')).toMatch(/^gpu\.js makes its kernels from text.*Allow 'unsafe-eval'/)
    expect(await page.isChecked('input[value=js]')).toBe(true)
    expect(await page.evaluate('document.activeElement.value')).toBe('js')
    await page.click('#train')
    await state(page, 'idle')
    expectLines(await lines(page), bostonSaid.lines, near)
    expect(await axe(page)).toEqual([])
  })

  inBrowser('trains on wasm, under a policy that forbids eval, and moves there in mid-training', async () => {
    const page = await open({ mayEvaluate: false })
    await page.selectOption('#course', 'boston')
    await trainTo(page, 2)
    await moveTo(page, 'js')
    await moveTo(page, 'wasm')
    await page.click('#train')
    await state(page, 'idle')
    expectLines(await lines(page), bostonSaid.lines, near)
  })

  inBrowser('goes on to js where wasm cannot be loaded, and says why', async () => {
    const page = await open()
    await page.route('**/flambeau.wasm', (route) =>
      route.fulfill({ body: '<!doctype html>', contentType: 'text/html' }),
    )
    await begin(page, 'boston', '100')
    await state(page, 'idle')
    expectLines(await lines(page), bostonSaid.lines.slice(0, 1), near)
    expect(await text(page, 'trouble')).toMatch(/^device 'wasm' cannot use the module .* it is not WebAssembly/)
    expect(await page.isChecked('input[value=js]')).toBe(true)
    expect(await label(page)).toMatch(/, on js$/)
  })

  inBrowser('reports a lost GPU, and trains again', async () => {
    const page = await open({
      script: `const { getContext } = OffscreenCanvas.prototype
        let lose
        OffscreenCanvas.prototype.getContext = function (...args) {
          const context = getContext.apply(this, args)
          OffscreenCanvas.prototype.getContext = getContext
          lose = () => context.getExtension('WEBGL_lose_context').loseContext()
          return context
        }
        const say = self.postMessage
        self.postMessage = (news) => {
          say(news)
          if (news.kind !== 'progress' || news.epoch < 10) return
          lose?.()
          lose = undefined
        };`,
    })
    await page.check('input[value=gpujs]')
    await begin(page, 'boston')
    await page.waitForSelector('[role=alert] .trouble', { timeout: 100_000 })
    expect(await text(page, 'trouble')).toMatch(/^the WebGL context of device 'gpujs' was lost/)
    expect(await text(page, 'status')).toMatch(/^Stopped by an error at epoch \d+$/)
    await page.fill('#epochs', '100')
    await page.click('#train')
    await printed(page, 1)
    await state(page, 'idle')
    expectLines(await lines(page), bostonSaid.lines.slice(0, 1), near)
    expect(await text(page, 'trouble')).toBe('')
  })

  inBrowser('reports a missing script', async () => {
    const page = await browser.newPage()
    const { address, server } = await servePage()
    closing.push(async () => {
      await page.close()
      server.close()
    })
    await page.route('**/worker.js', (route) => route.abort())
    await page.goto(address)
    await page.waitForSelector('[role=alert] .trouble')
    expect(await text(page, 'trouble')).toMatch(/^The training worker could not be started\. Reload/)
    expect(await page.isDisabled('#train')).toBe(true)
  })

  for (const look of [
    { width: 360, height: 740 },
    { width: 360, height: 740, dark: true },
    { width: 820, height: 1180 },
    { width: 1280, height: 800 },
    { width: 1280, height: 800, dark: true },
  ]) {
    const name = `${look.width}${look.dark ? '-dark' : ''}`
    inBrowser(`fits ${name}, and is accessible`, async () => {
      const page = await open(look)
      const check = async (moment: string) => {
        expect(await axe(page), moment).toEqual([])
        expect(await page.evaluate('document.documentElement.scrollWidth'), moment).toBe(look.width)
        await page.screenshot({ path: `${folder}${name}-${moment}.png`, fullPage: true })
      }
      await check('ready')
      await page.selectOption('#course', 'binary')
      await trainTo(page, 10)
      await check('paused')
    })
  }
})

const folder = fileURLToPath(new URL('../.cache/page/', import.meta.url))
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The violations that axe finds of WCAG 2.2 AA and good practice, including contrast. */
const axe = async (page: Page): Promise<string[]> => {
  await page.evaluate(axeSource)
  return page.evaluate(`axe.run().then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => [id, html, failureSummary].join('\\n'))))`)
}

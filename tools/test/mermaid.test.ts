// The output of `graph()` is a flowchart that Mermaid itself accepts, with all its boxes and arrows.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect } from 'vitest'
import { compile, F, nn, optim, randn, type Tensor, tensor } from '../../packages/flambeau/src/index.ts'
import { inPage } from './browser.ts'
import { chromiumMissing, testWith } from './machine.ts'

/** The used part of the page. */
interface Page {
  readonly mermaid: {
    parse(text: string): Promise<unknown>
    render(id: string, text: string): Promise<{ readonly svg: string }>
  }
  readonly document: { readonly body: { innerHTML: string } }
}

const library = createRequire(import.meta.url)
  .resolve('mermaid')
  .replace(/[^/\\]*$/, 'mermaid.min.js')

const flowchartOf = (step: () => Tensor): string => {
  const compiled = compile(step)
  for (let i = 0; i < 3; i++) compiled()
  return compiled.graph()
}

const training = (): string => {
  const model = new nn.Sequential(new nn.Linear(5, 4), new nn.ReLU(), new nn.Dropout(0.5), new nn.Linear(4, 3))
  const optimizer = new optim.Adam(model.parameters())
  const [x, y] = [randn(6, 5), tensor([0, 1, 2, 0, 1, 2], { dtype: 'int32' })]
  return flowchartOf(() => {
    const loss = F.crossEntropy(model.forward(x) as Tensor, y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  })
}

const x = randn(3)
const flowcharts = { training: training(), 'a single operation': flowchartOf(() => x.add(1)) }

testWith(
  'browser',
  chromiumMissing,
  'Mermaid draws a step with every box and arrow, and rejects text that is not a flowchart',
  async () => {
    await inPage({ script: '' }, async (page) => {
      // A classic script, because it defines a global of the page.
      await page.addScriptTag({ content: readFileSync(library, 'utf8') })
      const texts = async (selector: string): Promise<string[]> =>
        (await page.locator(selector).allTextContents()).map((text) => text.trim())
      const drawn = async (text: string) => {
        await page.evaluate(async (chart) => {
          const { mermaid, document } = globalThis as unknown as Page
          await mermaid.parse(chart)
          const { svg } = await mermaid.render('chart', chart)
          document.body.innerHTML = svg
        }, text)
        return {
          boxes: await texts('.node'),
          arrows: await page.locator('.flowchart-link').count(),
          labels: await texts('.edgeLabel .label'),
        }
      }
      for (const text of Object.values(flowcharts)) {
        const lines = text.split('\n')
        const boxes = lines.flatMap((line) => /^ {2}\w+\(?\[+"(.*)"\]+\)?$/.exec(line)?.[1] ?? [])
        const arrows = lines.filter((line) => line.includes('-->'))
        expect(boxes.length + arrows.length).toBe(lines.length - 1)
        const found = await drawn(text)
        expect(found.boxes.sort()).toEqual(boxes.sort())
        expect(found.arrows).toBe(arrows.length)
        const named = arrows.flatMap((line) => /-- "(.*)" -->/.exec(line)?.[1] ?? [])
        expect(found.labels.filter((label) => label !== '').sort()).toEqual(named.sort())
      }
      await expect(drawn('flowchart TD\n  a["open')).rejects.toThrow(/Parse error|Lexical error|parse/i)
    })
  },
  60_000,
)

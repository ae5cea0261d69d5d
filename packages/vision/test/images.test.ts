// Pictures in files and in memory, compared with PIL's and torchvision's.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { crc32 } from 'node:zlib'
import { zlibSync } from 'fflate'
import { arange, RuntimeError, Tensor, tensor, TypeError, ValueError, zeros } from '@flambeau/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import 'flambeau'
import { datasets, io, transforms, utils } from '../src/index.ts'
import type { GridOptions } from '../src/utils/index.ts'

interface Saved {
  name: string
  file: string
  mode: io.ImageMode
  size: [number, number]
  data: string
}
const golden = JSON.parse(readFileSync(new URL('golden/images.json', import.meta.url), 'utf8')) as {
  pngs: Saved[]
  jpegs: Saved[]
  conversions: { from: string; to: io.PlainMode; data: string }[]
  moved: { name: string; tensors: Record<string, { dtype: string; sizes: number[]; data: number[] }> }[]
  grids: { shape: number[]; options: GridOptions; sizes: number[]; data: number[] }[]
}
const bytesOf = (text: string, encoding: 'base64' | 'hex' = 'base64') => new Uint8Array(Buffer.from(text, encoding))
const base64 = ({ data }: io.AnyImage) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
const png = (name: string) => bytesOf(golden.pngs.find((saved) => saved.name === name)?.file ?? '')

describe('PNG', () => {
  it.each(golden.pngs.map((saved) => [saved.name, saved] as const))('%s is PIL’s picture', (_, saved) => {
    const image = io.imageFrom(bytesOf(saved.file))
    expect([image.mode, image.size]).toEqual([saved.mode, saved.size])
    expect(base64(image)).toBe(saved.data)
    const again = io.imageFrom(io.encodePng(image))
    expect([again.mode, again.size, again.data]).toEqual([image.mode, image.size, image.data])
    if (image.palette !== undefined) expect(again.palette).toEqual(image.palette)
  })
})

describe('JPEG', () => {
  it.each(golden.jpegs.map((saved) => [saved.name, saved] as const))('%s is close to PIL’s picture', (_, saved) => {
    const image = io.imageFrom(bytesOf(saved.file))
    const wanted = bytesOf(saved.data)
    expect([image.mode, image.size]).toEqual([saved.mode, saved.size])
    const far = Array.from(image.data, (v, i) => Math.abs(v - wanted[i]))
    // Decoders differ in how they round and in how they enlarge planes of half the size.
    expect(far.reduce((a, b) => a + b, 0) / far.length).toBeLessThan(saved.name.includes('4:2:0') ? 4 : 0.6)
    if (!saved.name.includes('4:2:0')) expect(Math.max(...far)).toBeLessThanOrEqual(3)
  })

  it('is written at the quality that is asked for', () => {
    const image = io.imageFrom(bytesOf(golden.jpegs[0].file), { mode: 'RGB' })
    const [good, bad] = [io.encodeJpeg(image, { quality: 95 }), io.encodeJpeg(image, 20)]
    expect(good.length).toBeGreaterThan(bad.length)
    const far = Array.from(io.imageFrom(good).data, (v, i) => Math.abs(v - image.data[i]))
    expect(far.reduce((a, b) => a + b, 0) / far.length).toBeLessThan(3)
    expect(() => io.encodeJpeg(image, 0)).toThrow(ValueError)
    const scope = globalThis as { Buffer?: unknown }
    const kept = scope.Buffer
    scope.Buffer = undefined
    try {
      // As in a browser.
      expect(io.encodeJpeg(image, 20)).toEqual(bad)
      expect(scope.Buffer).toBeUndefined()
    } finally {
      scope.Buffer = kept
    }
  })
})

describe('Image', () => {
  it.each(golden.conversions)('converts $from to $to as PIL does', ({ from, to, data }) => {
    const image = io.imageFrom(png(from))
    const converted = image.convert(to)
    expect(converted.mode).toBe(to)
    expect(Buffer.from(base64(converted), 'base64').toString('hex')).toBe(data)
    expect(converted === image).toBe(image.mode === to)
  })

  it.each(golden.moved)('$name becomes torchvision’s tensors, and keeps its mode', ({ name, tensors }) => {
    const F = transforms.functional
    const image = io.imageFrom(png(name))
    const moves: Record<string, (image: io.AnyImage) => Tensor | io.AnyImage> = {
      toTensor: F.toTensor,
      pilToTensor: F.pilToTensor,
      hflip: F.hflip,
      pad: (image) => F.pad(image, 1, 7),
      centerCrop: (image) => F.centerCrop(image, [3, 4]),
    }
    for (const [key, { dtype, sizes, data }] of Object.entries(tensors)) {
      const result = moves[key](image)
      if (!(result instanceof Tensor)) expect([result.mode, result.palette]).toEqual([image.mode, image.palette])
      const x = result instanceof Tensor ? result : F.pilToTensor(result)
      expect([key, x.dtype, x.shape]).toEqual([key, dtype, sizes])
      expect(Array.from(x.toArray(), Number)).toEqual(
        data.map(Number).map(x.dtype === 'float32' ? Math.fround : Number),
      )
    }
    const values = new Set<number>(image.data)
    const options = { interpolation: 'bilinear' } as const
    for (const moved of [
      F.resize(image, [5, 5]),
      F.rotate(image, 30, options),
      F.affine(image, 9, [0, 0], 1, 0, options),
    ])
      expect(image.mode === 'I' || moved.data.every((v) => v === 0 || values.has(v))).toBe(true)
    for (const change of [F.adjustBrightness, F.adjustSharpness, F.posterize, F.solarize])
      expect(() => change(image, 1)).toThrow(`image has wrong mode\nIts mode is ${image.mode}. Convert it first: `)
    expect(F.toGrayscale(image, 3).mode).toBe('RGB')
    if (image.mode === 'I') {
      expect(F.toPilImage(F.toTensor(image)).data).toEqual(image.data)
      expect(F.gaussianBlur(image, [3, 3]).mode).toBe('I')
    } else expect(() => F.gaussianBlur(image, [3, 3])).toThrow('image has wrong mode')
    const [rgb] = new datasets.ImageFolder({ 'a/1.png': png(name) }).at(0)
    expect(rgb.data).toEqual(image.convert('RGB').data)
  })

  it('becomes a tensor of planes, and back', () => {
    const x = arange(24).to('uint8').reshape(3, 2, 4)
    const file = io.encodePng(x)
    expect(io.imageFrom(file).data.slice(0, 6)).toEqual(Uint8Array.of(0, 8, 16, 1, 9, 17))
    expect(io.decodeImage(file).equal(x)).toBe(true)
    expect(io.decodeImage(file, { mode: 'L' }).shape).toEqual([1, 2, 4])
    expect(String(io.imageFrom(file))).toBe('<Image mode=RGB size=4x2>')
  })

  it('refuses sizes, modes and data that do not fit', () => {
    expect(() => new io.Image(0, 1, 'L')).toThrow('Width and height must be > 0')
    expect(() => new io.Image(1, 1, 'CMYK' as never)).toThrow("unrecognized image mode 'CMYK'")
    expect(() => new io.Image(2, 2, 'RGB', new Uint8Array(11))).toThrow('not enough image data')
    expect(() => new io.Image(2, 2, 'RGB', new Uint8Array(13))).toThrow('too much image data')
    expect(() => new io.Image(1, 1, 'I', new Uint8Array(1) as never)).toThrow('The data of mode I are in a Int32Array.')
    expect(() => new io.Image(1, 1, 'L', undefined, new Uint8Array(4))).toThrow('illegal image mode')
    expect(() => new io.Image(1, 1, 'L').convert('P' as never)).toThrow('conversion from L to P not supported')
    expect(() => io.encodeJpeg(new io.Image(1, 1, 'I'))).toThrow('cannot write mode I as JPEG')
    expect(() => io.encodePng(zeros(3, 2, 2))).toThrow('Input tensor dtype should be uint8, but got float32')
    expect(() => io.encodePng(zeros([2, 2], { dtype: 'uint8' }))).toThrow('3-dimensional')
    expect(() => io.encodePng(zeros([5, 2, 2], { dtype: 'uint8' }))).toThrow('1 to 4, but got 5')
    expect(() => io.decodeImage([] as never)).toThrow(TypeError)
    expect(() => io.imageFrom(png('L'), { mode: 'P' as never })).toThrow(TypeError)
  })
})

describe('files', () => {
  let folder = ''
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'flambeau-images-'))))
  afterAll(() => rmSync(folder, { recursive: true }))

  it('are written and read by path and by URL', async () => {
    const x = arange(12).to('uint8').reshape(3, 2, 2)
    const path = join(folder, 'x.png')
    io.writePng(x, path)
    expect((await io.readImage(path)).equal(x)).toBe(true)
    expect((await io.openImage(pathToFileURL(path), { mode: 'L' })).mode).toBe('L')
    io.writeJpeg(x, join(folder, 'x.jpg'), { quality: 100 })
    expect((await io.readImage(join(folder, 'x.jpg'))).shape).toEqual([3, 2, 2])
    utils.saveImage(
      tensor([
        [0, 0.5],
        [1, 2],
      ]),
      path,
    )
    expect([...(await io.openImage(path)).convert('L').data]).toEqual([0, 128, 255, 255])
    utils.saveImage(zeros(3, 4, 4), join(folder, 'y.jpeg'))
    expect((await io.openImage(join(folder, 'y.jpeg'))).size).toEqual([4, 4])
  })

  it('that are no pictures are errors with their name and a remedy', async () => {
    const path = join(folder, 'notes.png')
    writeFileSync(path, 'GIF89a...')
    await expect(io.readImage(path)).rejects.toThrow(
      `${path}: cannot identify image file\nPNG and JPEG are read. This looks like a GIF: convert it first.`,
    )
    await expect(io.readImage(join(folder, 'none.png'))).rejects.toThrow(
      `[Errno 2] No such file or directory: '${join(folder, 'none.png')}'\nIs the path right?`,
    )
    const nowhere = join(folder, 'none', 'a.png')
    const x = zeros(3, 2, 2)
    const bytes = x.to('uint8')
    for (const write of [
      () => io.writePng(bytes, nowhere),
      () => io.writeJpeg(bytes, nowhere),
      () => utils.saveImage(x, nowhere),
    ])
      expect(write).toThrow(`No such file or directory: '${nowhere}'`)
    expect(() => utils.saveImage(zeros(3, 4, 4).to('uint8'), join(folder, 'a.png'))).toThrow(
      "result type Float can't be cast to the desired output type Byte\nsaveImage takes values from 0 to 1",
    )
    expect(() => utils.makeGrid(zeros(0, 3, 4, 4))).toThrow('make_grid needs at least one picture')
    expect(() => utils.saveImage(zeros(3, 4, 4), join(folder, 'a.gif'))).toThrow(
      'unknown file extension: .gif\nPictures',
    )
    expect(() => utils.saveImage(zeros(3, 4, 4), join(folder, 'a.b', 'c'))).toThrow('unknown file extension: \n')
    expect(() => io.decodeImage(new Uint8Array(0), { file: 'a.png' })).toThrow(
      'a.png: cannot identify image file\nThe file is empty.',
    )
  })
})

/** A PNG whose header claims another size, with a checksum that fits. */
const claiming = (width: number, height: number): Uint8Array => {
  const file = png('RGB').slice()
  const view = new DataView(file.buffer)
  view.setUint32(16, width)
  view.setUint32(20, height)
  return file
}

describe('broken pictures', () => {
  it('with too many pixels are refused from the header, before memory is taken', () => {
    const before = process.memoryUsage().arrayBuffers
    const decode = (bytes: Uint8Array) => io.decodeImage(bytes, { file: 'big.png' })
    expect(() => decode(claiming(60000, 60000))).toThrow(
      'big.png: Image size (3600000000 pixels) exceeds limit of 178956970 pixels, could be decompression bomb DOS attack.\nThe PNG claims 60000 x 60000 pixels.',
    )
    expect(() => decode(claiming(9000, 9000))).toThrow(
      'big.png: image file is truncated\nIts header claims 9000 x 9000',
    )
    expect(() => decode(claiming(0, 7))).toThrow('big.png: the PNG has no pixels (0 x 7)')
    const jpg = bytesOf(golden.jpegs[0].file)
    const frame = jpg.findIndex((byte, i) => byte === 0xff && jpg[i + 1] === 0xc0)
    jpg.fill(255, frame + 5, frame + 9)
    expect(() => decode(jpg)).toThrow('exceeds limit of 178956970 pixels')
    jpg.fill(40, frame + 5, frame + 9)
    expect(() => decode(jpg)).toThrow('Its header claims 10280 x 10280 pixels')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6)
  })

  it('are unpacked no further than their header says', () => {
    const bomb = zlibSync(new Uint8Array(3e7))
    expect(bomb.length).toBeLessThan(40_000)
    const [header, data, end] = [chunk('IHDR', png('L').subarray(16, 29)), chunk('IDAT', bomb), chunk('IEND', [])]
    const profile = chunk('iCCP', [97, 0, 0, ...bomb])
    const file = Uint8Array.from([...png('L').subarray(0, 8), ...header, ...profile, ...data, ...end])
    const before = process.memoryUsage().arrayBuffers
    expect(io.imageFrom(file).data).toEqual(new Uint8Array(7 * 5))
    // Four kilobytes of it, and no profile.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2.5e7)
    const short = Uint8Array.from([
      ...png('L').subarray(0, 8),
      ...header,
      ...chunk('IDAT', zlibSync(new Uint8Array(39))),
      ...end,
    ])
    expect(() => io.imageFrom(short)).toThrow('(its data have 39 bytes of 40)')
    const twice = Uint8Array.from([...png('L').subarray(0, 8), ...header, ...header, ...data, ...end])
    expect(() => io.imageFrom(twice)).toThrow('(it has two headers)')
  })

  it('of JPEG are refused for frames and scans that no picture has', () => {
    const jpg = bytesOf(golden.jpegs[0].file)
    const at = (marker: number) => jpg.findIndex((byte, i) => byte === 0xff && jpg[i + 1] === marker)
    const [frame, scan] = [at(0xc0), at(0xda)]
    const changed = (place: number, ...bytes: number[]) => jpg.map((byte, i) => bytes[i - place] ?? byte)
    expect(() => io.imageFrom(changed(frame + 9, 255))).toThrow('the header of the JPEG is broken')
    expect(() => io.imageFrom(changed(frame + 11, 0xf1))).toThrow('the header of the JPEG is broken')
    // A second frame, of 60,000 x 60,000.
    const second = changed(frame + 5, 0xea, 0x60, 0xea, 0x60).subarray(frame, scan)
    const double = Uint8Array.from([...jpg.subarray(0, scan), ...second, ...jpg.subarray(scan)])
    expect(() => io.imageFrom(double)).toThrow('maxResolutionInMP limit exceeded')
    const same = Uint8Array.from([...jpg.subarray(0, scan), ...jpg.subarray(frame, scan), ...jpg.subarray(scan)])
    expect(() => io.imageFrom(same)).toThrow(RuntimeError)
    const scans = Uint8Array.from([...jpg.subarray(0, -2), ...Array(101).fill([255, 0xda]).flat(), 255, 0xd9])
    expect(() => io.imageFrom(scans)).toThrow('(it has 102 scans)')
  })
})

/** A chunk of a PNG. */
const chunk = (type: string, body: Iterable<number>): Uint8Array => {
  const bytes = Uint8Array.from([0, 0, 0, 0, ...Buffer.from(type), ...body, 0, 0, 0, 0])
  const view = new DataView(bytes.buffer)
  view.setUint32(0, bytes.length - 12)
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(4, -4)))
  return bytes
}

describe('makeGrid', () => {
  it.each(golden.grids.map((grid, i) => [i, grid] as const))(
    'case %i is torchvision’s',
    (_, { shape, options, sizes, data }) => {
      const count = shape.reduce((a, b) => a * b, 1)
      const ramp = tensor(Float32Array.from({ length: count }, (_, i) => ((i * 7) % 23) - 5)).reshape(shape)
      const grid = utils.makeGrid(ramp, options)
      expect(grid.shape).toEqual(sizes)
      const far = Array.from(grid.toArray(), (v, i) => Math.abs(v - data[i]))
      expect(Math.max(...far)).toBeLessThan(1e-6)
      if (shape.length === 4) expect(utils.makeGrid(ramp.unbind(0), options).equal(grid)).toBe(true)
    },
  )

  it('refuses what is no picture', () => {
    expect(() => utils.makeGrid(zeros(2))).toThrow('make_grid expects pictures of 2 to 4 dimensions, but got 1')
    expect(() => utils.makeGrid(zeros(2, 2), { valueRange: [1] as never })).toThrow('value_range has to be a tuple')
    expect(() => utils.makeGrid(zeros(2, 2), { nrow: 0 })).toThrow('nrow > 0')
    expect(() => utils.makeGrid(3 as never)).toThrow(TypeError)
  })
})

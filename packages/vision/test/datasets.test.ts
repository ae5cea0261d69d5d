// Data sets of images: torchvision's layouts, from folders and from bytes, and what is wrong with a file.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { IndexError, manualSeed, rand, RuntimeError, stack, tensor, TypeError } from '@flambeau/core'
import { DataLoader } from '@flambeau/data'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import 'flambeau'
import { datasets, io, transforms } from '../src/index.ts'
import type { FakeDataOptions } from '../src/datasets/index.ts'

const golden = JSON.parse(readFileSync(new URL('golden/images.json', import.meta.url), 'utf8')) as {
  fakes: { options: FakeDataOptions<io.Image, number>; index: number; mode: string; data: string; label: number }[]
  reprs: string[]
}

const uint32 = (x: number) => [x >>> 24, (x >> 16) & 255, (x >> 8) & 255, x & 255]
const idx = (type: number, sizes: readonly number[], data: ArrayLike<number>): Uint8Array =>
  Uint8Array.from([0, 0, type, sizes.length, ...sizes.flatMap(uint32), ...Array.from(data)])
const pixels = Uint8Array.from({ length: 3 * 2 * 4 }, (_, i) => i * 10)
const images = idx(8, [3, 2, 4], pixels)
const labels = idx(8, [3], [7, 0, 9])

let folder = ''
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'flambeau-datasets-'))))
afterAll(() => rmSync(folder, { recursive: true }))

describe('IDX', () => {
  it.each([
    [8, [0, 200], 'uint8', [0, 200]],
    [9, [255, 5], 'int32', [-1, 5]],
    [11, [255, 254, 1, 0], 'int32', [-2, 256]],
    [12, [255, 255, 255, 253, 0, 1, 0, 0], 'int32', [-3, 65536]],
    [13, [0x3f, 0xc0, 0, 0, 0xbf, 0, 0, 0], 'float32', [1.5, -0.5]],
    [14, [0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0], 'float64', [1.5, -2]],
  ] as const)('reads elements of type %i', (type, bytes, dtype, values) => {
    for (const file of [idx(type, [2, 1], bytes), gzipSync(idx(type, [2, 1], bytes))]) {
      const x = io.decodeIdx(file)
      expect([x.dtype, x.shape, Array.from(x.toArray())]).toEqual([dtype, [2, 1], values])
    }
  })

  it('reads gzip files of several members, as Python does', () => {
    const random = Uint8Array.from({ length: 300_000 }, (_, i) => Math.imul(i, 2654435761) >>> 13)
    const whole = idx(8, [random.length], random)
    const parts = [whole.subarray(0, 9), whole.subarray(9, 9), whole.subarray(9, 200_000), whole.subarray(200_000)]
    const x = io.decodeIdx(Buffer.concat(parts.map((part) => gzipSync(part))))
    expect(Buffer.compare(Buffer.from(x.toArray() as Uint8Array), Buffer.from(random))).toBe(0)
  })

  it.each([
    ['not an IDX file: it has 2 bytes', Uint8Array.of(0, 0)],
    ['not an IDX file: it begins with the bytes 89 50 4e 47', Uint8Array.of(0x89, 0x50, 0x4e, 0x47)],
    ['not an IDX file: 10 is no type of elements', idx(10, [1], [1])],
    ['not an IDX file: it claims 0 dimensions', Uint8Array.of(0, 0, 8, 0)],
    ['the IDX file is truncated\nIts header alone has 12 bytes.', Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 1)],
    ['the IDX file is truncated: 3 x 2 x 4 elements of uint8 need 40 bytes, but it has 39', images.slice(0, -1)],
    ['the IDX file is too long: 3 elements of uint8 need 11 bytes, but it has 12', Uint8Array.of(...labels, 1)],
    ['the IDX file is truncated: 4294967295 x 4294967295 elements', idx(14, [2 ** 32 - 1, 2 ** 32 - 1], [])],
    ['the gzip file is damaged: it has 10 bytes', gzipSync(labels).subarray(0, 10)],
    ['the gzip file is damaged: its length or its checksum differs', gzipSync(images).subarray(0, -3)],
    ['the gzip file is damaged: unexpected EOF', Buffer.concat([gzipSync(images), gzipSync(labels).subarray(0, 14)])],
    ['the gzip file is damaged: invalid gzip data', Buffer.concat([gzipSync(images), images])],
    [
      'the gzip file is damaged: its length or its checksum differs',
      Buffer.concat([gzipSync(images).map((byte, i, { length }) => byte ^ +(i === length - 7)), gzipSync(labels)]),
    ],
    [
      'the gzip file is damaged: its length or its checksum differs',
      gzipSync(images).map((byte, i, { length }) => byte ^ +(i === length - 7)),
    ],
  ])('says %s', (message, bytes) => {
    expect(() => io.decodeIdx(bytes, 'some-file')).toThrow(RuntimeError)
    expect(() => io.decodeIdx(bytes, 'some-file')).toThrow(`some-file: ${message}`)
  })
})

describe('MNIST', () => {
  const files = (folderName = 'MNIST') => ({
    [`${folderName}/raw/train-images-idx3-ubyte`]: images,
    [`${folderName}/raw/train-labels-idx1-ubyte.gz`]: new Uint8Array(gzipSync(labels)),
    [`${folderName}/raw/t10k-images-idx3-ubyte`]: idx(8, [1, 1, 1], [5]),
    [`${folderName}/raw/t10k-labels-idx1-ubyte`]: idx(8, [1], [2]),
  })

  it('reads torchvision’s layout, packed or not, from a folder and from bytes', () => {
    for (const [path, bytes] of Object.entries(files())) {
      mkdirSync(join(folder, 'MNIST/raw'), { recursive: true })
      writeFileSync(join(folder, path), bytes)
    }
    for (const root of [folder, files()]) {
      const train = new datasets.MNIST(root)
      expect([train.length, train.data.shape, train.data.dtype, train.targets.dtype]).toEqual([
        3,
        [3, 2, 4],
        'uint8',
        'int32',
      ])
      expect(Array.from(train.targets.toArray())).toEqual([7, 0, 9])
      const [image, label] = train.at(1)
      expect([image.mode, image.size, [...image.data], label]).toEqual(['L', [4, 2], [...pixels.slice(8, 16)], 0])
      expect(train.at(-1)[1]).toBe(9)
      expect(train.classes[7]).toBe('7 - seven')
      expect(train.classToIdx['9 - nine']).toBe(9)
      expect(new datasets.MNIST({ root, train: false }).length).toBe(1)
      image.data.fill(0)
      expect([...train.at(1)[0].data]).toEqual([...pixels.slice(8, 16)])
    }
    expect(new datasets.KMNIST(files('KMNIST'), false).classes).toHaveLength(10)
    const clothes = new datasets.FashionMNIST(files('FashionMNIST'), false)
    expect(clothes.classes[clothes.at(0)[1]]).toBe('Pullover')
    expect(String(new datasets.MNIST(folder))).toBe(
      `Dataset MNIST\n    Number of datapoints: 3\n    Root location: ${folder}\n    Split: Train`,
    )
  })

  it('applies transforms, and its labels collate to int32', () => {
    const set = new datasets.MNIST(files(), {
      transform: (image: io.Image) => tensor(image.data),
      targetTransform: { forward: (label: number) => 9 - label },
    })
    const [[x, y]] = [...new DataLoader(set, { batchSize: 3 })]
    expect([x.shape, y.dtype, [...y.toArray()]]).toEqual([[3, 8], 'int32', [2, 9, 0]])
  })

  it('makes a batch at once where that gives what collating samples gives', () => {
    const { Compose, Normalize, RandomHorizontalFlip, ToTensor } = transforms
    const make = (transform: unknown, more = {}) =>
      new datasets.MNIST(files(), { transform: transform as InstanceType<typeof ToTensor>, ...more })
    const both = new Compose([new ToTensor(), new Normalize([0.1], [0.3])])
    const twice = new Compose([new ToTensor(), new Normalize([0.1], [0.3]), new Normalize(1, 7)])
    for (const transform of [new ToTensor(), both, twice]) {
      const set = make(transform)
      const [[x, y]] = [...new DataLoader(set, { batchSize: 3, sampler: [2, 0, 1] })]
      expect(x.equal(stack([2, 0, 1].map((i) => set.at(i)[0])))).toBe(true)
      expect([x.shape, y.dtype, [...y.toArray()]]).toEqual([[3, 1, 2, 4], 'int32', [9, 7, 0]])
      expect(set.collated).toBeDefined()
      expect(() => set.collated?.([3])).toThrow(IndexError)
    }
    const wide = make(new Compose([new ToTensor(), new Normalize([0.1, 0.2, 0.4], [0.3, 0.5, 0.25])]))
    expect(() => [...new DataLoader(wide, { batchSize: 3 })]).toThrow(
      "output with shape [1, 2, 4] doesn't match the broadcast shape [3, 2, 4]",
    )
    class Doubled extends ToTensor {
      override forward(image: io.Image) {
        return super.forward(image).mul(2)
      }
    }
    class Own extends datasets.MNIST<io.Image, number> {
      override at(index: number): [io.Image, number] {
        return super.at(this.length - 1 - index)
      }
    }
    const hooked = new ToTensor()
    hooked.registerForwardHook(() => undefined)
    for (const set of [
      make(null),
      make(new Doubled()),
      make(hooked),
      make(new Compose([new RandomHorizontalFlip(), new ToTensor()])),
      make(new ToTensor(), { targetTransform: (y: number) => y }),
      new Own(files(), { transform: new ToTensor() as never }),
    ])
      expect(set.collated).toBeUndefined()
  })

  it('says where it looked, and what is wrong with which file', () => {
    const raw = 'MNIST/raw/train-'
    const make = (change: Record<string, Uint8Array | undefined>) => {
      const all: Record<string, Uint8Array | undefined> = { ...files(), ...change }
      const kept = Object.entries(all).filter((entry): entry is [string, Uint8Array] => entry[1] !== undefined)
      return () => new datasets.MNIST(Object.fromEntries(kept))
    }
    expect(make({ [`${raw}images-idx3-ubyte`]: undefined })).toThrow(
      `Dataset not found.\nLooked for ${raw}images-idx3-ubyte and the same with .gz. Nothing is downloaded: put the files there.`,
    )
    expect(() => new datasets.MNIST(join(folder, 'none'))).toThrow(
      join(folder, 'none/MNIST/raw/train-images-idx3-ubyte'),
    )
    expect(() => new datasets.MNIST(folder, { download: true as never })).toThrow('data sets are not downloaded')
    expect(make({ [`${raw}images-idx3-ubyte`]: labels })).toThrow(
      `${raw}images-idx3-ubyte: x should have 3 dimensions instead of 1`,
    )
    expect(make({ [`${raw}labels-idx1-ubyte`]: images })).toThrow(
      `${raw}labels-idx1-ubyte: x should have 1 dimension instead of 3`,
    )
    expect(make({ [`${raw}labels-idx1-ubyte`]: idx(8, [2], [1, 2]) })).toThrow(
      `${raw}labels-idx1-ubyte: 2 labels do not fit the 3 images of ${raw}images-idx3-ubyte`,
    )
    expect(make({ [`${raw}labels-idx1-ubyte`]: idx(8, [3], [1, 10, 2]) })).toThrow(
      'label 1 is 10, but there are 10 classes',
    )
    expect(make({ [`${raw}labels-idx1-ubyte`]: idx(9, [3], [1, 1, 2]) })).toThrow(
      'x should be of dtype torch.uint8 instead of torch.int32',
    )
    const set = new datasets.MNIST(files())
    expect(() => set.at(3)).toThrow(IndexError)
    expect(() => set.at(0.5)).toThrow(TypeError)
    expect(() => new datasets.MNIST(3 as never)).toThrow(TypeError)
    expect(() => new datasets.MNIST(files(), { transform: 3 as never })).toThrow(
      "argument 'transform' must be transform, not int",
    )
  })
})

describe('files that cannot be read', () => {
  it('are errors that name them, and say what to do', () => {
    const root = join(folder, 'unread')
    const file = join(root, 'MNIST/raw/train-images-idx3-ubyte')
    const picture = join(root, 'pictures/cat/1.png')
    const mnist = () => new datasets.MNIST(root)
    const pictures = () => new datasets.ImageFolder(join(root, 'pictures'))
    mkdirSync(file, { recursive: true })
    mkdirSync(join(picture, '..'), { recursive: true })
    writeFileSync(picture, 'x')
    expect(mnist).toThrow(RuntimeError)
    expect(mnist).toThrow(`] Illegal operation on a directory: '${file}'\nIt is a folder: the file may be in it.`)
    expect(() => new datasets.ImageFolder(picture)).toThrow(
      `[Errno 20] Not a directory: '${picture}'\nIt is a file: give the path of the folder that it is in.`,
    )
    const set = pictures()
    rmSync(picture)
    mkdirSync(picture)
    expect(() => set.at(0)).toThrow(`] Illegal operation on a directory: '${picture}'`)
    rmSync(file, { recursive: true })
    writeFileSync(file, images)
    chmodSync(file, 0)
    chmodSync(join(picture, '..'), 0)
    // Root may read everything.
    const isRoot = process.geteuid?.() === 0
    if (isRoot) {
      for (const path of [folder, root, join(root, 'pictures')]) chmodSync(path, 0o755)
      process.seteuid?.('nobody')
    }
    try {
      const remedy = 'You may not read it: change its permissions, or those of the folders that it is in.'
      expect(mnist).toThrow(`[Errno 13] Permission denied: '${file}'\n${remedy}`)
      expect(() => set.at(0)).toThrow(`[Errno 13] Permission denied: '${picture}'\n${remedy}`)
      expect(pictures).toThrow(`[Errno 13] Permission denied: '${join(picture, '..')}`)
    } finally {
      if (isRoot) process.seteuid?.(0)
      chmodSync(join(picture, '..'), 0o755)
    }
  })
})

describe('CIFAR10', () => {
  const record = (label: number) => Uint8Array.from({ length: 3073 }, (_, i) => (i === 0 ? label : ((i - 1) % 251) + 0))
  const files = (test: Uint8Array) => ({ 'cifar-10-batches-bin/test_batch.bin': test })

  it('reads the binary version', () => {
    const set = new datasets.CIFAR10(files(Uint8Array.of(...record(3), ...record(8))), { train: false })
    const [image, label] = set.at(1)
    expect([set.length, image.mode, image.size, set.classes[label]]).toEqual([2, 'RGB', [32, 32], 'ship'])
    // The planes of red, green and blue begin 1,024 bytes apart.
    expect([...image.data.slice(0, 6)]).toEqual([0, 1024 % 251, 2048 % 251, 1, 1025 % 251, 2049 % 251])
    expect([set.data.shape, set.targets]).toEqual([
      [2, 32, 32, 3],
      [3, 8],
    ])
    const train = Object.fromEntries(
      [1, 2, 3, 4, 5].map((i) => [`cifar-10-batches-bin/data_batch_${i}.bin`, record(i)]),
    )
    expect(new datasets.CIFAR10(train).targets).toEqual([1, 2, 3, 4, 5])
  })

  it('says what is wrong', () => {
    const test = (bytes: Uint8Array) => () => new datasets.CIFAR10(files(bytes), false)
    expect(test(record(1).slice(1))).toThrow(
      'test_batch.bin: its 3072 bytes are no whole number of records of 3073 bytes',
    )
    expect(test(record(10))).toThrow('label 0 is 10, but there are 10 classes')
    expect(() => new datasets.CIFAR10(folder)).toThrow(`Looked for ${folder}/cifar-10-batches-bin/data_batch_1.bin`)
  })
})

describe('ImageFolder', () => {
  const grey = io.encodePng(new io.Image(3, 2, 'L', Uint8Array.of(1, 2, 3, 4, 5, 6)))
  const tree = {
    'dog/b/1.png': grey,
    'dog/a.PNG': grey,
    'dog/notes.txt': grey,
    'cat/2.png': grey,
    'cat/10.png': grey,
    'readme.png': grey,
  }

  it('finds classes and pictures in torchvision’s order, in folders and in bytes', () => {
    const root = join(folder, 'pictures')
    for (const [path, bytes] of Object.entries(tree)) {
      mkdirSync(join(root, path, '..'), { recursive: true })
      writeFileSync(join(root, path), bytes)
    }
    for (const from of [root, tree]) {
      const set = new datasets.ImageFolder(from)
      expect(set.classes).toEqual(['cat', 'dog'])
      expect(set.samples).toEqual([
        ['cat/10.png', 0],
        ['cat/2.png', 0],
        ['dog/a.PNG', 1],
        ['dog/b/1.png', 1],
      ])
      expect(set.targets).toEqual([0, 0, 1, 1])
      expect(set.imgs).toBe(set.samples)
      const [image, label] = set.at(2)
      expect([image.mode, image.size, label]).toEqual(['RGB', [3, 2], 1])
    }
    symlinkSync(join(root, 'dog'), join(root, 'hound'))
    expect(new datasets.ImageFolder(root).classes).toEqual(['cat', 'dog', 'hound'])
    rmSync(join(root, 'hound'))
    symlinkSync('.', join(root, 'cat', 'self'))
    symlinkSync('../..', join(root, 'dog', 'b', 'root'))
    symlinkSync('nowhere', join(root, 'dog', 'gone.png'))
    const linked = new datasets.ImageFolder(root)
    expect(linked.samples.map(([path]) => path)).toEqual([
      'cat/10.png',
      'cat/2.png',
      'dog/a.PNG',
      'dog/gone.png',
      'dog/b/1.png',
    ])
    expect(() => linked.at(3)).toThrow(`No such file or directory: '${join(root, 'dog/gone.png')}'`)
    const texts = new datasets.ImageFolder(tree, {
      isValidFile: (path) => path.endsWith('.txt') || path === 'cat/2.png',
      loader: (bytes, path) => io.imageFrom(bytes, { file: path, mode: 'RGBA' }),
    })
    expect([texts.samples, texts.at(1)[0].mode]).toEqual([
      [
        ['cat/2.png', 0],
        ['dog/notes.txt', 1],
      ],
      'RGBA',
    ])
  })

  it('says what is missing, and names the file that is no picture', () => {
    expect(() => new datasets.ImageFolder({ 'a.png': grey })).toThrow(
      "Couldn't find any class folder in the given files.",
    )
    expect(() => new datasets.ImageFolder(join(folder, 'none'))).toThrow(
      `No such file or directory: '${join(folder, 'none')}'`,
    )
    expect(() => new datasets.ImageFolder({ 'a/1.png': grey, 'b/1.txt': grey, 'c/d.doc': grey })).toThrow(
      'Found no valid file for the classes b, c. Supported extensions are: .jpg, .jpeg, .png',
    )
    const set = new datasets.ImageFolder({ 'a/1.png': Uint8Array.of(1, 2, 3) })
    expect(() => set.at(0)).toThrow('a/1.png: cannot identify image file')
    expect(() => [...new DataLoader(set as never)]).toThrow(
      'PNG and JPEG are read.\nThis happened at sample 0 of the dataset.',
    )
  })
})

describe('FakeData', () => {
  it.each(golden.fakes)('is torchvision’s, $options', ({ options, index, mode, data, label }) => {
    manualSeed(0)
    const set = new datasets.FakeData({ size: 10, ...options })
    const [image, target] = set.at(index)
    expect([image.mode, Buffer.from(image.data).toString('hex'), target]).toEqual([mode, data, label])
    // It leaves the default generator alone.
    const after = rand(1).item()
    manualSeed(0)
    expect(rand(1).item()).toBe(after)
    expect(set.length).toBe(10)
  })

  it('has at most four channels', () => {
    const sentence = 'pic should not have > 4 channels. Got 7 channels.'
    expect(() => new datasets.FakeData({ imageSize: [7, 4, 4] }).at(0)).toThrow(sentence)
    expect(new datasets.FakeData({ imageSize: [3, 4] as never }).at(0)[0].mode).toBe('L')
  })

  it('prints as torchvision does', () => {
    expect(String(new datasets.FakeData(3))).toBe(golden.reprs[0])
  })
})

// The page's menu: data only, so that the page itself loads no training code.

/** Lessons with a loss to draw, the networks separately. `epochs` is the length of PyTorch's transcripts. */
export const courses = {
  boston: {
    group: 'Linear models',
    title: 'Boston housing',
    about: 'Linear regression on 13 features. Conclude nothing from this data about houses or people.',
    epochs: 2000,
  },
  breastCancer: {
    group: 'Linear models',
    title: 'Breast cancer',
    about: 'Logistic regression on 30 features: is a tumour benign?',
    epochs: 200_000,
  },
  regression: {
    group: 'Shallow networks',
    title: 'Boston housing, 13-10-5-1',
    about: 'Regression with two hidden layers.',
    epochs: 2000,
  },
  binary: {
    group: 'Shallow networks',
    title: 'Breast cancer, 30-6-5-1',
    about: 'Two classes with one output, a sigmoid at the end. Adam.',
    epochs: 1000,
  },
  binarySoftmax: {
    group: 'Shallow networks',
    title: 'Breast cancer, 30-6-5-2',
    about: 'Two classes with two outputs and a softmax over them. Adam.',
    epochs: 500,
  },
  iris: {
    group: 'Shallow networks',
    title: 'Iris, 4-10-3',
    about: 'Three classes, softmax and cross entropy. Adam.',
    epochs: 200,
  },
  digits: {
    group: 'Shallow networks',
    title: 'Handwritten digits, 64-32-10',
    about: 'Ten classes, in shuffled batches of 64.',
    epochs: 20,
  },
  lenet5: {
    group: 'Convolutional networks',
    title: 'LeNet-5: handwritten digits',
    about: 'Two convolutions, 28 × 28 pixels of MNIST. Draw a digit below, and the network reads it.',
    epochs: 15,
  },
} as const

export type CourseName = keyof typeof courses

/** A lesson's name in files, which is the command line's. */
export const lessonOf = (course: string): string => course.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** Lessons whose network reads a digit that one draws, and that measure an accuracy after every epoch. */
export const readers: ReadonlySet<CourseName> = new Set(['lenet5'])

/** The first one is chosen when the page opens. */
export const backends = {
  wasm: { title: 'wasm', about: 'The C++ kernels, as WebAssembly with SIMD.' },
  js: { title: 'js', about: 'Plain JavaScript.' },
  gpujs: { title: 'gpujs', about: 'gpu.js: the GPU, by WebGL.' },
} as const

export type BackendName = keyof typeof backends

// The examples by name, in teaching order. Each is imported when it is chosen, so that those without images need no
// package for images.
import type { Lesson } from './lesson.ts'

export const lessons: readonly Lesson[] = [
  {
    name: 'autograd-basics',
    about: 'tensors and their derivatives',
    isTraining: false,
    load: async () => (await import('./autograd-basics/index.ts')).autogradBasics,
  },
  {
    name: 'boston',
    about: 'linear regression, 2,000 epochs',
    isTraining: true,
    load: async () => (await import('./boston/index.ts')).boston,
  },
  {
    name: 'breast-cancer',
    about: 'logistic regression, 200,000 epochs',
    isTraining: true,
    load: async () => (await import('./breast-cancer/index.ts')).breastCancer,
  },
  {
    name: 'shallow-network',
    about: 'a hidden layer: regression, two, three and ten classes',
    isTraining: false,
    load: async () => (await import('./shallow-network/index.ts')).shallowNetwork,
  },
  {
    name: 'lenet5',
    about: 'the first convolutional network: digits, or clothes',
    isTraining: true,
    load: async () => (await import('./lenet5/index.ts')).lenet5,
    sets: ['MNIST', 'FashionMNIST'],
  },
  {
    name: 'alexnet',
    about: 'larger filters, dropout: what it sees, what it confuses',
    isTraining: true,
    load: async () => (await import('./alexnet/index.ts')).alexnet,
    sets: ['FashionMNIST'],
  },
  {
    name: 'zfnet',
    about: 'looking inside: what excites a channel',
    isTraining: true,
    load: async () => (await import('./zfnet/index.ts')).zfnet,
    sets: ['FashionMNIST'],
  },
  {
    name: 'vgg',
    about: 'nothing but 3 x 3: features by depth, and style transfer',
    isTraining: true,
    load: async () => (await import('./vgg/index.ts')).vgg,
    sets: ['FashionMNIST'],
  },
  {
    name: 'googlenet',
    about: 'auxiliary losses, and 1 x 1 convolutions that save',
    isTraining: true,
    load: async () => (await import('./googlenet/index.ts')).googlenet,
    sets: ['FashionMNIST'],
  },
  {
    name: 'resnet',
    about: 'why residuals train: 20 and 56 layers, some minutes',
    isTraining: true,
    load: async () => (await import('./resnet/index.ts')).resnet,
    sets: ['FashionMNIST', 'MNIST'],
  },
]

/** The examples that run by default. */
export const mainJob: readonly string[] = ['autograd-basics', 'boston', 'breast-cancer']

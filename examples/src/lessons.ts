// The examples by name, in teaching order.
import { alexnet } from './alexnet/index.ts'
import { autogradBasics } from './autograd-basics/index.ts'
import { boston } from './boston/index.ts'
import { breastCancer } from './breast-cancer/index.ts'
import { googlenet } from './googlenet/index.ts'
import { lenet5 } from './lenet5/index.ts'
import type { Lesson } from './lesson.ts'
import { resnet } from './resnet/index.ts'
import { shallowNetwork } from './shallow-network/index.ts'
import { vgg } from './vgg/index.ts'
import { zfnet } from './zfnet/index.ts'

export const lessons: readonly Lesson[] = [
  { name: 'autograd-basics', about: 'tensors and their derivatives', run: autogradBasics },
  { name: 'boston', about: 'linear regression, 2,000 epochs', run: boston },
  { name: 'breast-cancer', about: 'logistic regression, 200,000 epochs', run: breastCancer },
  { name: 'shallow-network', about: 'a hidden layer: regression, two, three and ten classes', run: shallowNetwork },
  {
    name: 'lenet5',
    about: 'the first convolutional network: digits, or clothes',
    run: lenet5,
    sets: ['MNIST', 'FashionMNIST'],
  },
  {
    name: 'alexnet',
    about: 'larger filters, dropout: what it sees, what it confuses',
    run: alexnet,
    sets: ['FashionMNIST'],
  },
  { name: 'zfnet', about: 'looking inside: what excites a channel', run: zfnet, sets: ['FashionMNIST'] },
  { name: 'vgg', about: 'nothing but 3 x 3: features by depth, and style transfer', run: vgg, sets: ['FashionMNIST'] },
  {
    name: 'googlenet',
    about: 'auxiliary losses, and 1 x 1 convolutions that save',
    run: googlenet,
    sets: ['FashionMNIST'],
  },
  {
    name: 'resnet',
    about: 'why residuals train: 20 and 56 layers, some minutes',
    run: resnet,
    sets: ['FashionMNIST', 'MNIST'],
  },
]

/** The examples that run by default. */
export const mainJob: readonly string[] = ['autograd-basics', 'boston', 'breast-cancer']

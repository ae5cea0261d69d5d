// The examples by name, in teaching order.
import { autogradBasics } from './autograd-basics/index.ts'
import { boston } from './boston/index.ts'
import { breastCancer } from './breast-cancer/index.ts'
import { lenet5 } from './lenet5/index.ts'
import type { Lesson } from './lesson.ts'
import { shallowNetwork } from './shallow-network/index.ts'

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
]

/** The examples that run by default. */
export const mainJob: readonly string[] = ['autograd-basics', 'boston', 'breast-cancer']

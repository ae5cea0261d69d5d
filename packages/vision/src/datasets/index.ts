// torchvision.datasets: data sets of images in files, none of which is downloaded.
export { CIFAR10 } from './cifar.ts'
export { type Transform, VisionDataset, type VisionOptions } from './dataset.ts'
export { FakeData, type FakeDataOptions } from './fake-data.ts'
export type { Root } from './folder.ts'
export { ImageFolder, type ImageFolderOptions } from './image-folder.ts'
export { FashionMNIST, KMNIST, MNIST, type PartOptions } from './mnist.ts'

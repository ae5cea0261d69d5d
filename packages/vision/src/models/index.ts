// The models by torchvision's names, and those of the lecture that torchvision lacks: re-exports only.
export {
  AlexNet,
  type AlexNetOptions,
  AlexNetTwoTower,
  alexnet,
  alexnetTwoTower,
} from './alexnet.ts'
export { GoogLeNet, type GoogLeNetOptions, GoogLeNetOutputs, googlenet, Inception } from './googlenet.ts'
export { LeNet5, type LeNet5Options, lenet5 } from './lenet.ts'
export type { Builder, MemberOptions, Weights, WeightsOptions } from './options.ts'
export {
  BasicBlock,
  type Block,
  type BlockOptions,
  Bottleneck,
  type NormLayer,
  ResNet,
  type ResNetOptions,
  resnet18,
  resnet34,
  resnet50,
  resnet101,
  resnet152,
  resnext101_32x8d,
  resnext101_64x4d,
  resnext50_32x4d,
  wideResnet101_2,
  wideResnet50_2,
} from './resnet.ts'
export {
  PlainBlock,
  plain20,
  plain56,
  resnet20,
  resnet32,
  resnet44,
  resnet56,
  resnet110,
  SmallResNet,
  type SmallResNetOptions,
  ZeroPadShortcut,
} from './resnet-small.ts'
export {
  VGG,
  type VGGClassOptions,
  type VGGOptions,
  vgg11,
  vgg11Bn,
  vgg13,
  vgg13Bn,
  vgg16,
  vgg16Bn,
  vgg19,
  vgg19Bn,
} from './vgg.ts'
export { ZFNet, zfnet } from './zfnet.ts'

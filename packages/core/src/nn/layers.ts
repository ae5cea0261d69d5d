// The layers that stand in most networks. They keep nothing of what they are given or make, and show it to nobody: what one
// of them hands to the next, no program sees.
import { LeakyReLU, ReLU, Sigmoid, Tanh } from './activation.ts'
import { PlainConvolution, TransposedConvolution } from './conv.ts'
import { Dropout, Dropout2d } from './dropout.ts'
import { Flatten } from './flatten.ts'
import type { Forward } from './forward.ts'
import { Identity, Linear } from './linear.ts'
import { ELU, GELU, SiLU } from './nonlinear.ts'
import { BatchNorm, GroupNorm, LayerNorm, LocalResponseNorm } from './norm-layers.ts'
import { AdaptiveAvgPool2d, AvgPool2d, MaxPool1d, MaxPool2d, MaxPool3d } from './pool.ts'
import { Upsample } from './upsample.ts'

const forwards = new Set<unknown>(
  [
    Linear,
    PlainConvolution,
    TransposedConvolution,
    BatchNorm,
    GroupNorm,
    LayerNorm,
    LocalResponseNorm,
    ReLU,
    LeakyReLU,
    ELU,
    GELU,
    SiLU,
    Sigmoid,
    Tanh,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    AvgPool2d,
    AdaptiveAvgPool2d,
    Dropout,
    Dropout2d,
    Upsample,
    Flatten,
    Identity,
  ].map(({ prototype }) => prototype.forward),
)

/** Whether a method of a module is that of such a layer: neither a subclass nor hooks nor a program have replaced it. */
export const isOfLayer = ({ own }: Forward): boolean => forwards.has(own)

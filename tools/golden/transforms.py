"""Writes packages/vision/test/golden/transforms.json: what torchvision's transforms make of tensors, and what the
generator draws next.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/transforms.py
"""
import re
import warnings

import torch
from torchvision import transforms as T
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

from format import NAMES, data_of, write

warnings.simplefilter('ignore')


def picture(*shape):
    """Bytes by a formula, without symmetries."""
    i = torch.arange(torch.Size(shape).numel())
    return ((i * 37 + i // 5 * 11) % 256).to(torch.uint8).reshape(shape)


INPUTS = {
    'bytes': picture(3, 6, 8),
    'floats': picture(3, 6, 8) / 255,
    'grey': picture(1, 5, 4),
    'batch': picture(2, 3, 4, 5) / 255,
    'plane': picture(5, 7),
    'large': picture(3, 24, 20),
    'doubles': (picture(3, 6, 8) / 255).double(),
    'tones': (picture(1, 20, 16).float() * 0.3 + 60).to(torch.uint8),
    'bytePair': picture(2, 3, 8, 9),
    # At simple angles and shears many of their pixels lie halfway between others.
    'even': picture(1, 12, 10),
    'wide': picture(1, 20, 14),
}


def camel(name):
    return re.sub(r'_([a-z])', lambda m: m.group(1).upper(), name)


def plain(value):
    if isinstance(value, (InterpolationMode, T.AutoAugmentPolicy)):
        return value.value
    return NAMES[value] if isinstance(value, torch.dtype) else value


def result_of(x, **record):
    return {**record, 'dtype': NAMES[x.dtype] if x.dtype in NAMES else 'int32', 'sizes': list(x.shape),
            'data': data_of(x)}


def function(name, inputs, *args, python=None, **options):
    """One of torchvision's functions on several inputs."""
    call = getattr(F, python or re.sub(r'([A-Z])', lambda m: '_' + m.group(1).lower(), name))
    return [
        result_of(call(INPUTS[key].clone(), *args, **options), name=name, input=key, args=[plain(a) for a in args],
                  options={camel(k): plain(v) for k, v in options.items()})
        for key in inputs.split()
    ]


def several(name, inputs, *args, **options):
    """A function of several results, which are stacked."""
    python = re.sub(r'([A-Z])', lambda m: '_' + m.group(1).lower(), name)
    return [
        result_of(torch.stack(getattr(F, python)(INPUTS[key].clone(), *args, **options)), name=name, input=key,
                  args=list(args), options={camel(k): v for k, v in options.items()})
        for key in inputs.split()
    ]


def module(name, inputs, *args, seeds=(0, 1, 2), **options):
    """A transform with chance: several seeds, two calls each, and the next draw."""
    cases = []
    for key in inputs.split():
        for seed in seeds:
            torch.manual_seed(seed)
            transform = getattr(T, name)(*args, **options)
            for _ in range(2):
                x = transform(INPUTS[key].clone())
            cases.append(result_of(x, name=name, input=key, seed=seed, args=[plain(a) for a in args],
                                   options={camel(k): plain(v) for k, v in options.items()}, after=torch.rand(1).item()))
    return cases


def params(name, *args, picture=None, **options):
    """What a transform with chance draws, as numbers in one list: three seeds, and the next draw."""
    cases = []
    for seed in (0, 1, 2):
        torch.manual_seed(seed)
        given = [] if picture is None else [INPUTS[picture]]
        drawn = numbers_of(getattr(T, name).get_params(*given, *args, **options))
        cases.append({'name': name, 'input': picture, 'seed': seed, 'args': list(args),
                      'options': {camel(k): v for k, v in options.items()}, 'drawn': drawn, 'after': torch.rand(1).item()})
    return cases


def numbers_of(x):
    x = x.tolist() if isinstance(x, torch.Tensor) else x
    return [n for y in x for n in numbers_of(y)] if isinstance(x, (list, tuple)) else [x]


ALL = 'bytes floats grey'
MODES = [InterpolationMode.NEAREST, InterpolationMode.BILINEAR, InterpolationMode.BICUBIC]
functions = [
    *function('hflip', ALL + ' plane'),
    *function('vflip', ALL + ' plane'),
    *(c for args in [(1, 2, 3, 4), (0, 0, 2, 2), (-1, 2, 4, 9), (4, 3, 5, 5), (7, 9, 2, 2)] for c in function('crop', 'bytes', *args)),
    *function('crop', 'batch', 1, 1, 2, 3),
    *(c for size in [[2, 3], [5, 7], [4], [9, 5], [3, 11], [6, 8], [10, 11]] for c in function('centerCrop', 'bytes', size)),
    *(c for mode in ['constant', 'edge', 'reflect', 'symmetric'] for padding in [[2], [1, 3], [3, 1, 0, 2]]
      for c in function('pad', 'bytes', padding, padding_mode=mode)),
    *function('pad', 'floats', [1, 2], fill=0.5),
    *function('pad', 'batch', [2, 1], padding_mode='reflect'),
    *(c for factor in [0, 0.3, 1, 1.7] for name in ['adjustBrightness', 'adjustContrast', 'adjustSaturation']
      for c in function(name, ALL if factor == 1.7 else 'bytes floats', factor)),
    *function('adjustContrast', 'batch', 0.5),
    *function('adjustSaturation', 'batch', 0.5),
    *(c for factor in [-0.5, -0.1, 0, 0.25, 0.5] for c in function('adjustHue', 'bytes floats', factor)),
    *function('adjustHue', 'batch grey', 0.2),
    *(c for args in [(2.2,), (0.5, 1.5)] for c in function('adjustGamma', 'bytes floats', *args)),
    *function('invert', 'bytes floats'),
    *(c for bits in [1, 3, 8] for c in function('posterize', 'bytes grey', bits)),
    *function('solarize', 'bytes grey', 128),
    *function('solarize', 'floats batch', 0.4),
    *function('autocontrast', ALL + ' batch'),
    *(c for factor in [0, 0.5, 3] for c in function('adjustSharpness', ALL + ' batch', factor)),
    *several('fiveCrop', 'bytes floats', [3, 4]),
    *several('tenCrop', 'bytes', [3, 4]),
    *several('tenCrop', 'floats', [2], vertical_flip=True),
    *function('rgbToGrayscale', ALL + ' batch'),
    *function('rgbToGrayscale', 'bytes floats', 3),
    *function('normalize', 'floats batch doubles', [0.1, 0.2, 0.3], [0.5, 0.25, 2]),
    *function('normalize', 'floats', [0.5], [0.5]),
    *function('gaussianBlur', 'bytes floats', [3, 5], [0.8, 1.5]),
    *function('gaussianBlur', 'bytes batch', [3, 3]),
    *(c for mode in MODES for size in [[3, 4], [9, 13], [5], [12]] for c in function('resize', 'bytes', size, interpolation=mode)),
    *function('resize', 'floats batch', [4, 7]),
    *function('resize', 'batch', 2),
    *function('resize', 'large', [10], max_size=11),
    *function('resize', 'bytes', [6, 8]),
    *(c for mode in MODES[1:] for size in [[7, 5], [11, 30]] for c in function('resize', 'large', size, interpolation=mode, antialias=True)),
    *function('resizedCrop', 'bytes', 1, 2, 4, 5, [6, 3]),
    *function('resizedCrop', 'bytes', -1, 2, 4, 5, [6], interpolation=MODES[0]),
    *(c for mode in MODES[:2] for angle in [17, -100.5] for fill in [None, [9], [1, 2, 3]] for c in function('rotate', 'bytes', angle, interpolation=mode, fill=fill)),
    *(c for angle in [30, 90, 163] for c in function('rotate', 'floats', angle, interpolation=MODES[1], expand=True)),
    *function('rotate', 'bytes batch', 33.3, center=[1, 2]),
    *(c for mode in MODES[:2] for c in function('affine', 'bytes', 20, [1, -2], 1.3, [5, 10], interpolation=mode, fill=[7])),
    *function('affine', 'floats batch', -70, [0, 1], 0.7, 12.5, interpolation=MODES[1]),
    *(c for angle in [45, 90, 180, -30] for c in function('rotate', 'even', angle)),
    *(c for args in [(0, [1, 0], 0.5, 0), (0, [0, 0], 1, [45.0, 0.0]), (45, [1, 1], 2, 0), (0, [1, 2], 2 / 3, 0)]
      for name in ['even', 'wide'] for c in function('affine', name, *args)),
    *function('affine', 'grey', 45, [0, 0], 1.1, [3.0], center=[0, 4]),
    *function('equalize', 'large tones bytePair'),
    *(c for mode in MODES[:2] for fill in [None, [9], [1, 2, 3]]
      for c in function('perspective', 'bytes', [[0, 0], [7, 0], [7, 5], [0, 5]], [[1, 0], [6, 2], [7, 4], [0, 5]], interpolation=mode, fill=fill)),
    *function('perspective', 'floats batch', [[0, 0], [3, 0], [3, 3], [0, 3]], [[0, 1], [2, 0], [4, 3], [1, 3]]),
    *function('convertImageDtype', 'bytes', torch.float32),
    *function('convertImageDtype', 'bytes', torch.float64),
    *function('convertImageDtype', 'floats', torch.uint8),
    *function('convertImageDtype', 'doubles', torch.uint8),
]

modules = [
    *module('RandomHorizontalFlip', 'bytes'),
    *module('RandomVerticalFlip', 'bytes', 0.3),
    *module('RandomGrayscale', 'bytes', p=0.6),
    *module('RandomInvert', 'bytes', 0.6),
    *module('RandomPosterize', 'bytes', 3, p=0.4),
    *module('RandomSolarize', 'floats', 0.5),
    *module('RandomAutocontrast', 'grey', 0.7),
    *module('RandomAdjustSharpness', 'bytes', 2),
    *module('RandomCrop', 'bytes', 4),
    *module('RandomCrop', 'grey', [3, 2], padding=2),
    *module('RandomCrop', 'bytes', [9, 9], padding=[1], pad_if_needed=True, fill=7),
    *module('RandomCrop', 'floats', 6, padding=2, padding_mode='reflect'),
    *module('ColorJitter', 'bytes floats', 0.4, 0.3, 0.2, 0.1, seeds=(0, 1, 2, 3)),
    *module('ColorJitter', 'grey', brightness=[0.5, 1.5], hue=[-0.2, 0.3], seeds=(0,)),
    *module('GaussianBlur', 'bytes', 3),
    *module('GaussianBlur', 'floats', [5, 3], sigma=1.3, seeds=(0,)),
    *module('RandomResizedCrop', 'large', 6, seeds=(0, 1, 2, 3)),
    *module('RandomResizedCrop', 'floats', [5, 3], scale=[0.3, 0.5], ratio=[0.1, 0.2], antialias=True),
    *module('RandomRotation', 'bytes', 30),
    *module('RandomRotation', 'floats', [10, 200], interpolation=MODES[1], expand=True, fill=0.5, seeds=(0, 1)),
    *module('RandomAffine', 'bytes', 15),
    *module('RandomAffine', 'floats', [-5, 60], translate=[0.2, 0.3], scale=[0.7, 1.4], shear=[-10, 10, -5, 20],
            interpolation=MODES[1], fill=[0.1, 0.2, 0.3]),
    *module('RandomAffine', 'grey', 0, shear=8, center=[1, 1], seeds=(0,)),
    *module('RandomEqualize', 'tones', 0.6),
    *module('RandomPerspective', 'bytes floats', p=0.8),
    *module('RandomPerspective', 'bytes', 0.3, 1.0, interpolation=MODES[0], fill=[1, 2, 3], seeds=(0,)),
    *module('ElasticTransform', 'bytes', alpha=30.0, sigma=0.3),
    *module('ElasticTransform', 'floats', alpha=[5.0, 9.0], sigma=[0.0, 0.0], interpolation=MODES[0], fill=0.5),
    *module('AutoAugment', 'bytes tones', seeds=range(12)),
    *module('AutoAugment', 'bytePair', T.AutoAugmentPolicy.CIFAR10, fill=[7], seeds=range(12)),
    *module('AutoAugment', 'bytes', policy=T.AutoAugmentPolicy.SVHN, interpolation=MODES[1], seeds=range(12)),
    *module('RandAugment', 'tones bytePair', seeds=range(8)),
    *module('RandAugment', 'bytes', 3, 5, num_magnitude_bins=11, fill=[1, 2, 3], seeds=range(4)),
    *module('TrivialAugmentWide', 'bytes grey', seeds=range(12)),
    *module('AugMix', 'tones bytePair', seeds=range(4)),
    *module('AugMix', 'bytes', 5, 2, chain_depth=2, alpha=0.7, all_ops=False, interpolation=MODES[0], seeds=range(4)),
    *module('RandomErasing', 'floats', seeds=(0, 1, 2, 3)),
    *module('RandomErasing', 'bytes', 1.0, scale=[0.1, 0.3], value=[1, 2, 3]),
    *module('RandomErasing', 'floats', p=1.0, value='random', seeds=(0, 1)),
]


def message(call):
    try:
        call()
    except Exception as error:
        return str(error)
    raise AssertionError('no error')


floats = INPUTS['floats']
errors = {
    'brightness': message(lambda: F.adjust_brightness(floats, -1)),
    'posterize': message(lambda: F.posterize(floats, 3)),
    'solarize': message(lambda: F.solarize(floats, 1.5)),
    'sharpness': message(lambda: F.adjust_sharpness(floats, -1)),
    'fiveCrop': message(lambda: F.five_crop(floats, [7, 3])),
    'hue': message(lambda: F.adjust_hue(floats, 0.7)),
    'channels': message(lambda: F.adjust_saturation(INPUTS['batch'][0, :2], 1)),
    'padding': message(lambda: T.Pad([1, 2, 3])),
    'mode': message(lambda: T.Pad(1, padding_mode='wrap')),
    'normalizeDims': message(lambda: F.normalize(floats[0], [0.5], [0.5])),
    'cropSize': message(lambda: T.RandomCrop(9)(floats)),
    'jitter': message(lambda: T.ColorJitter(brightness=-1)),
    'jitterRange': message(lambda: T.ColorJitter(hue=[-0.6, 0])),
    'jitterPair': message(lambda: T.ColorJitter(hue=[1])),
    'kernel': message(lambda: T.GaussianBlur(2)),
    'sigma': message(lambda: T.GaussianBlur(3, 0)),
    'greyOfTwo': message(lambda: T.RandomGrayscale(1.0)(torch.zeros(2, 3, 3))),
    'erasingP': message(lambda: T.RandomErasing(2.0)),
    'erasingValue': message(lambda: T.RandomErasing(1.0, value=[1, 2])(floats)),
    'erasingText': message(lambda: T.RandomErasing(value='noise')),
    'resizeSizes': message(lambda: F.resize(floats, [1, 2, 3])),
    'resizeMax': message(lambda: F.resize(floats, [4], max_size=3)),
    'antialias': message(lambda: F.resize(floats, [4], interpolation=MODES[0], antialias=True)),
    'bicubic': message(lambda: F.rotate(floats, 4, interpolation=MODES[2])),
    'fill': message(lambda: F.rotate(floats, 4, fill=[1, 2])),
    'translate': message(lambda: F.affine(floats, 4, [1], 1, [0])),
    'scale': message(lambda: F.affine(floats, 4, [1, 1], 0, [0])),
    'degrees': message(lambda: T.RandomRotation(-1)),
    'shares': message(lambda: T.RandomAffine(1, translate=(2, 0))),
    'shear': message(lambda: T.RandomAffine(1, shear=(1, 2, 3))),
    'grey': message(lambda: F.rgb_to_grayscale(floats, 2)),
    'pilDims': message(lambda: F.to_pil_image(torch.ones(1, 1, 1, 1))),
    'pilChannels': message(lambda: F.to_pil_image(torch.ones(5, 1, 1))),
    'cast': message(lambda: F.convert_image_dtype(floats, torch.int32)),
    'toTensorOfTensor': message(lambda: F.to_tensor(floats)),
    'toTensorOfNone': message(lambda: T.ToTensor()(None)),
    'toTensorOfText': message(lambda: T.ToTensor()('cat.png')),
    'normalizeOfList': message(lambda: T.Normalize(0.5, 0.5)([1])),
    'equalizeFloats': message(lambda: F.equalize(floats)),
    'equalizeDims': message(lambda: F.equalize(INPUTS['plane'])),
    'policy': message(lambda: T.AutoAugment('coco')),
    'severity': message(lambda: T.AugMix(11)),
    'displacement': message(lambda: F.elastic_transform(floats, torch.zeros(1, 2, 2, 2))),
    'alpha': message(lambda: T.ElasticTransform([1.0, 2.0, 3.0])),
    'square': message(lambda: T.LinearTransformation(torch.ones(2, 3), torch.ones(2))),
    'meanLength': message(lambda: T.LinearTransformation(torch.eye(2), torch.ones(3))),
    'incompatible': message(lambda: T.LinearTransformation(torch.eye(2), torch.ones(2))(floats)),
    'weights': message(lambda: T.RandomChoice([T.ToTensor()], [1.0, 2.0])(floats)),
    'noWeights': message(lambda: T.RandomChoice([T.ToTensor()], [0.0])(floats)),
    'eraseOfText': message(lambda: F.erase('cat.png', 0, 0, 1, 1, floats)),
}
reprs = {
    'Compose': str(T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.25,)), T.RandomApply([T.Grayscale()], 0.3)])),
    'FiveCrop': str(T.FiveCrop(3)),
    'TenCrop': str(T.TenCrop((2, 3), True)),
    'RandomInvert': str(T.RandomInvert()),
    'RandomPosterize': str(T.RandomPosterize(3)),
    'RandomSolarize': str(T.RandomSolarize(0.25, 0.75)),
    'RandomAutocontrast': str(T.RandomAutocontrast()),
    'RandomAdjustSharpness': str(T.RandomAdjustSharpness(2)),
    'RandomEqualize': str(T.RandomEqualize()),
    'RandomPerspective': str(T.RandomPerspective(p=0.25)),
    'AutoAugment': str(T.AutoAugment(T.AutoAugmentPolicy.SVHN)),
    'RandAugment': str(T.RandAugment(1)),
    'TrivialAugmentWide': str(T.TrivialAugmentWide(fill=[1])).replace('[1]', '(1,)'),
    'AugMix': str(T.AugMix(alpha=0.5)),
    'RandomChoice': str(T.RandomChoice([T.CenterCrop(3), T.ToTensor()], [0.5, 1.0])),
    'RandomOrder': str(T.RandomOrder([T.CenterCrop(3)])),
    'LinearTransformation': str(T.LinearTransformation(torch.eye(2), torch.ones(2))),
    'CenterCrop': str(T.CenterCrop(3)),
    'Pad': str(T.Pad((1, 2), 3, 'constant')),
    'RandomCrop': str(T.RandomCrop(4, 1)),
    'RandomHorizontalFlip': str(T.RandomHorizontalFlip()),
    'ColorJitter': str(T.ColorJitter(0.5, 0, 0, 0.25)),
    'GaussianBlur': str(T.GaussianBlur(3)),
    'Resize': str(T.Resize((3, 4), max_size=None)),
    'RandomRotation': str(T.RandomRotation(10, center=(1, 2))),
    'RandomAffine': str(T.RandomAffine(10, translate=(0.1, 0.2), shear=3)),
    'ToPILImage': str(T.ToPILImage('L')),
    'RandomErasing': str(T.RandomErasing(value='random')),
    # torchvision closes one parenthesis too many.
    'RandomResizedCrop': str(T.RandomResizedCrop(4, ratio=(0.5, 2.0))).replace('), antialias', ', antialias'),
}
drawn = [
    *params('RandomCrop', (3, 4), picture='bytes'),
    *params('RandomCrop', picture='grey', output_size=(5, 4)),
    *params('RandomResizedCrop', (0.2, 0.6), (0.5, 2.0), picture='large'),
    *params('RandomResizedCrop', picture='bytes', scale=(2.0, 3.0), ratio=(0.5, 0.7)),
    *params('RandomRotation', [-20.0, 30.0]),
    *params('RandomAffine', [-10.0, 10.0], [0.1, 0.2], [0.5, 1.5], [-1.0, 2.0, -3.0, 4.0], [20, 30]),
    *params('RandomAffine', [-10.0, 10.0], None, None, None, img_size=[20, 30]),
    *params('ColorJitter', [0.5, 1.5], None, [0.2, 0.8], [-0.1, 0.1]),
    *params('GaussianBlur', 0.1, 2.0),
    *params('RandomPerspective', 20, 30, distortion_scale=0.5),
]
write('packages/vision/test/golden/transforms.json',
      {'functions': functions, 'modules': modules, 'drawn': drawn, 'errors': errors, 'reprs': reprs}, depth=2)

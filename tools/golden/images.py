"""Writes packages/vision/test/golden/images.json: PNG and JPEG files of PIL with their pixels, PIL's conversions between
modes, torchvision's FakeData and its grids of pictures.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/images.py
"""
import base64
import io

import numpy as np
import torch
from PIL import Image
from torchvision import datasets, utils

from format import data_of, write

CHANNELS = {'L': 1, 'LA': 2, 'RGB': 3, 'RGBA': 4}


def pattern(width, height, channels):
    """Bytes that a formula gives, without symmetries."""
    i = np.arange(width * height * channels)
    return ((i * 37 + (i // 7) * 11) % 256).astype(np.uint8).reshape(height, width, channels)


def picture(mode, width=7, height=5):
    data = pattern(width, height, CHANNELS[mode])
    return Image.fromarray(data[:, :, 0] if mode == 'L' else data, mode)


def smooth(mode, width=24, height=16):
    """Gradients, which JPEG keeps well."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [x * 255 // (width - 1), y * 255 // (height - 1), (x + y) * 255 // (width + height - 2)]
    if mode == 'L':
        return Image.fromarray(planes[0].astype(np.uint8), 'L')
    return Image.fromarray(np.stack(planes, -1).astype(np.uint8), 'RGB')


def saved(name, image, kind, expected=None, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    opened = Image.open(io.BytesIO(out.getvalue()))
    expected = expected or (opened if opened.mode in CHANNELS else opened.convert('RGB'))
    return {
        'name': name,
        'file': base64.b64encode(out.getvalue()).decode(),
        'mode': expected.mode,
        'size': list(expected.size),
        'data': base64.b64encode(expected.tobytes()).decode(),
    }


def pngs():
    palette = picture('RGB').quantize(16)
    deep = Image.fromarray((np.arange(35, dtype=np.uint16) * 1871).reshape(5, 7))
    high = Image.fromarray((np.asarray(deep) >> 8).astype(np.uint8), 'L')
    bits = picture('L').point(lambda v: 255 * (v > 127)).convert('1')
    clear = picture('RGBA').quantize(8)
    return [
        *(saved(mode, picture(mode), 'PNG') for mode in CHANNELS),
        saved('one pixel', picture('RGB', 1, 1), 'PNG'),
        saved('palette', palette, 'PNG'),
        *(saved(f'palette of {2 ** bits}', picture('RGB').quantize(2 ** bits), 'PNG', bits=bits) for bits in (1, 2, 8)),
        saved('palette with alpha', clear, 'PNG', expected=clear.convert('RGBA')),
        saved('one bit', bits, 'PNG', expected=bits.convert('L')),
        saved('16 bits', deep, 'PNG', expected=high),
        saved('compressed', picture('RGB', 40, 30), 'PNG', optimize=True),
    ]


def jpegs():
    return [
        saved('RGB', smooth('RGB'), 'JPEG', quality=90, subsampling=0),
        saved('RGB 4:2:0', smooth('RGB'), 'JPEG', quality=90, subsampling=2),
        saved('progressive', smooth('RGB'), 'JPEG', quality=90, subsampling=0, progressive=True),
        saved('grey', smooth('L'), 'JPEG', quality=90),
        saved('odd size', smooth('RGB', 13, 9), 'JPEG', quality=95, subsampling=0),
    ]


def conversions():
    return [
        {'from': mode, 'to': to, 'data': picture(mode).convert(to).tobytes().hex()}
        for mode in CHANNELS
        for to in CHANNELS
        # PIL cannot convert this pair.
        if (mode, to) not in {('RGB', 'LA'), ('RGBA', 'LA')}
    ]


def fakes():
    cases = []
    for options, index in [(dict(image_size=(3, 4, 5)), 0), (dict(image_size=(1, 3, 3), num_classes=4), 7),
                           (dict(image_size=(3, 2, 8), random_offset=100), 2)]:
        image, label = datasets.FakeData(10, **options)[index]
        cases.append({
            'options': {{'image_size': 'imageSize', 'num_classes': 'numClasses', 'random_offset': 'randomOffset'}[k]: v
                        for k, v in options.items()},
            'index': index, 'mode': image.mode, 'data': image.tobytes().hex(), 'label': int(label),
        })
    return cases


def grids():
    """torchvision's make_grid."""
    def ramp(*shape):
        return (torch.arange(torch.Size(shape).numel(), dtype=torch.float32) * 7 % 23 - 5).reshape(shape)

    cases = []
    for shape, options in [
        ((5, 3, 2, 3), {}), ((5, 3, 2, 3), dict(nrow=2)), ((5, 1, 2, 2), dict(nrow=3, padding=1, pad_value=0.5)),
        ((4, 3, 2, 2), dict(normalize=True)), ((4, 3, 2, 2), dict(normalize=True, value_range=(-2, 9))),
        ((4, 3, 2, 2), dict(normalize=True, scale_each=True)), ((1, 3, 2, 2), {}), ((3, 2, 2), {}), ((2, 3), {}),
        ((2, 3), dict(normalize=True)), ((9, 1, 1, 1), dict(nrow=4, padding=0)),
    ]:
        grid = utils.make_grid(ramp(*shape), **options)
        names = {'pad_value': 'padValue', 'value_range': 'valueRange', 'scale_each': 'scaleEach'}
        cases.append({'shape': shape, 'options': {names.get(k, k): v for k, v in options.items()},
                      'sizes': list(grid.shape), 'data': data_of(grid)})
    return cases


def reprs():
    from torchvision import transforms as T
    plain = datasets.FakeData(3)
    both = datasets.FakeData(3, transform=T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))]),
                             target_transform=T.Grayscale())
    return [repr(plain), repr(both)]


write('packages/vision/test/golden/images.json', {
    'pngs': pngs(),
    'jpegs': jpegs(),
    'conversions': conversions(),
    'fakes': fakes(),
    'grids': grids(),
    'reprs': reprs(),
}, depth=2)

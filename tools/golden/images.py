"""Writes packages/vision/test/golden/images.json: PNG and JPEG files of PIL with their pixels, PIL's conversions between
modes, torchvision's FakeData and its grids of pictures.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/images.py
"""
import base64
import io
import struct
import zlib

import numpy as np
import torch
from PIL import Image
from torchvision import datasets, utils
from torchvision.transforms import functional as F

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


def entry(name, file):
    """A file, and the picture that PIL reads from it: a palette gives indices, 16 bits of grey are int32."""
    image = Image.open(io.BytesIO(file))
    image.load()
    pixels = np.asarray(image)
    data = pixels.astype('<i4') if image.mode == 'I' else (pixels * np.uint8(255 if image.mode == '1' else 1))
    return {
        'name': name,
        'file': base64.b64encode(file).decode(),
        'mode': image.mode,
        'size': list(image.size),
        'data': base64.b64encode(data.tobytes()).decode(),
    }


def saved(name, image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return entry(name, out.getvalue())


def pngs():
    return [
        *(saved(mode, picture(mode), 'PNG') for mode in CHANNELS),
        saved('one pixel', picture('RGB', 1, 1), 'PNG'),
        saved('compressed', picture('RGB', 40, 30), 'PNG', optimize=True),
        *kinds(),
    ]


def chunk(kind, body):
    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))


def written(width, height, depth, colour, interlaced, chunks=b''):
    """A PNG file of rows that a formula gives, each with another filter."""
    rows, count = b'', 0
    places = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    for x, y, dx, dy in places if interlaced else [(0, 0, 1, 1)]:
        w, h = -(-(width - x) // dx), -(-(height - y) // dy)
        for _ in range(h if w > 0 else 0):
            size = -(-w * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour] * depth // 8)
            rows += bytes([count % 5]) + bytes((count * 89 + i * 53 + 7) % 256 for i in range(size))
            count += 1
    header = struct.pack('>IIBBBBB', width, height, depth, colour, 0, 0, interlaced)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunks + chunk(b'IDAT', zlib.compress(rows))
            + chunk(b'IEND', b''))


def kinds():
    """All types of colours and depths, interlaced or not, and palettes with and without transparency."""
    short = chunk(b'PLTE', bytes((i * 71 + 13) % 256 for i in range(15)))
    result = [entry('short palette', written(11, 7, 4, 3, 0, short))]
    names = {0: 'grey', 2: 'colours', 3: 'palette', 4: 'grey with alpha', 6: 'colours with alpha'}
    depths = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
    for colour, interlaced in [(colour, interlaced) for colour in names for interlaced in (0, 1)]:
        for depth in depths[colour]:
            name = f"{names[colour]} of {depth} bits{', interlaced' if interlaced else ''}"
            colours = chunk(b'PLTE', bytes((i * 71 + 13) % 256 for i in range(3 * 2 ** depth))) if colour == 3 else b''
            result.append(entry(name, written(11, 7, depth, colour, interlaced, colours)))
            if colour == 3 and not interlaced:
                alphas = chunk(b'tRNS', bytes((i * 90 + 5) % 256 for i in range(2 ** depth - 1)))
                result.append(entry(f'{name} with alpha', written(11, 7, depth, colour, interlaced, colours + alphas)))
    return result


def jpegs():
    return [
        saved('RGB', smooth('RGB'), 'JPEG', quality=90, subsampling=0),
        saved('RGB 4:2:0', smooth('RGB'), 'JPEG', quality=90, subsampling=2),
        saved('progressive', smooth('RGB'), 'JPEG', quality=90, subsampling=0, progressive=True),
        saved('grey', smooth('L'), 'JPEG', quality=90),
        saved('odd size', smooth('RGB', 13, 9), 'JPEG', quality=95, subsampling=0),
    ]


def named(name):
    """A picture of `pngs`."""
    return Image.open(io.BytesIO(base64.b64decode(next(saved['file'] for saved in pngs() if saved['name'] == name))))


def conversions():
    """Pictures of each mode in the others."""
    result = []
    names = ('grey of 1 bits', 'grey of 16 bits', 'palette of 4 bits', 'palette of 4 bits with alpha', 'short palette')
    for name in (*CHANNELS, *names):
        for to in (*CHANNELS, 'I'):
            image = named(name)
            # PIL cannot convert this pair.
            if (image.mode, to) in {('RGB', 'LA'), ('RGBA', 'LA')}:
                continue
            result.append({'from': name, 'to': to, 'data': image.convert(to).tobytes().hex()})
    return result


MOVES = {
    'hflip': F.hflip,
    'pad': lambda image: F.pad(image, 1, 7),
    'centerCrop': lambda image: F.center_crop(image, [3, 4]),
}


def moved():
    """Pictures of modes without colours, as tensors and moved."""
    result = []
    for name in ('grey of 1 bits', 'grey of 16 bits', 'palette of 4 bits'):
        image = named(name)
        tensors = {'toTensor': F.to_tensor(image), 'pilToTensor': F.pil_to_tensor(image)}
        tensors.update((key, F.pil_to_tensor(move(image))) for key, move in MOVES.items())
        result.append({'name': name, 'tensors': {
            key: {'dtype': str(x.dtype)[6:], 'sizes': list(x.shape), 'data': data_of(x)} for key, x in tensors.items()}})
    return result


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
    'moved': moved(),
    'fakes': fakes(),
    'grids': grids(),
    'reprs': reprs(),
}, depth=2)

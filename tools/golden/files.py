"""Files of tensors, both ways: packages/core/test/golden/files.json.

`read` has files that safetensors' own package and NumPy write, with the elements that flambeau must read from them.
`written` has the files that flambeau writes (written.mjs, from built packages), with what these programs read from them.
`halves` has digests of all conversions to and from float16 and bfloat16.

It needs the package safetensors of PyPI, which Debian does not have: PYTHONPATH names where it is.
"""
import base64
import hashlib
import io
import json
import os
import subprocess

import numpy
import safetensors
import safetensors.numpy
import safetensors.torch
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, '..', '..')

# What flambeau reads a dtype as.
READ_AS = {
    'float64': numpy.float64, 'float32': numpy.float32, 'float16': numpy.float32, 'bool': numpy.bool_,
    'uint8': numpy.uint8, **{name: numpy.int32 for name in ('int64', 'int32', 'int16', 'int8', 'uint64', 'uint32', 'uint16')},
}


def text(data):
    return base64.b64encode(data).decode()


def array(x):
    """A tensor or an array: dtype and elements as flambeau reads them."""
    if isinstance(x, torch.Tensor):
        x = x.float().numpy() if x.dtype == torch.bfloat16 else x.numpy()
    read = x.astype(READ_AS[x.dtype.name])
    return {'dtype': read.dtype.name, 'shape': list(x.shape), 'data': text(numpy.ascontiguousarray(read).tobytes())}


special = [float('nan'), float('inf'), float('-inf'), -0.0, 0.0, 1e-7, 65504.0, 1 / 3]
torches = {
    **{str(dtype)[6:]: torch.tensor(special, dtype=dtype) for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16)},
    **{str(dtype)[6:]: torch.tensor([[0, 1, 127]], dtype=dtype) for dtype in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)},
    'negative.long': torch.tensor([-1, 2**31 - 1, -(2**31)]),
    'flags': torch.tensor([True, False]),
    'scalar': torch.tensor(2.5),
    'none': torch.zeros(0, 3),
}
numpys = {
    **{name: numpy.array([0, 1, 127], name) for name in ('uint16', 'uint32', 'uint64', 'float16')},
    'é "quoted" \\': numpy.arange(6, dtype='float32').reshape(1, 2, 3),
    '__proto__': numpy.ones(1, 'float32'),
    '10': numpy.ones(1, 'float32'),
    '9': numpy.zeros(1, 'float32'),
}
read = {}
for name, tensors, package in [('torch', torches, safetensors.torch), ('numpy', numpys, safetensors.numpy)]:
    data = package.save(tensors, metadata={'of': name, 'é': '"'})
    read[f'{name}.safetensors'] = {'file': text(data), 'tensors': {key: array(x) for key, x in tensors.items()}}

def npy(x, version=None):
    out = io.BytesIO()
    if version is None:
        numpy.save(out, x)
    else:
        numpy.lib.format.write_array(out, x, version)
    return out.getvalue()


arrays = {
    **{name: numpy.array([[0, 1, 127]], name) for name in 'b1 u1 i1 i2 i4 i8 u2 u4 u8 >i2 >i4 >u8'.split()},
    **{name: numpy.array(special, name) for name in 'f2 f4 f8 >f2 >f4 >f8'.split()},
    'negative': numpy.array([-1, 2**31 - 1, -(2**31)]),
    'fortran': numpy.asfortranarray(numpy.arange(24, dtype='f4').reshape(2, 3, 4)),
    'fortran, big-endian': numpy.asfortranarray(numpy.arange(6, dtype='>i4').reshape(2, 3)),
    'scalar': numpy.array(2.5, 'f4'),
    'none': numpy.zeros((0, 3), 'f8'),
}
for name, x in arrays.items():
    read[f'{name}.npy'] = {'file': text(npy(x)), 'tensors': {'array': array(x)}}
for version in [(2, 0), (3, 0)]:
    x = arrays['fortran']
    read[f'version {version[0]}.npy'] = {'file': text(npy(x, version)), 'tensors': {'array': array(x)}}
few = {'a': arrays['f4'], 'b/c': arrays['i8'], '__proto__': arrays['fortran'], 'é': arrays['scalar'], 'none': arrays['none']}
for name, save in [('stored', numpy.savez), ('deflated', numpy.savez_compressed)]:
    out = io.BytesIO()
    save(out, arrays['b1'], **few)
    read[f'{name}.npz'] = {'file': text(out.getvalue()), 'tensors': {key: array(x) for key, x in {'arr_0': arrays['b1'], **few}.items()}}

# ---- what flambeau writes ----


def opened_by_numpy(name, data):
    found = numpy.load(io.BytesIO(data), allow_pickle=False)
    if isinstance(found, numpy.ndarray):
        # It is the file that NumPy writes itself.
        assert npy(found) == data, name
        return {'array': found}
    return dict(found)


files = json.loads(subprocess.run(['node', os.path.join(HERE, 'written.mjs')], check=True, stdout=subprocess.PIPE).stdout)
written = {}
for name, file in files.items():
    data = base64.b64decode(file)
    opened = safetensors.torch.load(data) if name.endswith('safetensors') else opened_by_numpy(name, data)
    written[name] = {'file': file, 'tensors': {
        key: {**array(x), 'stored': str(x.dtype).replace('torch.', '')} for key, x in opened.items()
    }}

# ---- halves ----


def digest(x):
    return hashlib.sha256(x.numpy().tobytes()).hexdigest()


bits = torch.arange(65536, dtype=torch.int32)
halves = bits.to(torch.int16).view(torch.float16)
brains = bits.to(torch.int16).view(torch.bfloat16)
# Floats around every tie: these lower bits below all upper ones. How the bits of a NaN are converted depends on the processor.
lower = torch.tensor([0, 1, 0x0fff, 0x1000, 0x1001, 0x3000, 0x7fff, 0x8000, 0x8001, 0xffff], dtype=torch.int32)
floats = ((bits << 16)[:, None] | lower).flatten().view(torch.float32)
floats = floats[~floats.isnan()]
golden = {
    'version': safetensors.__version__,
    'read': read,
    'written': written,
    'halves': {
        'lower': lower.tolist(),
        'float16 to float32': digest(halves[~halves.isnan()].float()),
        'bfloat16 to float32': digest(brains[~brains.isnan()].float()),
        'float32 to float16': digest(floats.to(torch.float16).view(torch.int16)),
        'float32 to bfloat16': digest(floats.to(torch.bfloat16).view(torch.int16)),
    },
}
with open(os.path.join(ROOT, 'packages/core/test/golden/files.json'), 'w') as out:
    out.write('{\n' + ',\n'.join(f'{json.dumps(key)}: ' + (
        '{\n' + ',\n'.join(f'  {json.dumps(k)}: {json.dumps(v)}' for k, v in value.items()) + '\n}'
        if isinstance(value, dict) else json.dumps(value)) for key, value in golden.items()) + '\n}\n')

#!/usr/bin/env python3
"""Files that real PyTorch wrote, and what they hold: packages/core/test/golden/pt.json. Run by /usr/bin/python3.

files    {name: {file, holds}}: the file in base64, and what `torch.load` gives as `described` writes it, with int64 and
         smaller integers as int32 and halves as float32
refused  {name: file}: files that hold more than weights
pickle   the data.pkl of the file `modules`, in base64

The names of storages in the old form are addresses, so these files differ from run to run.
"""
import collections
import io
import os
import pickle
import sys
import warnings
import zipfile

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import numpy as np  # noqa: E402
import torch  # noqa: E402
from format import write  # noqa: E402
from stored import described, text  # noqa: E402
from torch import nn  # noqa: E402

warnings.simplefilter('ignore')
torch.set_num_threads(1)
torch.manual_seed(0)

def saved(x, **options):
    buffer = io.BytesIO()
    torch.save(x, buffer, **options)
    return buffer.getvalue()


def old(x):
    return saved(x, _use_new_zipfile_serialization=False)


modules = nn.Sequential(collections.OrderedDict(hidden=nn.Linear(3, 4), norm=nn.LayerNorm(4), out=nn.Linear(4, 2)))
counting = nn.Sequential(nn.Conv1d(2, 3, 2), nn.BatchNorm1d(3))

values = [float('nan'), float('inf'), -float('inf'), -0.0, 1e-45, 6e-8, 65504.0, 3.140625]
dtypes = {
    str(dtype).replace('torch.', ''): torch.tensor(values).to(dtype)
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16)
}
for dtype in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8):
    dtypes[str(dtype).replace('torch.', '')] = torch.tensor([0, 1, 100, 127] + ([] if dtype is torch.uint8 else [-1, -128])).to(dtype)
dtypes['int64'] = torch.tensor([2**31 - 1, -(2**31), 5])
dtypes['bool'] = torch.tensor([True, False, True])

base = torch.arange(24, dtype=torch.float32)
grid = base.view(4, 6)
few = base[:6].clone().view(2, 3)
views = {
    'whole': base, 'grid': grid, 'transposed': grid.t(), 'columns': grid[:, 1::2], 'row': grid[2], 'one': grid[1, 3],
    'expanded': base[5:6].expand(3, 2), 'windows': base.unfold(0, 5, 3), 'none': grid[4:], 'no columns': grid[:, 6:],
    'scalar': torch.tensor(2.5), 'other': torch.ones(2, 0, 3), 'bits': torch.tensor([[True, False]]).t(),
}
tied = collections.OrderedDict([('embedding', few), ('decoder', few), ('bias', few[1])])
again = {'first': modules.out.bias, 'second': modules.out.bias, 'list': [few, few.t()]}

p = nn.Parameter(torch.tensor([1.0, -2.0]))
frozen = nn.Parameter(torch.tensor([3.0]), requires_grad=False)
adam = torch.optim.Adam([{'params': [p], 'lr': 0.01}, {'params': [frozen]}], amsgrad=True)
p.grad = torch.tensor([0.5, 0.25])
adam.step()
steps = torch.optim.lr_scheduler.MultiStepLR(torch.optim.SGD([p], 0.1), [3, 5, 3])
deep = [1]
for _ in range(40):
    deep = [deep]
tree = {
    'model': counting.state_dict(), 'optimizer': adam.state_dict(), 'scheduler': steps.state_dict(),
    'parameters': [p, frozen, p.detach(), torch.ones(1, requires_grad=True)],
    'numbers': [0, 1, -1, 255, 256, 65535, 65536, -(2**31), 2**31, 2**53 - 1, -(2**63), 2**70, 2.5, -0.0, 1e300, float('nan'), float('inf')],
    'words': ['', 'é', '漢字', '😀', '\0'], 'none': None, 'yes': True, 'no': False, 'bytes': bytes(range(256)), 'set': {3, 1},
    'size': torch.Size([2, 3]), 'device': torch.device('cpu'), 'cuda': torch.device('cuda', 1), 'dtype': torch.float64,
    'tuples': ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)), 'mixed': {'a': 1, 2: 'b', None: 3}, 'ordered': collections.OrderedDict(b=1, a=2),
    'empty': [{}, [], collections.OrderedDict()], 'deep': deep, '__proto__': {'polluted': True}, 'constructor': 1,
}

objects = {
    'modules': modules.state_dict(), 'dtypes': dtypes, 'views': views, 'tied': tied,
    'again': again, 'tree': tree, 'tensor': few.t(), 'number': 7,
}
files = {name: (saved(x), x) for name, x in objects.items()}
for name in ('dtypes', 'tied', 'tensor'):
    files[name + ', old'] = (old(objects[name]), objects[name])
files['protocol 4'] = (saved(counting.state_dict(), pickle_protocol=4), counting.state_dict())
small = {'x': torch.ones(2), 'set': {1, 2}, 'bytes': b'\xff\0', 'long': 'k' * 300, 'int': 2**40}
files['protocol 5'] = (saved(small, pickle_protocol=5), small)
files['protocol 5, old'] = (saved(small, pickle_protocol=5, _use_new_zipfile_serialization=False), small)

# As Python 2 wrote it: byte strings, and an OrderedDict that is called with a list of pairs.
python2 = (
    b'\x80\x02ccollections\nOrderedDict\nq\x00]q\x01(]q\x02(U\x01wq\x03ctorch._utils\n_rebuild_tensor\nq\x04'
    b'((U\x07storageq\x05ctorch\nFloatStorage\nq\x06U\x0b94012345678q\x07U\x03cpuq\x08K\x06Ntq\x09QK\x01K\x02K\x02\x86q\x0aK\x02K\x01'
    b'\x86q\x0btq\x0cRq\x0de]q\x0e(U\x04partq\x0fh\x04((h\x05h\x06h\x07h\x08K\x06T\x02\x00\x00\x0094q\x10K\x02K\x03\x87q\x11tq\x12Q'
    b'K\x01K\x02\x85q\x13K\x01\x85q\x14tq\x15Rq\x16ee\x85q\x17Rq\x18.'
)
head = b''.join(pickle.dumps(x, 2) for x in (0x1950A86A20F9469CFC6C, 1001, {'little_endian': True, 'protocol_version': 1001}))
python2 = head + python2 + b'\x80\x02]q\x00U\x0b94012345678q\x01a.' + (6).to_bytes(8, 'little') + np.arange(6, dtype='f4').tobytes()
loaded = torch.load(io.BytesIO(python2))
# A part of a storage is a storage of its own there, and a view here.
part = loaded['w'].view(-1)[2:4]
assert torch.equal(part, loaded['part'])
files['python 2, old'] = (python2, collections.OrderedDict(w=loaded['w'], part=part))


class Command:
    def __reduce__(self):
        return os.system, ('echo hello',)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(1, 1)

    def forward(self, x):
        return self.a(x)


def scripted():
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(Net()), buffer)
    return buffer.getvalue()


loop = []
loop.append({'a': loop})
refused = {
    'module': saved(nn.Linear(1, 1)), 'command': saved({'a': Command()}),
    'script': scripted(), 'sparse': saved(torch.eye(2).to_sparse()), 'quantized': saved(torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)),
    'complex': saved(torch.ones(2, dtype=torch.complex64)), 'numpy': saved({'a': np.ones(2)}), 'numpy scalar': saved([np.float64(1)]),
    'storage': saved([torch.ones(2).storage()]), 'large': saved({'w': {'x': torch.tensor([1, 2**31])}}), 'cycle': saved(loop),
    'date': saved({'day': __import__('datetime').date(2020, 1, 1)}), 'plain pickle': pickle.dumps({'a': 1}, 2),
    'tuple key': saved({(1, 2): 3}),
}

write(
    'packages/core/test/golden/pt.json',
    {
        'files': {name: {'file': text(data), 'holds': described(x, {})} for name, (data, x) in files.items()},
        'refused': {name: text(data) for name, data in refused.items()},
        'pickle': text(zipfile.ZipFile(io.BytesIO(files['modules'][0])).read('archive/data.pkl')),
    },
    2,
)

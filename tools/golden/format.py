"""How golden values are written: numbers short but exact, one record a line, and the names of dtypes on both sides."""
import json
import math
import os

import torch

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))

# In flambeau int32 takes the place of PyTorch's int64.
torch_dtype = {
    'float32': torch.float32,
    'float64': torch.float64,
    'int32': torch.int64,
    'uint8': torch.uint8,
    'bool': torch.bool,
}
# Exponents of frexp are int32 there, too.
NAMES = {**{dtype: name for name, dtype in torch_dtype.items()}, torch.int32: 'int32'}


def dtype_name(x):
    return NAMES[x.dtype]


def short(x, digits):
    """The shortest decimal that reads back as the same number; words for what JSON cannot write."""
    if isinstance(x, bool):
        return int(x)
    if isinstance(x, int):
        return x
    if math.isnan(x):
        return 'nan'
    if math.isinf(x):
        return 'inf' if x > 0 else '-inf'
    if x == 0:
        return '-0' if math.copysign(1, x) < 0 else 0
    if digits == 9:
        for n in range(1, 10):
            text = f'{x:.{n}g}'
            if torch.tensor(float(text), dtype=torch.float32).item() == x:
                x = float(text)
                break
    return int(x) if x == int(x) and abs(x) < 1e15 else x


def data_of(x):
    digits = 9 if x.dtype == torch.float32 else 17
    if x._is_zerotensor():
        x = torch.zeros(x.shape, dtype=x.dtype)
    return [short(v, digits) for v in x.detach().reshape(-1).tolist()]


def lines(value, depth):
    """JSON with line breaks down to `depth` levels, then one line."""
    if depth == 0 or not isinstance(value, (dict, list)) or not value:
        return json.dumps(value, separators=(',', ':'), ensure_ascii=False)
    if isinstance(value, dict):
        body = [f'{json.dumps(k)}:{lines(v, depth - 1)}' for k, v in value.items()]
        return '{\n' + ',\n'.join(body) + '\n}'
    return '[\n' + ',\n'.join(lines(v, depth - 1) for v in value) + '\n]'


def write(path, value, depth=1):
    full = os.path.join(ROOT, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, 'w') as file:
        file.write(lines(value, depth) + '\n')
    print(f'{path}: {os.path.getsize(full)} bytes')

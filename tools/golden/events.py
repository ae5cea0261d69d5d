"""Writes packages/data/test/golden/events.json: the bytes that PyTorch's SummaryWriter writes for calls, what is in its
pictures, and the graph of a model by its modules.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/events.py

It needs TensorBoard's Python package (tensorboard of PyPI), which Debian does not have: PYTHONPATH names where it is.
"""
import base64
import glob
import io
import os
import struct
import tempfile
import time

import numpy
import torch
from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event
from torch import nn
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard._pytorch_graph import graph

from format import write

# What no call says is this time.
time.time = lambda: 1234.5
# PyTorch 1.13 asks for a dtype that numpy 1.24 no longer takes.
greater = numpy.greater
numpy.greater = lambda a, b, dtype=None: greater(a, b)


def read(folder):
    """The records of the event files below a folder, without the first of each file, which names its version."""
    records = []
    for file in sorted(glob.glob(os.path.join(folder, '**/events*'), recursive=True)):
        with open(file, 'rb') as stream:
            data = stream.read()
        at = first = 0
        while at < len(data):
            end = at + 16 + struct.unpack('<Q', data[at:at + 8])[0]
            if first:
                records.append(data[at:end])
            at, first = end, 1
    return records


def encoded(x):
    if not isinstance(x, torch.Tensor):
        return x
    return {'tensor': x.tolist(), 'dtype': str(x.dtype).replace('torch.', '')}


def recorded(call, *args):
    with tempfile.TemporaryDirectory() as folder:
        writer = SummaryWriter(folder)
        getattr(writer, call)(*args)
        writer.close()
        return read(folder)


def calls():
    x = torch.tensor([[-3.0, -0.5, 0.0], [0.25, 0.25, 7.5]])
    for call, *args in [
        ('add_scalar', 'loss', 0.5, 3, 12.25),
        ('add_scalar', 'loss', torch.tensor([0.1]), 300, 1e9),
        ('add_scalar', 'zero', 0, 0, 1.5),
        ('add_scalar', 'größe', -2, 2 ** 40, 1.5),
        ('add_scalar', 'before', 1e300, -1, 1.5),
        ('add_scalar', 'new', 0.1, 7, 2.5, True),
        ('add_scalar', 'new/double', 0.1, 7, 2.5, True, True),
        ('add_text', 'notes', 'with **dropout**: größer', 1, 2.5),
        ('add_text', 'empty', '', 0, 2.5),
        ('add_histogram', 'weights', x, 5, 'tensorflow', 3.5),
        ('add_histogram', 'ones', torch.ones(4), 5, 'tensorflow', 3.5),
        ('add_histogram', 'zeros', torch.zeros(4), 5, 'tensorflow', 3.5),
        ('add_histogram', 'ten', x, 5, 10, 3.5),
        ('add_histogram', 'few', x, 5, 10, 3.5, 4),
        ('add_histogram', 'some', x, 5, 'tensorflow', 3.5, 100),
        ('add_histogram', 'integers', torch.arange(20), 5, 4, 3.5),
        ('add_histogram', 'alike', torch.full((3,), 2.0), 5, 4, 3.5),
        ('add_histogram', 'edges', x, 5, [-1.0, 0.0, 0.25, 0.5, 7.5], 3.5),
        # One each: the order of several in a map is any.
        ('add_hparams', {'name': 'sgd', 'none': None}, {'accuracy': 0.75, 'loss': 2}, None, 'run'),
        ('add_hparams', {'lr': 0.5}, {'a': 1}, {'lr': [0.5, 0.25]}, 'run'),
        ('add_hparams', {'name': 'sgd'}, {}, {'name': ['sgd', 'adam']}, 'run'),
        ('add_scalars', 'a/b', {'x': 1, 'y': 2.5}, 4, 3.5),
    ]:
        records = recorded(call, *args)
        yield {
            'call': call,
            'args': [encoded(arg) for arg in args],
            'records': [base64.b64encode(record).decode() for record in records],
        }


def pictures():
    steps = lambda *shape: (torch.arange(numpy.prod(shape)) * 37 % 256).to(torch.uint8).reshape(shape)
    shares = lambda *shape: torch.arange(numpy.prod(shape)).float().reshape(shape) / (numpy.prod(shape) - 1)
    for call, x, formats in [
        ('add_image', steps(3, 4, 5), 'CHW'),
        ('add_image', steps(1, 4, 5), 'CHW'),
        ('add_image', steps(4, 4, 5), 'CHW'),
        ('add_image', shares(4, 5, 3), 'HWC'),
        ('add_image', shares(4, 5), 'HW'),
        ('add_image', steps(4, 5), 'WH'),
        ('add_images', steps(2, 3, 4, 5), 'NCHW'),
        ('add_images', shares(11, 1, 2, 3), 'NCHW'),
        ('add_images', steps(3, 2, 3, 3), 'NHWC'),
    ]:
        (record,) = recorded(call, 'picture', x, 2, 1.5, formats)
        value = Event.FromString(record[12:-4]).summary.value[0]
        pixels = numpy.asarray(Image.open(io.BytesIO(value.image.encoded_image_string)))
        yield {
            'call': call,
            'x': encoded(x),
            'formats': formats,
            'size': [value.image.height, value.image.width, value.image.colorspace],
            'pixels': base64.b64encode(pixels.tobytes()).decode(),
        }


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.conv(x) + x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), Block(), nn.MaxPool2d(2))
        self.fc = nn.Linear(18, 3)

    def forward(self, x):
        return self.fc(self.features(x).flatten(1))


def modules():
    """From which module to which other ones a tensor of which sizes goes, and the parameters of each."""
    nodes = graph(Net(), (torch.zeros(1, 1, 8, 8),))[0].node
    scope = {node.name: node.name.rsplit('/', 1)[0] for node in nodes}
    sizes = {
        node.name: [dim.size for dim in node.attr['_output_shapes'].list.shape[0].dim]
        for node in nodes
        if node.op.startswith('aten::') or node.op == 'IO Node'
    }
    edges = [
        [scope[source], scope[node.name], sizes[source]]
        for node in nodes
        if node.name in sizes
        for source in node.input
        if source in sizes and scope[source] != scope[node.name]
    ]
    parameters = [
        scope[node.name] for node in nodes if node.op == 'prim::GetAttr' and 'running' not in node.name
    ]
    return {'edges': sorted(edges), 'parameters': sorted(parameters)}


write('packages/data/test/golden/events.json', {
    'calls': list(calls()),
    'pictures': list(pictures()),
    'graph': modules(),
})

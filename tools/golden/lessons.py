#!/usr/bin/env python3
"""Runs the Python of the lessons about images, examples/src/NAME/NAME.py, in real PyTorch.

    /usr/bin/python3 tools/golden/lessons.py [NAME...]

examples/transcripts/NAME-SEED.json
  {example, seed, reference, runs}: for each data set, `steps` are the losses of the first training steps, in the order
  of their `backward()`, and for the first seed `lines` are what the whole program prints, if it takes minutes only.

The losses are recorded by `backward` itself, so that a lesson's file is the program that its page shows, and nothing
else. Its data are the files that the package data-mnist ships.
"""
import base64
import contextlib
import gzip
import importlib.util
import io
import json
import os
import re
import sys
import tempfile
from pathlib import Path

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
import torch  # noqa: E402
from torchvision import datasets  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / 'examples' / 'src'
SETS = ROOT / 'packages' / 'data-mnist' / 'src' / 'sets'

# The lessons: how many steps are recorded, with which options, for which data sets and seeds; and whether the whole
# program runs, too.
LESSONS = {
    'lenet5': {'steps': 20, 'sets': ['MNIST', 'FashionMNIST'], 'seeds': [0, 1, 2], 'whole': True},
    **{name: {'steps': 5, 'sets': ['FashionMNIST'], 'seeds': [0]} for name in ('alexnet', 'zfnet', 'vgg', 'googlenet')},
    # The first network alone, ResNet-20 of full width; training all of them takes too long here. With the lesson's own
    # learning rate, 0.03, the fifth loss in PyTorch's float32 is off by 2e-3 from that in its float64: each step makes a
    # difference in the last bit some ten times larger.
    'resnet': {
        'steps': 5, 'sets': ['FashionMNIST'], 'seeds': [0, 1, 2],
        'options': {'width': 1, 'batch_size': 32, 'lr': 1e-4},
    },
}


def unpack(folder):
    """The shipped files, in torchvision's layout."""
    for name, prefix in (('MNIST', 'mnist'), ('FashionMNIST', 'fashion')):
        raw = Path(folder) / name / 'raw'
        raw.mkdir(parents=True)
        for part, own in (('train', 'train'), ('t10k', 'test')):
            for kind, file in (('images', 'images-idx3-ubyte'), ('labels', 'labels-idx1-ubyte')):
                source = (SETS / f'{prefix}-{own}-{kind}.gz.ts').read_text()
                packed = base64.b64decode(re.search(r'`([^`]*)`', source).group(1))
                (raw / f'{part}-{file}').write_bytes(gzip.decompress(packed))


def program(name):
    """The function of a lesson."""
    file = SOURCES / name / f'{name}.py'
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


class Enough(Exception):
    """Ends a program whose first steps are known."""


@contextlib.contextmanager
def recorded(losses, most):
    """Within it, the first losses are recorded; Enough is raised behind the last one, unless `most` is None."""
    backward = torch.Tensor.backward

    def recording(self, *args, **options):
        if most is not None and len(losses) == most:
            raise Enough
        losses.append('%.9e' % self.item())
        return backward(self, *args, **options)

    torch.Tensor.backward = recording
    try:
        with contextlib.suppress(Enough):
            yield
    finally:
        torch.Tensor.backward = backward


def first_steps(run, steps, **options):
    losses = []
    with recorded(losses, steps), contextlib.redirect_stdout(io.StringIO()):
        run(**options)
    return losses


def whole(run, **options):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        run(**options)
    return out.getvalue().splitlines()


def main():
    if not torch.__version__.startswith('1.13.'):
        sys.exit(f'this is PyTorch {torch.__version__}; the transcripts are of 1.13.1')
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as root:
        unpack(root)
        for name in sys.argv[1:] or LESSONS:
            lesson = LESSONS[name]
            run = program(name)
            for seed in lesson['seeds']:
                head = {'example': name, 'seed': seed, 'reference': 'PyTorch 1.13.1, OPENBLAS_CORETYPE=Haswell'}
                runs = {}
                for each in lesson['sets']:
                    options = {'seed': seed, 'dataset': getattr(datasets, each), 'root': root}
                    runs[each] = {'steps': first_steps(run, lesson['steps'], **options, **lesson.get('options', {}))}
                    if lesson.get('whole') and seed == lesson['seeds'][0]:
                        runs[each]['lines'] = whole(run, **options)
                file = ROOT / 'examples' / 'transcripts' / f'{name}-{seed}.json'
                file.write_text(json.dumps({**head, 'runs': runs}, indent=1) + '\n')
                print(f'{name} seed {seed}', flush=True)


if __name__ == '__main__':
    main()

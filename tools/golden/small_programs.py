#!/usr/bin/env python3
"""What the small programs of examples/programs print for two seeds: examples/test/golden/programs.json.

Each NAME.py has main(seed); NAME.ts beside it is the same program, and must print the same.
"""
import contextlib
import importlib
import io
import json
import os
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
FOLDER = os.path.join(ROOT, 'examples', 'programs')
sys.path.insert(0, FOLDER)
sys.dont_write_bytecode = True

import torch  # noqa: E402

torch.set_num_threads(1)


def printed(name, seed):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        importlib.import_module(name).main(seed)
    return out.getvalue().splitlines()


names = sorted(file[:-3] for file in os.listdir(FOLDER) if file.endswith('.py'))
golden = {name: {str(seed): printed(name, seed) for seed in (0, 1)} for name in names}
target = os.path.join(ROOT, 'examples', 'test', 'golden', 'programs.json')
os.makedirs(os.path.dirname(target), exist_ok=True)
with open(target, 'w') as file:
    json.dump(golden, file, indent=1)
    file.write('\n')

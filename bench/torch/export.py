"""Exports ResNet-18 with given numbers as an ONNX model: `export.py FILE`, with the inputs of the workload as JSON on stdin."""
import json
import sys

import torch
from serve import read
from workloads import trained_resnet18

inputs = {key: read(stored) for key, stored in json.load(sys.stdin).items()}
torch.onnx.export(trained_resnet18(inputs), inputs["x"], sys.argv[1])

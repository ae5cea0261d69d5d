"""PyTorch's times on a GPU, in microseconds, for bench/src/cuda.ts; one line of JSON, or why there are none."""

import json
import sys
import time

try:
    import torch
except ImportError:
    print(json.dumps({"missing": "PyTorch is not installed"}))
    sys.exit(0)
if not torch.cuda.is_available():
    print(json.dumps({"missing": "PyTorch finds no GPU"}))
    sys.exit(0)

quick = "--quick" in sys.argv
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
device = "cuda"


def timed(work):
    def run(n):
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(n):
            work()
        torch.cuda.synchronize()
        return 1e6 * (time.perf_counter() - start) / n

    run(3)
    n = 2 if quick else max(5, int(2e5 / max(1, run(5))))
    return min(run(n) for _ in range(3))


times = {}
side = 64 if quick else 4096
a, b = torch.randn(side, side, device=device), torch.randn(side, side, device=device)
times["product"] = timed(lambda: a @ b)

model = torch.nn.Sequential(
    torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)
).to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, capturable=True)
x, y = torch.rand(64, 784, device=device), torch.randint(0, 10, (64,), device=device)


def step():
    optimizer.zero_grad(set_to_none=True)
    torch.nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()


times["mlpEager"] = timed(step)
stream = torch.cuda.Stream()
stream.wait_stream(torch.cuda.current_stream())
with torch.cuda.stream(stream):
    for _ in range(3):
        step()
torch.cuda.current_stream().wait_stream(stream)
graph = torch.cuda.CUDAGraph()
with torch.cuda.graph(graph):
    step()
times["mlpGraph"] = timed(graph.replay)

chain = torch.randn(1000 if quick else 1000000, device=device, requires_grad=True)


def activation():
    chain.grad = None
    (torch.tanh(1.5 * chain + 0.5) * torch.sigmoid(chain)).sum().backward()


times["activation"] = timed(activation)
rows, classes = (8, 64) if quick else (4096, 32000)
logits = torch.randn(rows, classes, device=device, requires_grad=True)
labels = torch.randint(0, classes, (rows,), device=device)


def cross_entropy():
    logits.grad = None
    torch.nn.functional.cross_entropy(logits, labels).backward()


times["crossEntropy"] = timed(cross_entropy)
small = torch.randn(1000, device=device)
times["operation"] = timed(lambda: small + small)
print(json.dumps(times))

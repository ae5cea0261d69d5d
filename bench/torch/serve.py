"""Real PyTorch as a subject: the protocol of src/serve.ts, one question a line on stdin, one answer a line on stdout.

`serve.py [MODULE...]` imports modules before its first answer that a workload would import on demand.
"""
import importlib
import json
import os
import resource
import sys
import time
import traceback

import numpy as np
import torch
from workloads import workloads


def read(stored):
    return torch.from_numpy(np.fromfile(stored["file"], dtype=stored["dtype"])).view(stored["shape"])


class Server:
    def answer(self, question):
        if "ready" in question:
            return {}
        if "load" in question:
            return self.load(question["load"], question["inputs"])
        if "run" in question:
            return self.run(question["run"])
        return self.write(question["results"])

    def load(self, name, inputs):
        kind, *words = name.split()
        if kind not in workloads:
            return {"cannot": "not written for PyTorch"}
        self.step, self.results = workloads[kind]({key: read(stored) for key, stored in inputs.items()}, *words)
        return {}

    def run(self, n):
        step = self.step
        start = time.perf_counter_ns()
        for _ in range(n):
            last = step()
        ns = time.perf_counter_ns() - start
        self.last = last
        return {"ns": ns, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}

    def write(self, prefix):
        results = self.results(self.last)
        for i, result in enumerate(results):
            result.detach().contiguous().numpy().tofile(f"{prefix}.{i}")
        return {"results": len(results)}


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    for module in sys.argv[1:]:
        importlib.import_module(module)
    server = Server()
    for line in sys.stdin:
        try:
            answer = server.answer(json.loads(line))
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), flush=True)

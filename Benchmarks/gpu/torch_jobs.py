# SPDX-License-Identifier: Apache-2.0
"""The tilt and the sort on a GPU as PyTorch users would write them, in float32; CuPy where that is missing.

    torch_jobs.py FILE.npy [REPEATS]
"""
import json
import sys
import time

import numpy as np

path = sys.argv[1]
repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 5
rewards = np.load(path)
lambdas = np.geomspace(0.01, 50, 64).astype(np.float32)


def with_torch():
    import torch
    device = torch.device("cuda")
    data, grid = torch.from_numpy(rewards).to(device), torch.from_numpy(lambdas).to(device)

    def tilt():
        shifted = data - data.max(1, keepdim=True).values
        out = []
        for lam in grid:
            weights = torch.exp(lam * shifted)
            total = weights.sum(1, dtype=torch.float64)
            first = (weights * shifted).sum(1, dtype=torch.float64)
            out.append((lam.double() * first / total - torch.log(total / data.shape[1])).mean())
        return torch.stack(out).cpu().numpy()

    def best_of_n():
        return torch.sort(data, 1).values[:, -1].double().mean().cpu().numpy()

    return "torch", tilt, best_of_n, torch.cuda.synchronize


def with_cupy():
    import cupy as cp
    data = cp.asarray(rewards)

    def tilt():
        shifted = data - data.max(1, keepdims=True)
        out = []
        for lam in lambdas:
            weights = cp.exp(lam * shifted)
            total = weights.sum(1, dtype=cp.float64)
            first = (weights * shifted).sum(1, dtype=cp.float64)
            out.append(float((float(lam) * first / total - cp.log(total / data.shape[1])).mean()))
        return np.array(out)

    def best_of_n():
        return np.asarray(float(cp.sort(data, 1)[:, -1].mean()))

    return "cupy", tilt, best_of_n, cp.cuda.Device().synchronize


def main():
    try:
        name, tilt, best_of_n, wait = with_torch()
    except ImportError:
        name, tilt, best_of_n, wait = with_cupy()
    for job in (tilt, best_of_n):
        seconds = []
        for turn in range(repeats + 1):
            start = time.perf_counter()
            values = job()
            wait()
            if turn:
                seconds.append(time.perf_counter() - start)
        print(json.dumps({"peer": name, "job": job.__name__, "seconds": seconds,
                          "values": np.atleast_1d(values).tolist()}))


main()

# SPDX-License-Identifier: Apache-2.0
"""The engine's jobs as a strong NumPy program: float32 blocks, clamped exponents, threads.

    numpy_jobs.py FILE.npy [REPEATS] [THREADS]

Prints a JSON object a job, as esscher-benchmarks does.
"""
import json
import os
import sys
import time

path = sys.argv[1]
repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 5
threads = int(sys.argv[3]) if len(sys.argv) > 3 else os.cpu_count()
# Parallel over rows below; a BLAS that also used every core would only get in the way.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
from concurrent.futures import ThreadPoolExecutor  # noqa: E402

LAMBDAS = np.geomspace(0.01, 50, 64).astype(np.float32)
NS = [1 << k for k in range(11)]
SCRATCH = 1 << 18  # floats a thread, so that a block's exponentials stay in cache


def row_blocks(prompts, block):
    step = max(block, (prompts + 16 * threads - 1) // (16 * threads))
    return [(i, min(prompts, i + step)) for i in range(0, prompts, step)]


def tilt(rewards, pool):
    """Means over prompts of KL at each lambda; log Z, reward and reverse KL are formed as well."""
    prompts, samples = rewards.shape
    count = len(LAMBDAS)
    columns = min(samples, 4096)
    block = max(1, SCRATCH // (count * columns))
    grid = max(1, min(count, SCRATCH // columns))
    sums = np.empty((3, prompts, count), np.float32)
    top = np.empty(prompts, np.float32)
    mean = np.empty(prompts, np.float64)

    def work(span):
        low, high = span
        weights = np.empty((block, grid, columns), np.float32)
        powers = np.empty((block, columns, 3), np.float32)
        powers[:, :, 0] = 1
        for p in range(low, high, block):
            q = min(high, p + block)
            m = rewards[p:q].max(1)
            top[p:q] = m
            totals = np.zeros((q - p, count, 3), np.float64)
            shifted = 0
            for c in range(0, samples, columns):
                d = rewards[p:q, c:c + columns] - m[:, None]
                n = d.shape[1]
                shifted = shifted + d.sum(1, dtype=np.float64)
                part = powers[:q - p, :n]
                part[:, :, 1] = d
                part[:, :, 2] = d * d
                for b in range(0, count, grid):
                    k = min(grid, count - b)
                    e = weights[:q - p, :k, :n]
                    np.multiply(LAMBDAS[None, b:b + k, None], d[:, None, :], out=e)
                    # Denormal exponentials are a hundred times slower than these.
                    if LAMBDAS[b + k - 1] > 5:
                        np.maximum(e, np.float32(-80), out=e)
                    np.exp(e, out=e)
                    totals[:, b:b + k] += np.matmul(e, part)
            mean[p:q] = shifted / samples
            sums[:, p:q] = np.moveaxis(totals, 2, 0)

    list(pool.map(work, row_blocks(prompts, block)))
    s0 = sums[0].astype(np.float64)
    first = sums[1] / s0
    log_z = np.log(s0 / samples)
    lam = LAMBDAS.astype(np.float64)[None]
    reward = top[:, None] + first
    kl = lam * first - log_z
    reverse = log_z - lam * mean[:, None]
    reward.mean(0), reverse.mean(0), (log_z + lam * top[:, None]).mean(0)
    return kl.mean(0)


def order_weights(samples):
    """w_i of each n in ascending order, by the downward recurrence."""
    table = np.zeros((len(NS), samples))
    for k, n in enumerate(NS):
        rank = np.arange(samples - 1, 0, -1.0)
        ratios = np.maximum((rank - n + 1) / rank, 0)
        table[k, ::-1] = n / samples * np.concatenate([[1.0], np.cumprod(ratios)])
    return table.astype(np.float32)


def best_of_n(rewards, pool):
    """Means over prompts of the best-of-n reward; ties need no care for the reward itself."""
    table = order_weights(rewards.shape[1]).T.copy()
    out = np.empty((rewards.shape[0], len(NS)), np.float64)

    def work(span):
        low, high = span
        out[low:high] = np.sort(rewards[low:high], axis=1) @ table

    list(pool.map(work, row_blocks(rewards.shape[0], 8)))
    return out.mean(0)


def main():
    rewards = np.load(path)
    with ThreadPoolExecutor(threads) as pool:
        for job in (tilt, best_of_n):
            seconds = []
            for turn in range(repeats + 1):
                start = time.perf_counter()
                values = job(rewards, pool)
                if turn:
                    seconds.append(time.perf_counter() - start)
            print(json.dumps(
                {"job": job.__name__, "seconds": seconds, "values": values.tolist()}))


main()

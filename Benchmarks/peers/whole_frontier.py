# SPDX-License-Identifier: Apache-2.0
"""The frontier of a reward matrix as one would write it with NumPy and Numba, for speed: tilts with KL and reward,
best of n, Pareto shapes, bootstrap intervals. `esscher frontier` beside it gives more columns.

    whole_frontier.py REWARDS.npy --lambdas log:LOW:HIGH:COUNT --ns 1,2,4 --threads N -o OUTPUT.csv

Rows are sorted once in NumPy's vectorised sort; tilts take the sorted row and stop where exponentials vanish; the
shapes take its top; replicates are one matrix product.
"""
import argparse
import csv
import math
from concurrent.futures import ThreadPoolExecutor

from common import QUANTILES, REPLICATES, fast_vectors, order_weights, tail_count

fast_vectors()

import numba  # noqa: E402
import numpy as np  # noqa: E402

import numba_peer  # noqa: E402

F = np.float32


@numba.njit(parallel=True, fastmath=True, cache=True)
def tilts(ordered, lambdas, kl, reward):
    """KL and mean reward of each prompt and lambda; rows ascend."""
    prompts, samples = ordered.shape
    for p in numba.prange(prompts):
        row = ordered[p]
        top = row[samples - 1]
        d = np.empty(samples, np.float32)
        for j in range(samples):
            d[j] = row[j] - top
        for b in range(len(lambdas)):
            lam = lambdas[b]
            # What lies lower adds less than 2e-8 of the sum, be there as many as there may.
            cut = F(-(18 + math.log(samples)) / lam)
            first = np.searchsorted(d, cut) if d[0] < cut else 0
            s0 = F(0)
            s1 = F(0)
            for j in range(first, samples):
                w = numba_peer.exponential(lam * d[j])
                s0 += w
                s1 += w * d[j]
            mean = np.float64(s1) / np.float64(s0)
            kl[p, b] = np.float64(lam) * mean - math.log(np.float64(s0) / samples)
            reward[p, b] = np.float64(top) + mean


def grid(text):
    kind, low, high, count = text.split(":")
    make = np.geomspace if kind == "log" else np.linspace
    return make(float(low), float(high), int(count))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rewards")
    parser.add_argument("--lambdas", type=grid, required=True)
    parser.add_argument("--ns", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--output", required=True)
    options = parser.parse_args()
    lambdas = options.lambdas
    ns = [int(n) for n in options.ns.split(",")]

    rewards = np.load(options.rewards)
    prompts, samples = rewards.shape
    pool = ThreadPoolExecutor(options.threads)
    step = -(-prompts // (16 * options.threads))
    weights = order_weights(samples, ns).T.astype(np.float32).copy()
    best = np.empty((prompts, len(ns)), np.float32)

    def sort(start):
        rows = slice(start, start + step)
        rewards[rows].sort(axis=1)
        best[rows] = rewards[rows] @ weights

    list(pool.map(sort, range(0, prompts, step)))
    shape = (prompts, len(lambdas))
    kl, reward, khat = np.empty(shape), np.empty(shape), np.empty(shape)
    tilts(rewards, lambdas.astype(np.float32), kl, reward)
    count = min(samples, tail_count(samples) + 1)
    tails = np.ascontiguousarray(rewards[:, samples - count:][:, ::-1].astype(np.float64))
    numba_peer.shapes(tails, lambdas, khat)

    columns = np.concatenate([reward, kl, best], axis=1).astype(np.float32)
    means = columns.mean(0, dtype=np.float64)
    replicates = np.empty((REPLICATES, columns.shape[1]), np.float32)

    def resample(part):
        random = np.random.default_rng(part[0])
        counts = np.empty((len(part), prompts), np.float32)
        for row in counts:
            row[:] = np.bincount(random.integers(0, prompts, prompts), minlength=prompts)
        replicates[part[0]:part[-1] + 1] = counts @ columns

    list(pool.map(resample, np.array_split(np.arange(REPLICATES), 4 * options.threads)))
    low, high = np.quantile(replicates / prompts, QUANTILES, axis=0)
    shapes = np.quantile(khat, 0.9, axis=0, method="inverted_cdf")
    b = len(lambdas)
    with open(options.output, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow("curve,lambda,n,kl,kl_low,kl_high,reward,reward_low,reward_high,khat".split(","))
        for i, lam in enumerate(lambdas):
            k = b + i
            writer.writerow(
                ["tilt", lam, "", means[k], low[k], high[k], means[i], low[i], high[i], shapes[i]])
        for i, n in enumerate(ns):
            k = 2 * b + i
            writer.writerow(["best_of_n", "", n, math.log(n) - (n - 1) / n, "", "", means[k], low[k], high[k], ""])


main()

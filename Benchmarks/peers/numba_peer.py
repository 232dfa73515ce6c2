# SPDX-License-Identifier: Apache-2.0
"""The jobs in Numba: one loop a prompt, all threads over prompts, fast-math, 512-bit vectors.

With an LLVM that has Intel's vector library (numba 0.60 and icc_rt) `math.exp` becomes a vector call; elsewhere the
exponential is a polynomial written out, which LLVM vectorises itself.
"""
import math
import os

from common import REPLICATES, fast_vectors, intervals, tilt_means

fast_vectors()

import numba  # noqa: E402
import numpy as np  # noqa: E402

F = np.float32
VECTOR_LIBRARY = bool(os.environ.get("PEER_SVML"))

if VECTOR_LIBRARY:
    @numba.njit(fastmath=True, inline="always")
    def exponential(x):
        # Never denormal.
        return math.exp(max(x, F(-87)))
else:
    @numba.njit(fastmath=True, inline="always")
    def exponential(x):
        """2^n times a polynomial of degree 5 on [-1/2, 1/2], to 2e-7."""
        y = max(x * F(1.4426950408889634), F(-126))
        n = math.floor(y + F(0.5))
        f = y - F(n)
        p = F(1.32647261e-03) * f + F(9.67151272e-03)
        p = p * f + F(5.55073375e-02)
        p = p * f + F(2.40222421e-01)
        p = p * f + F(6.93146978e-01)
        p = p * f + F(1)
        return p * np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)


@numba.njit(parallel=True, fastmath=True, cache=True)
def tilt_sums(rewards, lambdas, top, shift, s0, s1):
    prompts, samples = rewards.shape
    for p in numba.prange(prompts):
        largest = rewards[p, 0]
        for j in range(samples):
            largest = max(largest, rewards[p, j])
        d = np.empty(samples, np.float32)
        total = F(0)
        for j in range(samples):
            d[j] = rewards[p, j] - largest
            total += d[j]
        top[p] = largest
        shift[p] = total / samples
        for b in range(len(lambdas)):
            lam = lambdas[b]
            a = F(0)
            c = F(0)
            for j in range(samples):
                w = exponential(lam * d[j])
                a += w
                c += w * d[j]
            s0[p, b] = a
            s1[p, b] = c


def tilt(task):
    shape = (task.prompts, len(task.lambdas))
    s0, s1 = np.empty(shape, np.float32), np.empty(shape, np.float32)
    top, shift = np.empty(task.prompts, np.float32), np.empty(task.prompts, np.float32)

    def run():
        tilt_sums(task.rewards, task.lambdas, top, shift, s0, s1)
        return tilt_means(top, shift, s0, s1, task.lambdas, task.samples)

    return run


@numba.njit(fastmath=True, inline="always")
def weighted(ordered, weights, out):
    for n in range(len(weights)):
        total = F(0)
        for j in range(len(ordered)):
            total += weights[n, j] * ordered[j]
        out[n] = total


@numba.njit(parallel=True, fastmath=True, cache=True)
def sorted_sums(rewards, weights, out):
    for p in numba.prange(len(rewards)):
        weighted(np.sort(rewards[p]), weights, out[p])


@numba.njit(parallel=True, fastmath=True, cache=True)
def ordered_sums(rewards, gold, weights, out):
    for p in numba.prange(len(rewards)):
        weighted(gold[p][np.argsort(rewards[p])], weights, out[p])


def best_of_n(task):
    weights = task.weights().T.copy()
    out = np.empty((task.prompts, len(weights)), np.float32)

    def run():
        sorted_sums(task.rewards, weights, out)
        return out.mean(0, dtype=np.float64)

    return run


def best_of_n_gold(task):
    weights = task.weights().T.copy()
    out = np.empty((task.prompts, len(weights)), np.float32)

    def run():
        ordered_sums(task.rewards, task.gold, weights, out)
        return out.mean(0, dtype=np.float64)

    return run


@numba.njit(parallel=True, fastmath=True, cache=True)
def resample(values, out):
    prompts, columns = values.shape
    for replicate in numba.prange(len(out)):
        counts = np.zeros(prompts, np.int32)
        for _ in range(prompts):
            counts[np.random.randint(0, prompts)] += 1
        total = np.zeros(columns, np.float32)
        for p in range(prompts):
            if counts[p]:
                weight = F(counts[p])
                for c in range(columns):
                    total[c] += weight * values[p, c]
        for c in range(columns):
            out[replicate, c] = total[c] / prompts


def bootstrap(task):
    values = task.columns()
    out = np.empty((REPLICATES, values.shape[1]), np.float32)

    def run():
        resample(values, out)
        return intervals(out)

    return run


@numba.njit(fastmath=True, inline="always")
def log_means(excess, count, theta, guesses, block, products, logs):
    """Mean of log(1 - theta x) for each theta, a logarithm for every `block` factors; candidates are the lanes."""
    logs[:guesses] = 0
    for start in range(0, count, block):
        products[:guesses] = 1
        for j in range(start, min(count, start + block)):
            x = excess[j]
            for g in range(guesses):
                products[g] *= 1 - theta[g] * x
        for g in range(guesses):
            logs[g] += math.log(products[g])
    for g in range(guesses):
        logs[g] /= count


@numba.njit(parallel=True, cache=True)
def shapes(tails, lambdas, out):
    prompts, length = tails.shape
    for p in numba.prange(prompts):
        excess = np.empty(length)
        theta, products, logs = np.empty(256), np.empty(256), np.empty(256)
        one = np.empty(1)
        for b in range(len(lambdas)):
            cutoff = max(math.exp(lambdas[b] * (tails[p, length - 1] - tails[p, 0])), 2.3e-308)
            count = 0
            for j in range(length - 1, -1, -1):
                x = math.exp(lambdas[b] * (tails[p, j] - tails[p, 0]))
                if x > cutoff:
                    excess[count] = x - cutoff
                    count += 1
            out[p, b] = 0
            if count < 5 or excess[count - 1] <= excess[0]:
                continue
            guesses = 30 + int(math.sqrt(count))
            largest = excess[count - 1]
            scale = 3 * excess[int(count / 4 + 0.5) - 1]
            for g in range(guesses):
                theta[g] = 1 / largest + (1 - math.sqrt(guesses / (g + 0.5))) / scale
            bound = max(math.log2(1 - theta[0] * largest) + 1, 14.0)
            block = max(1, min(64, int(900 / bound)))
            log_means(excess, count, theta, guesses, block, products, logs)
            best = -np.inf
            for g in range(guesses):
                logs[g] = count * (math.log(-theta[g] / logs[g]) - logs[g] - 1)
                if logs[g] > best and logs[g] < np.inf:
                    best = logs[g]
            total = 0.0
            mean = 0.0
            for g in range(guesses):
                if logs[g] > best - 40 and logs[g] < np.inf:
                    share = math.exp(logs[g] - best)
                    total += share
                    mean += share * theta[g]
            theta[0] = mean / total
            log_means(excess, count, theta, 1, block, products, one)
            out[p, b] = (count * one[0] + 5) / (count + 10)


def khat(task):
    tails = task.tails()
    lambdas = np.geomspace(0.01, 50, 64)
    out = np.empty((task.prompts, len(lambdas)))

    def run():
        shapes(tails, lambdas, out)
        return out.mean(0)

    return run

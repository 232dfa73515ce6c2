# SPDX-License-Identifier: Apache-2.0
"""What every peer shares: the grids, the weights, the data and the last steps in double precision.

A peer is a module with a function a job. Each takes a `Task` and returns a function without arguments that does
the job once and returns its numbers, the same ones in the same order as `esscher bench`:

    tilt              mean KL at each lambda, then mean reward at each lambda
    best_of_n         mean reward at each n
    best_of_n_gold    mean gold reward at each n, ordered by the reward
    tilt_best_of_n    both of the first two
    bootstrap         low, high of each column's interval
    khat              mean Pareto shape at each lambda
"""
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

NS = [1 << k for k in range(11)]
REPLICATES, COLUMNS = 1000, 64
QUANTILES = np.array([0.025, 0.975])


def lambdas_of(job):
    if job == "tilt_uniform":
        return np.arange(1, 65) * (50 / 64)
    return np.geomspace(0.01, 50, 256 if job == "tilt_256" else 64)


class Task:
    """The data of a job. Reading it is not timed, as it is not for arrays that a program already has."""

    def __init__(self, job, rewards, gold, threads):
        self.job = job
        self.threads = threads
        self.rewards = np.load(rewards)
        self.gold = np.load(gold) if job == "best_of_n_gold" else None
        self.prompts, self.samples = self.rewards.shape
        self.lambdas = lambdas_of(job).astype(np.float32)

    def weights(self):
        """Weight of each ascending order statistic at each n: a column an n, float32."""
        return order_weights(self.samples).T.astype(np.float32).copy()

    def columns(self):
        """The bootstrap's statistics: the first 64 cells of each prompt, over again where it has fewer."""
        return np.ascontiguousarray(self.rewards[:, np.arange(COLUMNS) % min(COLUMNS, self.samples)])

    def tails(self):
        """The largest rewards of each prompt, the largest first: the fitted ones and the one below."""
        count = min(self.samples, tail_count(self.samples) + 1)
        top = np.partition(self.rewards, self.samples - count, axis=1)[:, self.samples - count:]
        return np.ascontiguousarray(np.sort(top, axis=1)[:, ::-1].astype(np.float64))

    def blocks(self, smallest=1):
        """Ranges of prompts, sixteen a thread and none smaller than `smallest`."""
        parts = 16 * self.threads
        step = max(smallest, -(-self.prompts // parts))
        return [(i, min(self.prompts, i + step)) for i in range(0, self.prompts, step)]

    def pool(self):
        return ThreadPoolExecutor(self.threads)


def tail_count(samples):
    """Weights that a Pareto shape is fitted to (Vehtari et al. 2024)."""
    return int(np.ceil(min(samples / 5, 3 * np.sqrt(samples))))


def order_weights(samples, ns=NS):
    """Weight of the i-th smallest of `samples` in the mean of the best of n: C(i-1, n-1)/C(samples, n); a row an n."""
    ns = [n for n in ns if n <= samples]
    table = np.zeros((len(ns), samples))
    rank = np.arange(samples - 1, 0, -1.0)
    for row, n in zip(table, ns):
        row[-1] = n / samples
        row[-2::-1] = row[-1] * np.cumprod(np.maximum((rank - n + 1) / rank, 0))
    return table


def tilt_means(top, mean_shift, s0, s1, lambdas, samples):
    """Means over prompts from the sums Σ w and Σ w d, w = e^{lambda d}, d = reward - top.

    KL, log Z, reward and reverse KL are formed for every prompt, as the engine does; the first and third are
    returned.
    """
    s0 = np.asarray(s0, np.float64)
    first = np.asarray(s1, np.float64) / s0
    log_z = np.log(s0 / samples)
    lambdas = lambdas.astype(np.float64)
    kl = lambdas * first - log_z
    reward = np.asarray(top, np.float64)[:, None] + first
    reverse = log_z - lambdas * np.asarray(mean_shift, np.float64)[:, None]
    reverse.mean(0), (log_z + lambdas * np.asarray(top)[:, None]).mean(0)
    return np.concatenate([kl.mean(0), reward.mean(0)])


def intervals(replicates):
    """Percentile intervals of each column of `replicates`, by linear interpolation; low, high, low, high, …"""
    ordered = np.sort(replicates, axis=0)
    place = QUANTILES * (len(ordered) - 1)
    below = place.astype(int)
    share = (place - below)[:, None]
    return (ordered[below] * (1 - share) + ordered[below + 1] * share).T.ravel()


def fast_vectors():
    """Lets LLVM use 512-bit vectors, which it avoids on processors that once slowed down with them."""
    try:
        import llvmlite.binding as binding
    except ImportError:
        return
    features = binding.get_host_cpu_features()
    if features.get("avx512f"):
        os.environ["NUMBA_CPU_FEATURES"] = features.flatten() + ",-prefer-256-bit"

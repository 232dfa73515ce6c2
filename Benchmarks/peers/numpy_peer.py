# SPDX-License-Identifier: Apache-2.0
"""The jobs in NumPy: float32 blocks that stay in cache, clamped exponents, batched products, threads over rows."""
import numpy as np

from common import REPLICATES, intervals, tilt_means

SCRATCH = 1 << 18  # floats a thread: its exponentials stay in the second-level cache


def tilt(task):
    rewards, lambdas = task.rewards, task.lambdas
    samples, count = task.samples, len(task.lambdas)
    columns = min(samples, 4096)
    rows = max(1, SCRATCH // (count * columns))
    grid = max(1, min(count, SCRATCH // columns))
    sums = np.empty((task.prompts, count, 2))
    top = np.empty(task.prompts, np.float32)
    shift = np.empty(task.prompts)
    pool = task.pool()

    def work(span):
        weights = np.empty((rows, grid, columns), np.float32)
        powers = np.ones((rows, columns, 2), np.float32)
        for p in range(*span, rows):
            q = min(span[1], p + rows)
            top[p:q] = rewards[p:q].max(1)
            totals = np.zeros((q - p, count, 2))
            total = 0
            for c in range(0, samples, columns):
                d = rewards[p:q, c:c + columns] - top[p:q, None]
                width = d.shape[1]
                total = total + d.sum(1, dtype=np.float64)
                powers[:q - p, :width, 1] = d
                for b in range(0, count, grid):
                    part = lambdas[b:b + grid]
                    e = weights[:q - p, :len(part), :width]
                    np.multiply(part[None, :, None], d[:, None, :], out=e)
                    # Denormal results are a hundred times slower than these.
                    if part[-1] > 5:
                        np.maximum(e, np.float32(-80), out=e)
                    np.exp(e, out=e)
                    totals[:, b:b + grid] += np.matmul(e, powers[:q - p, :width])
            shift[p:q] = total / samples
            sums[p:q] = totals

    def run():
        list(pool.map(work, task.blocks(rows)))
        return tilt_means(top, shift, sums[..., 0], sums[..., 1], lambdas, samples)

    return run


def best_of_n(task):
    rewards, weights = task.rewards, task.weights()
    out = np.empty((task.prompts, weights.shape[1]), np.float32)
    pool = task.pool()

    def work(span):
        rows = slice(*span)
        out[rows] = np.sort(rewards[rows], axis=1) @ weights

    def run():
        list(pool.map(work, task.blocks()))
        return out.mean(0, dtype=np.float64)

    return run


def best_of_n_gold(task):
    """Rewards become integers of the same order in the upper half of 64 bits, gold goes into the lower half, and
    the sort of integers carries it along."""
    rewards, gold, weights = task.rewards, task.gold, task.weights()
    out = np.empty((task.prompts, weights.shape[1]), np.float32)
    pool = task.pool()

    def work(span):
        rows = slice(*span)
        bits = rewards[rows].view(np.int32)
        pairs = np.empty(bits.shape + (2,), np.uint32)
        pairs[..., 1] = (bits ^ ((bits >> 31) | np.int32(-2**31))).view(np.uint32)
        pairs[..., 0] = gold[rows].view(np.uint32)
        pairs.view(np.uint64)[..., 0].sort(axis=1)
        out[rows] = np.ascontiguousarray(pairs[..., 0]).view(np.float32) @ weights

    def run():
        list(pool.map(work, task.blocks()))
        return out.mean(0, dtype=np.float64)

    return run


def bootstrap(task):
    """Multinomial counts by bincount, then one matrix product, both in threads over replicates."""
    values, prompts = task.columns(), task.prompts
    replicates = np.empty((REPLICATES, values.shape[1]), np.float32)
    parts = np.array_split(np.arange(REPLICATES), 4 * task.threads)
    pool = task.pool()

    def work(part):
        random = np.random.default_rng(part[0])
        counts = np.empty((len(part), prompts), np.float32)
        for row in counts:
            row[:] = np.bincount(random.integers(0, prompts, prompts), minlength=prompts)
        replicates[part[0]:part[-1] + 1] = counts @ values

    def run():
        list(pool.map(work, parts))
        return intervals(replicates / prompts)

    return run


def khat(task):
    """Zhang and Stephens' fit as ArviZ has it, a logarithm a term, all candidates of a fit at once."""
    tails = task.tails()
    lambdas = np.geomspace(0.01, 50, 64)
    out = np.empty((task.prompts, len(lambdas)))
    pool = task.pool()

    def work(row):
        for place, lam in enumerate(lambdas):
            out[row, place] = shape(np.exp(lam * (tails[row] - tails[row, 0])))

    def run():
        list(pool.map(work, range(task.prompts)))
        return np.nan_to_num(out).mean(0)

    return run


def shape(weights):
    """k̂ of descending weights, the last being the cutoff; NaN where fewer than five lie above it."""
    cutoff = max(weights[-1], np.finfo(float).tiny)
    excess = (weights[weights > cutoff] - cutoff)[::-1]
    count = len(excess)
    if count < 5 or excess[-1] <= excess[0]:
        return np.nan
    guesses = 30 + int(count**0.5)
    quartile = excess[int(count / 4 + 0.5) - 1]
    theta = 1 / excess[-1] + (1 - np.sqrt(guesses / (np.arange(guesses) + 0.5))) / (3 * quartile)
    with np.errstate(all="ignore"):
        k = np.log1p(-theta[:, None] * excess).mean(1)
        likelihood = count * (np.log(-theta / k) - k - 1)
    keep = np.isfinite(likelihood)
    share = np.exp(likelihood[keep] - likelihood[keep].max())
    mean = (share * theta[keep]).sum() / share.sum()
    return (count * np.log1p(-mean * excess).mean() + 5) / (count + 10)

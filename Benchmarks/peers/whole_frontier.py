# SPDX-License-Identifier: Apache-2.0
"""The frontier of a reward matrix as one would write it with NumPy and Numba, for speed, with the columns that
`esscher frontier` has: KL, reverse KL, reward, gain, win rate, effective sample size, Pareto shape, the jackknife's
bias and the trust that rests on it, best of n with its efficiency, bootstrap intervals.

    whole_frontier.py REWARDS.npy --lambdas log:LOW:HIGH:COUNT --ns 1,2,4 --threads N -o OUTPUT.csv [--few]

With --few it leaves most of that out: tilts with KL and reward, the reward of best of n, Pareto shapes, intervals.

Rows are sorted once in NumPy's vectorised sort; tilts take the sorted row and stop where exponentials vanish; the
shapes take its top; replicates are one matrix product. Ties count as if they were none, which single precision's few
do not show.
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
FIELDS = ("curve,beta,lambda,n,kl,kl_low,kl_high,reverse_kl,jeffreys,reward,reward_low,reward_high,gain,gain_low,"
          "gain_high,win_rate,kl_bound,efficiency,efficiency_low,efficiency_high,ess,khat,kl_ceiling,trusted").split(",")
# docs/design/010-trust.md
MARGIN, SMALLEST_ESS, LARGEST_SHAPE, LARGEST_BIAS = 3, 30, 0.4, 0.25


@numba.njit(fastmath=True, cache=True)
def distances(row):
    """r - max r of an ascending row."""
    top = row[-1]
    d = np.empty(len(row), np.float32)
    for j in range(len(row)):
        d[j] = row[j] - top
    return d


@numba.njit(fastmath=True, cache=True)
def first_that_counts(d, lam):
    """What lies below adds less than 2e-8 of the sum, be there as many as there may."""
    cut = F(-(18 + math.log(len(d))) / lam)
    return np.searchsorted(d, cut) if d[0] < cut else 0


@numba.njit(parallel=True, fastmath=True, cache=True)
def tilts(ordered, lambdas, kl, reward):
    """KL and mean reward of each prompt and lambda; rows ascend."""
    prompts, samples = ordered.shape
    for p in numba.prange(prompts):
        row = ordered[p]
        top = row[samples - 1]
        d = distances(row)
        for b in range(len(lambdas)):
            lam = lambdas[b]
            first = first_that_counts(d, lam)
            s0 = F(0)
            s1 = F(0)
            for j in range(first, samples):
                w = numba_peer.exponential(lam * d[j])
                s0 += w
                s1 += w * d[j]
            mean = np.float64(s1) / np.float64(s0)
            kl[p, b] = np.float64(lam) * mean - math.log(np.float64(s0) / samples)
            reward[p, b] = np.float64(top) + mean


@numba.njit(parallel=True, fastmath=True, cache=True)
def all_tilts(ordered, ranks, lambdas, kl, reward, reverse, wins, ess, reward_bias, kl_bias):
    """As tilts, with every other column of a prompt and lambda; `ranks` are the shares of samples below, ties half.

    The jackknife takes w + w^2 for w/(1 - w) below 1e-3.
    """
    prompts, samples = ordered.shape
    factor = (samples - 1) / samples
    for p in numba.prange(prompts):
        row = ordered[p]
        top = row[samples - 1]
        d = distances(row)
        total = 0.0
        for j in range(samples):
            total += d[j]
        for b in range(len(lambdas)):
            lam = lambdas[b]
            first = first_that_counts(d, lam)
            s0 = F(0)
            s1 = F(0)
            share = F(0)
            q0 = F(0)
            q1 = F(0)
            for j in range(first, samples):
                w = numba_peer.exponential(lam * d[j])
                s0 += w
                s1 += w * d[j]
                share += w * ranks[j]
                square = w * w
                q0 += square
                q1 += square * d[j]
            mass = np.float64(s0)
            mean = np.float64(s1) / mass
            log_mean = math.log(mass / samples)
            kl[p, b] = np.float64(lam) * mean - log_mean
            reverse[p, b] = log_mean - np.float64(lam) * total / samples
            reward[p, b] = np.float64(top) + mean
            wins[p, b] = np.float64(share) / mass
            squares = np.float64(q0) / (mass * mass)
            ess[p, b] = 1 / squares
            moved = np.float64(q1) / (mass * mass) - squares * mean
            partition = -(squares - 1 / samples) / 2
            j = samples - 1
            while j >= first:
                w = math.exp(np.float64(lam) * d[j]) / mass
                if w < 1e-3:
                    break
                if w < 1:
                    moved += w * w * w / (1 - w) * (d[j] - mean)
                    partition += math.log1p(-w) + w + w * w / 2
                j -= 1
            reward_bias[p, b] = -factor * moved
            kl_bias[p, b] = -factor * (np.float64(lam) * moved + partition)


def grid(text):
    kind, low, high, count = text.split(":")
    make = np.geomspace if kind == "log" else np.linspace
    return make(float(low), float(high), int(count))


def selection_weights(samples, ns):
    """Weight of the i-th smallest when n are drawn with replacement: (i^n - (i - 1)^n)/M^n; a row an n."""
    edges = np.arange(samples + 1) / samples
    return np.diff(edges[None, :] ** np.array(ns)[:, None], axis=1)


class Run:
    """Reading, sorting, shapes and replicates, which both kinds of table share."""

    def __init__(self, options):
        self.threads = options.threads
        self.pool = ThreadPoolExecutor(options.threads)
        self.lambdas = options.lambdas
        self.ns = [int(n) for n in options.ns.split(",")]
        self.rewards = np.load(options.rewards)
        self.prompts, self.samples = self.rewards.shape

    def sort(self, laws):
        """Sorts the rows; means of them under laws of selection, a row a law."""
        weights = laws.T.astype(np.float32).copy()
        best = np.empty((self.prompts, len(laws)), np.float32)
        step = -(-self.prompts // (16 * self.threads))

        def sort(start):
            rows = slice(start, start + step)
            self.rewards[rows].sort(axis=1)
            best[rows] = self.rewards[rows] @ weights

        list(self.pool.map(sort, range(0, self.prompts, step)))
        return best

    def shapes(self):
        """The 90th percentile over prompts of the Pareto shape at each lambda."""
        khat = np.empty((self.prompts, len(self.lambdas)))
        count = min(self.samples, tail_count(self.samples) + 1)
        tails = np.ascontiguousarray(self.rewards[:, self.samples - count:][:, ::-1].astype(np.float64))
        numba_peer.shapes(tails, self.lambdas, khat)
        return np.quantile(khat, 0.9, axis=0, method="inverted_cdf")

    def resample(self, columns):
        """Bootstrap replicates of the columns' means over prompts."""
        replicates = np.empty((REPLICATES, columns.shape[1]), np.float32)

        def resample(part):
            random = np.random.default_rng(part[0])
            counts = np.empty((len(part), self.prompts), np.float32)
            for row in counts:
                row[:] = np.bincount(random.integers(0, self.prompts, self.prompts), minlength=self.prompts)
            replicates[part[0]:part[-1] + 1] = counts @ columns

        list(self.pool.map(resample, np.array_split(np.arange(REPLICATES), 4 * self.threads)))
        return replicates / self.prompts


def few(run):
    """KL and reward of the tilts, the reward of best of n, Pareto shapes and intervals."""
    best = run.sort(order_weights(run.samples, run.ns))
    shape = (run.prompts, len(run.lambdas))
    kl, reward = np.empty(shape), np.empty(shape)
    tilts(run.rewards, run.lambdas.astype(np.float32), kl, reward)
    shapes = run.shapes()
    columns = np.concatenate([reward, kl, best], axis=1).astype(np.float32)
    means = columns.mean(0, dtype=np.float64)
    low, high = np.quantile(run.resample(columns), QUANTILES, axis=0)
    b = len(run.lambdas)
    for i, lam in enumerate(run.lambdas):
        k = b + i
        yield {
            "curve": "tilt", "lambda": lam, "kl": means[k], "kl_low": low[k], "kl_high": high[k],
            "reward": means[i], "reward_low": low[i], "reward_high": high[i], "khat": shapes[i]}
    for i, n in enumerate(run.ns):
        k = 2 * b + i
        yield {
            "curve": "best_of_n", "n": n, "kl": math.log(n) - (n - 1) / n, "reward": means[k],
            "reward_low": low[k], "reward_high": high[k]}


def every(run):
    """All columns of one reward."""
    samples, lambdas, ns = run.samples, run.lambdas, np.array(run.ns)
    laws = order_weights(samples, run.ns)
    drawn = selection_weights(samples, run.ns)
    selected = run.sort(np.concatenate([laws, drawn, np.full((1, samples), 1 / samples)]))
    best, replaced, base = np.split(selected, [len(ns), 2 * len(ns)], axis=1)
    shape = (run.prompts, len(lambdas))
    kl, reward, reverse, wins, ess, reward_bias, kl_bias = (np.empty(shape) for _ in range(7))
    ranks = ((np.arange(samples) + 0.5) / samples).astype(np.float32)
    all_tilts(
        run.rewards, ranks, lambdas.astype(np.float32), kl, reward, reverse, wins, ess, reward_bias, kl_bias)
    shapes = run.shapes()

    mean_kl = kl.mean(0)
    spent = np.sum(np.where(drawn > 0, drawn * np.log(np.maximum(drawn, 1e-300) * samples), 0), axis=1)
    parts = [reward, kl, best, replaced, base]
    columns = np.concatenate(parts, axis=1).astype(np.float32)
    ends = np.cumsum([part.shape[1] for part in parts])[:-1]
    means = np.split(np.concatenate([part.mean(0, dtype=np.float64) for part in parts]), ends)
    replicates = np.split(run.resample(columns).astype(np.float64), ends, axis=1)
    left = np.clip(np.searchsorted(mean_kl, spent) - 1, 0, len(lambdas) - 2)

    def efficiency(reward, kl, _best, replaced, base):
        """The frontier at best of n's KL in the empirical world: along the logarithms of KL and gain, the cubic through
        values and slopes, beta, of the two points beside it."""
        with np.errstate(invalid="ignore", divide="ignore"):
            x = [np.log(kl[..., left + i]) for i in (0, 1)]
            gain = [reward[..., left + i] - base for i in (0, 1)]
            width = x[1] - x[0]
            t = (np.log(spent) - x[0]) / width
            rise = np.log(gain[1] / gain[0])
            slope = [kl[..., left + i] / lambdas[left + i] / gain[i] * width for i in (0, 1)]
            bend = t * (1 - t) * ((1 - t) * (slope[0] - rise) - t * (slope[1] - rise))
            return np.minimum(1, (replaced - base) / (gain[0] * np.exp(t * rise + bend)))

    def interval(values):
        return np.quantile(values, QUANTILES, axis=0)

    kl_ends, reward_ends = interval(replicates[1]), interval(replicates[0])
    gain_ends = interval(replicates[0] - replicates[4])
    best_ends, best_gain_ends = interval(replicates[2]), interval(replicates[2] - replicates[4])
    value, value_ends = efficiency(*means), interval(efficiency(*replicates))

    ceiling = np.log(samples / (run.rewards == run.rewards[:, -1:]).sum(1)).mean()
    root = math.sqrt(run.prompts)
    errors = [np.std(x, axis=0, ddof=1) / root for x in (reward, reward - base, kl)]
    biases = [x.mean(0) for x in (reward_bias, reward_bias, kl_bias)]
    median = np.median(ess, axis=0)
    trusted = (
        (median >= SMALLEST_ESS) & (mean_kl <= ceiling - MARGIN)
        & (shapes < min(LARGEST_SHAPE, 1 - 1 / math.log10(samples)))
        & np.all([np.abs(bias) <= LARGEST_BIAS * error for bias, error in zip(biases, errors)], axis=0))
    mean = means[4][0]
    reverse, wins = reverse.mean(0), wins.mean(0)
    for i, lam in enumerate(lambdas):
        gain = means[0][i] - mean
        yield {
            "curve": "tilt", "beta": 1 / lam, "lambda": lam, "kl": mean_kl[i], "kl_low": kl_ends[0, i],
            "kl_high": kl_ends[1, i], "reverse_kl": reverse[i], "jeffreys": lam * gain, "reward": means[0][i],
            "reward_low": reward_ends[0, i], "reward_high": reward_ends[1, i], "gain": gain,
            "gain_low": gain_ends[0, i], "gain_high": gain_ends[1, i], "win_rate": wins[i], "ess": median[i],
            "khat": shapes[i], "kl_ceiling": ceiling, "trusted": trusted[i]}
    effective = 1 / (laws * laws).sum(1)
    for i, n in enumerate(ns):
        bound = math.log(n) - (n - 1) / n
        back = n - 1 - math.log(n)
        yield {
            "curve": "best_of_n", "n": n, "kl": bound, "reverse_kl": back, "jeffreys": bound + back,
            "reward": means[2][i], "reward_low": best_ends[0, i], "reward_high": best_ends[1, i],
            "gain": means[2][i] - mean, "gain_low": best_gain_ends[0, i], "gain_high": best_gain_ends[1, i],
            "win_rate": n / (n + 1), "kl_bound": bound, "efficiency": value[i] if n > 1 else "",
            "efficiency_low": value_ends[0, i] if n > 1 else "", "efficiency_high": value_ends[1, i] if n > 1 else "",
            "ess": effective[i], "kl_ceiling": ceiling, "trusted": effective[i] >= SMALLEST_ESS}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rewards")
    parser.add_argument("--lambdas", type=grid, required=True)
    parser.add_argument("--ns", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--few", action="store_true")
    options = parser.parse_args()
    with open(options.output, "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows((few if options.few else every)(Run(options)))


main()

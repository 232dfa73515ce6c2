# SPDX-License-Identifier: Apache-2.0
"""Writes fixtures/long-rows.json: weights and laws of best of n where samples are many more than n, at 60 digits.

    python3 make_long_rows.py

There the engine takes ranks in chains and ties as corrections. Here nothing is: weights are quotients of binomials
and differences of powers, laws are sums over all atoms and stretches.
"""
import json
import os

import mpmath as mp

mp.mp.dps = 60


def text(value):
    return mp.nstr(value, 25, min_fixed=0, max_fixed=0)


def replacement(rank, count, n):
    return (mp.mpf(rank) / count) ** n - (mp.mpf(rank - 1) / count) ** n


def weights(count, n, index):
    rank = count - index
    return {
        "samples": count, "n": n, "index": index,
        "unbiased": text(mp.binomial(rank - 1, n - 1) / mp.binomial(count, n)),
        "replacement": text(replacement(rank, count, n)),
    }


def antiderivatives(u, n):
    """Of f log f, -log f and u f, f = n u^(n-1)."""
    if u == 0:
        return mp.mpf(0), mp.mpf(0), mp.mpf(0)
    power, log = u ** n, mp.log(u)
    return (power * (mp.log(n) + (n - 1) * (log - mp.mpf(1) / n)),
            -(u * mp.log(n) + (n - 1) * u * (log - 1)), mp.mpf(n) / (n + 1) * power * u)


def law(count, n, groups):
    """A row whose tie groups are [below, up to), the largest first."""
    sums = [mp.mpf(0)] * 3
    squares = v_kl = mp.mpf(0)
    position = rank = count
    unbiased = mp.mpf(n) / count

    def take(samples):
        """The unbiased weights of the next samples."""
        nonlocal rank, unbiased
        total = square = mp.mpf(0)
        for _ in range(samples):
            total += unbiased
            square += unbiased * unbiased
            unbiased = unbiased * (rank - n) / (rank - 1) if rank > 1 else mp.mpf(0)
            rank -= 1
        return total, square

    def stretch(low, high):
        nonlocal squares, v_kl
        upper, lower = antiderivatives(mp.mpf(high) / count, n), antiderivatives(mp.mpf(low) / count, n)
        for k in range(3):
            sums[k] += upper[k] - lower[k]
        squares += take(high - low)[1]
        for i in range(high, low, -1):
            v = replacement(i, count, n)
            v_kl += v * mp.log(v * count)

    for low, high in groups:
        stretch(high, position)
        a, b = mp.mpf(low) / count, mp.mpf(high) / count
        q, p = b ** n - a ** n, b - a
        sums[0] += q * mp.log(q / p)
        sums[1] += p * mp.log(p / q)
        sums[2] += q * (a + b) / 2
        total, _ = take(high - low)
        squares += total * total / (high - low)
        v_kl += q * mp.log(q / p)
        position = low
    stretch(0, position)
    return {"n": n, "kl": text(sums[0]), "reverse": text(sums[1]), "win": text(sums[2]),
            "ess": text(1 / squares), "v_kl": text(v_kl)}


def main():
    count = 100003
    # The last ones lie where the engine leaves its chains, at multiples of 512 above rank 64 n.
    indices = {
        2: (0, 1, 63, 64, 511, 512, 700, 5000, 50000, 90000, 99839, 99840, 99900, 100001),
        37: (0, 1, 63, 64, 511, 512, 700, 5000, 50000, 80000),
        1000: (0, 1, 63, 64, 511, 512, 700, 5000, 5631, 5632, 5640)}
    chosen = [
        weights(count, n, index) for n in indices for index in indices[n]
        # What lies below is cut off.
        if (1 - mp.mpf(index) / count) ** n > mp.mpf(2) ** -90]
    samples = 1 << 18
    # Groups of `size` from `first` down to above `last`, `step` apart.
    rows = {
        "untied": [],
        "pairs": [{"first": samples - 2, "last": -1, "step": 2, "size": 2}],
        "mixed": [{"first": samples - 7, "last": 83000, "step": 5, "size": 3},
                  {"first": 80000, "last": 79999, "step": 1, "size": 3000},
                  {"first": 79990, "last": 1000, "step": 7, "size": 2}],
        # Fewer than half are tied, down to ranks at which pairs are no longer narrow.
        "sparse": [{"first": samples - 9, "last": 20000, "step": 6, "size": 2}],
        "few": [{"first": samples - 3, "last": samples - 4, "step": 1, "size": 2},
                {"first": samples - 400, "last": samples - 401, "step": 1, "size": 3}],
        # Nearly all the weight of a large n on one group of fewer than half the samples.
        "top": [{"first": samples - 120000, "last": samples - 120001, "step": 1, "size": 120000}],
        # n = 64 keeps the ranks above 98,894.
        "edge": [{"first": 98000, "last": 97999, "step": 1, "size": 3000}],
    }
    ns = {"untied": (2, 16), "pairs": (2, 16), "mixed": (2, 16), "sparse": (2, 16), "few": (2, 16), "top": (200000,),
          "edge": (64,)}
    groups = {
        name: [(low, low + run["size"]) for run in runs for low in range(run["first"], run["last"], -run["step"])]
        for name, runs in rows.items()}
    result = {
        "weights": chosen, "samples": samples, "rows": rows,
        "laws": [{"row": name, **law(samples, n, groups[name])} for name in rows for n in ns[name]],
    }
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures", "long-rows.json")
    with open(path, "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()

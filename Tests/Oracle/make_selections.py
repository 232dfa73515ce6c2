# SPDX-License-Identifier: Apache-2.0
"""Writes fixtures/selections.json: relatives of best-of-n, d_n, and the limit of win rates, at 60 digits.

    python3 make_selections.py

Laws are given by the distribution function C of the chosen sample's quantile. Divergences are integrals of
the density over untied stretches by quadrature, sums over tie groups; unbiased weights are sums of exact
binomials. Nothing is simplified by hand.
"""
import json
import os
import random
from fractions import Fraction
from math import comb

import mpmath as mp

mp.mp.dps = 60


class Poisson:
    """Best of 1 + Poisson(n - 1)."""

    def __init__(self, n):
        self.mu = mp.mpf(n - 1)

    def cdf(self, u):
        return u * mp.exp(self.mu * (u - 1))

    def density(self, u):
        return (1 + self.mu * u) * mp.exp(self.mu * (u - 1))

    def integral(self, f, a, b):
        cuts = [a] + [c for c in (1 - mp.mpf(2) ** -k for k in range(0, 9)) if a < c < b] + [b]
        return mp.quad(f, cuts)

    def kl(self, a, b):
        return self.integral(lambda u: self.density(u) * mp.log(self.density(u)), a, b)

    def reverse(self, a, b):
        return self.integral(lambda u: -mp.log(self.density(u)), a, b)

    def win(self, a, b):
        return self.integral(lambda u: u * self.density(u), a, b)

    def unbiased(self, count):
        mass = [mp.exp(-self.mu) * self.mu ** k / mp.factorial(k) for k in range(count)]
        total = sum(mass)
        return [
            sum(mass[n - 1] * mp.mpf(comb(i - 1, n - 1)) / comb(count, n) for n in range(1, i + 1)) / total
            for i in range(1, count + 1)]


class Rewind:
    """Redrawn until among the best 1/n."""

    def __init__(self, n):
        self.n = n
        self.edge = 1 - mp.mpf(1) / n

    def cdf(self, u):
        return max(mp.mpf(0), (u - self.edge) * self.n)

    def kl(self, a, b):
        return (self.cdf(b) - self.cdf(a)) * mp.log(self.n)

    def reverse(self, a, b):
        return mp.inf if a < self.edge else -(b - a) * mp.log(self.n)

    def win(self, a, b):
        low = max(a, self.edge)
        return self.n * (b * b - low * low) / 2 if b > low else mp.mpf(0)

    def unbiased(self, count):
        # The weights with replacement serve for both; exact in rationals.
        def cdf(u):
            return max(Fraction(0), self.n * u - (self.n - 1))
        return [
            mp.mpf((d := cdf(Fraction(i, count)) - cdf(Fraction(i - 1, count))).numerator) / d.denominator
            for i in range(1, count + 1)]


def evaluate(law, rewards, gold):
    count = len(rewards)
    order = sorted(range(count), key=lambda i: rewards[i])
    mean = mp.fsum(mp.mpf(r) for r in rewards) / count
    u = law.unbiased(count)
    out = dict(gain=mp.mpf(0), gold=mp.mpf(0), squares=mp.mpf(0), v_gain=mp.mpf(0), v_kl=mp.mpf(0),
               kl=mp.mpf(0), reverse=mp.mpf(0), win=mp.mpf(0))
    start = untied = 0

    def stretch(a, b):
        if b > a:
            a, b = mp.mpf(a) / count, mp.mpf(b) / count
            out["kl"] += law.kl(a, b)
            out["reverse"] += law.reverse(a, b)
            out["win"] += law.win(a, b)

    while start < count:
        end = start
        while end < count and rewards[order[end]] == rewards[order[start]]:
            end += 1
        value, size = mp.mpf(rewards[order[start]]), end - start
        mass = mp.fsum(u[start:end])
        a, b = mp.mpf(start) / count, mp.mpf(end) / count
        q, p = law.cdf(b) - law.cdf(a), b - a
        out["gain"] += mass * (value - mean)
        out["gold"] += mass * mp.fsum(mp.mpf(gold[i]) for i in order[start:end]) / size
        out["squares"] += mass * mass / size
        out["v_gain"] += q * (value - mean)
        if q > 0:
            out["v_kl"] += q * mp.log(q / p)
        if size > 1:
            stretch(untied, start)
            if q > 0:
                out["kl"] += q * mp.log(q / p)
            out["reverse"] += p * mp.log(p / q) if q > 0 else mp.inf
            out["win"] += q * (a + b) / 2
            untied = end
        start = end
    stretch(untied, count)
    out["ess"] = 1 / out.pop("squares")
    return {key: text(value) for key, value in out.items()}


def text(value):
    return None if mp.isinf(value) else mp.nstr(value, 25, min_fixed=0, max_fixed=0)


@mp.workdps(400)
def divergence(n, log_mass):
    # 1 - e^-700 needs 304 digits and 60 more.
    mass = mp.exp(mp.mpf(log_mass))
    rest = 1 - mass
    s = 1 - rest ** n
    first = rest ** n * (mp.log(n) + (n - 1) * mp.log(rest) - mp.mpf(n - 1) / n) if rest > 0 else 0
    return first + s * mp.log(s / mass)


def win_rate_limit(kl):
    def excess(lam):
        m = 1 / (1 - mp.exp(-lam)) - 1 / lam
        return lam * m - mp.log(mp.expm1(lam) / lam) - kl

    low, high = mp.mpf(10) ** -20, mp.exp(kl + 2)
    for _ in range(400):
        middle = mp.sqrt(low * high)
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return 1 / (1 - mp.exp(-low)) - 1 / low


def toy(mu, p=12):
    top = mp.mpf(p) / (p + 1)
    scale = top ** p / (p + 1)
    return mp.quad(
        lambda u: (1 + mu * u) * mp.exp(mu * (u - 1)) * u ** p * (1 - u) / scale,
        [0, mp.mpf(1) / 2, mp.mpf(7) / 8, 1])


def main():
    rng = random.Random(20261121)
    gold = [round(rng.gauss(0, 1), 6) for _ in range(80)]
    rows = {
        "untied": [round(rng.gauss(0, 1), 9) for _ in range(80)],
        "mixed": [float(round(3 * rng.gauss(0, 1))) for _ in range(80)],
        "pairs": [0.37 * (i // 2) for i in rng.sample(range(80), 80)],
        "two-valued": [float(rng.random() < 0.3) for _ in range(80)],
    }
    laws = []
    for name, rewards in rows.items():
        for kind, make, ns in (("best_of_poisson", Poisson, (2, 6, 20)), ("rewind_and_repeat", Rewind, (2, 3, 7, 80))):
            for n in ns:
                laws.append({"row": name, "curve": kind, "n": n, **evaluate(make(n), rewards, gold)})
    masses = [(n, e) for n in (2, 10, 100, 1000, 100000)
              for e in (0.0, -1e-12, -1e-6, -0.1, -0.6931, -0.7, -3.0, -13.8, -88.6, -700.0)]
    kls = [1e-12, 1e-8, 1e-4, 0.01, 0.04, 0.0416, 0.05, 0.1, 0.5, 1.0, 2.0, 3.9, 4.1, 6.0, 20.0, 60.0]
    arguments = [1.0, 1.5, 2.0, 5.0, 6.0, 21.0, 39.99, 40.0, 40.01, 45.0, 64.0, 1000.0, 1e6]
    result = {
        "rows": rows, "gold": gold, "laws": laws,
        "divergence": [
            {"n": n, "log_mass": e, "value": text(divergence(n, e))} for n, e in masses],
        "win_rate_limit": [
            {"kl": kl, "gain": text(win_rate_limit(mp.mpf(kl)) - mp.mpf(1) / 2)} for kl in kls],
        "exponential_integral": [
            {"x": x, "value": text(mp.exp(-mp.mpf(x)) * mp.ei(mp.mpf(x)))} for x in arguments],
        "toy": [{"n": n, "gold": text(toy(mp.mpf(n - 1)))} for n in range(1, 33)],
    }
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures", "selections.json")
    with open(path, "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()

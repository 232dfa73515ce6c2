# SPDX-License-Identifier: Apache-2.0
"""Exact population values of the laws whose answers are known, and the table of them (closed.json)."""

from mpmath import digamma, ei, erfc, euler, exp, expm1, fprod, gamma, harmonic, inf, log, log1p, mpf
from mpmath import polygamma, quad, sinh, sqrt

from oracle import kl_bound


# ---------------------------------------------------------------------------------------------
# Tilts: K, its first two derivatives and what follows from them


def kl_binary(a, b):
    return sum(x * log(x / y) for x, y in ((a, b), (1 - a, 1 - b)) if x > 0)


def law_normal(mu, sigma):
    return (
        lambda t: t * mu + t * t * sigma * sigma / 2,
        lambda t: mu + t * sigma * sigma,
        lambda t: sigma * sigma,
    )


def law_uniform():
    return (
        lambda t: t / 2 + log(sinh(t / 2) / (t / 2)),
        lambda t: 1 / (1 - exp(-t)) - 1 / t,
        lambda t: 1 / t**2 - 1 / (4 * sinh(t / 2) ** 2),
    )


def law_bernoulli(p):
    def q(t):
        return p * exp(t) / (1 - p + p * exp(t))

    return lambda t: log(1 - p + p * exp(t)), q, lambda t: q(t) * (1 - q(t))


def law_exponential():
    return lambda t: -log(1 - t), lambda t: 1 / (1 - t), lambda t: (1 - t) ** -2


def law_gumbel():
    return lambda t: log(gamma(1 - t)), lambda t: -digamma(1 - t), lambda t: polygamma(1, 1 - t)


def law_alphabet(values):
    def moment(t, k):
        z = sum(exp(t * x) for x in values)
        return sum(x**k * exp(t * x) for x in values) / z

    return (
        lambda t: log(sum(exp(t * x) for x in values) / len(values)),
        lambda t: moment(t, 1),
        lambda t: moment(t, 2) - moment(t, 1) ** 2,
    )


def tilt_row(law, lam, mean, d2_exists):
    k, m, v = (f(lam) for f in law)
    gain = m - mean
    return {
        "K": k,
        "mean": m,
        "gain": gain,
        "variance": v,
        "kl": lam * m - k,
        "reverse_kl": k - lam * mean,
        "jeffreys": lam * gain,
        "renyi_2": law[0](2 * lam) - 2 * k if d2_exists else None,
    }


def tilts():
    half = mpf(1) / 2
    cases = []

    def add(name, parameters, law, mean, lambdas, d2_below=inf):
        for text in lambdas:
            lam = mpf(text)
            row = {"law": name, "parameters": parameters, "lambda": text}
            cases.append(row | tilt_row(law, lam, mean, lam < d2_below))

    add("normal", ["0", "1"], law_normal(mpf(0), mpf(1)), mpf(0), ["0.001", "0.5", "1", "2", "3"])
    add("normal", ["-1.5", "2"], law_normal(mpf("-1.5"), mpf(2)), mpf("-1.5"), ["0.25", "1"])
    add("uniform", [], law_uniform(), half, ["1e-6", "0.001", "0.5", "1", "5", "20", "200"])
    for p in ("0.3", "0.01", "0.5"):
        add("bernoulli", [p], law_bernoulli(mpf(p)), mpf(p), ["0.001", "1", "5", "20"])
    add("exponential", [], law_exponential(), mpf(1), ["0.001", "0.25", "0.4", "0.75"], half)
    add("gumbel", [], law_gumbel(), +euler, ["0.001", "0.25", "0.4", "0.75"], half)
    add("alphabet", ["4"], law_alphabet([mpf(i) for i in range(4)]), mpf("1.5"), ["0.001", "0.5", "2", "10"])
    return cases


# ---------------------------------------------------------------------------------------------
# Best of n


def normal_mean_of_maximum(n):
    """e_n = integral over x > 0 of 1 - Phi(x)^n - Phi(-x)^n."""
    if n == 1:
        return mpf(0)

    def integrand(x):
        upper = erfc(x / sqrt(mpf(2))) / 2
        return -expm1(n * log1p(-upper)) - upper**n

    return quad(integrand, [0, 1, 2, 3, 4, 5, 6, 8, 12, 18])


def alphabet_kl(k, n):
    """KL of best of n over k equally likely letters with distinct rewards."""
    total, below = mpf(0), mpf(0)
    for i in range(1, k + 1):
        at = (mpf(i) / k) ** n
        q = at - below
        total += q * log(q * k) if q > 0 else 0
        below = at
    return total


def d_n(n, eps):
    """Exact KL when the top atom has mass eps and the rest has no atoms."""
    rest = (1 - eps) ** n
    spread = rest * (log(mpf(n)) + (n - 1) * log(1 - eps) - mpf(n - 1) / n) if eps < 1 else 0
    return spread + (1 - rest) * log((1 - rest) / eps)


def best_of_poisson(mu):
    return {
        "kl": log(1 + mu) - 1 + exp(-1 - mu) * (ei(1 + mu) - ei(mpf(1))) / mu,
        "reverse_kl": mu / 2 + 1 - (1 + mu) * log(1 + mu) / mu,
        "win_rate": 1 - (mu - 1 + exp(-mu)) / mu**2,
        "chi_square": (1 + mu) / 2 + (1 - exp(-2 * mu)) / (4 * mu) - 1,
    }


def pass_at_n(m, c, n):
    """1 - product over j = m-c+1 ... m of (1 - n/j), which is 1 where fewer than n samples fail."""
    if m - c < n:
        return mpf(1)
    return 1 - fprod(1 - mpf(n) / j for j in range(m - c + 1, m + 1))


def pass_cases():
    cases = []
    sizes = {
        1: [1],
        2: [1, 2],
        10: [1, 2, 3, 5, 9, 10],
        64: [1, 2, 8, 32, 63, 64],
        200: [1, 2, 10, 100, 199, 200],
        10000: [1, 2, 16, 100, 1000, 5000, 9999, 10000],
    }
    counts = {
        1: [0, 1],
        2: [0, 1, 2],
        10: [0, 1, 2, 5, 9, 10],
        64: [0, 1, 3, 32, 63, 64],
        200: [0, 1, 7, 100, 199, 200],
        10000: [0, 1, 2, 10, 100, 1000, 5000, 9000, 9998, 9999, 10000],
    }
    for m, ns in sizes.items():
        for c in counts[m]:
            for n in ns:
                cases.append({"m": m, "c": c, "n": n, "pass": pass_at_n(m, c, n)})
    return cases


NORMAL_N = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 32, 50, 64, 100, 128, 256, 512, 1000, 1024, 4096, 10000]


def best_of_n_tables():
    alphabets = {
        10: [2, 4, 10, 32, 100],
        100: [2, 10, 100, 1000],
        1000: [100, 1000, 10000],
        10000: [1000, 10000, 100000],
    }
    return {
        "normal_mean_of_maximum": [{"n": n, "mean": normal_mean_of_maximum(n)} for n in NORMAL_N],
        "mean_of_maximum": [
            {
                "n": n,
                "uniform": mpf(n) / (n + 1),
                "exponential": harmonic(n),
                "gumbel": euler + log(mpf(n)),
                "bernoulli_0.3": 1 - mpf("0.7") ** n,
                "alphabet_4": 3 - sum((mpf(k) / 4) ** n for k in range(1, 4)),
            }
            for n in (1, 2, 3, 4, 8, 16, 64, 1000, 10000)
        ],
        "continuous_law": [
            {
                "n": n,
                "kl": kl_bound(n),
                "reverse_kl": n - 1 - log(mpf(n)),
                "jeffreys": mpf((n - 1) ** 2) / n,
                "chi_square": mpf((n - 1) ** 2) / (2 * n - 1),
                "total_variation": mpf(n - 1) / n * mpf(n) ** (mpf(-1) / (n - 1)),
                "win_rate": mpf(n) / (n + 1),
            }
            for n in (2, 3, 4, 8, 16, 64, 1000, 10000)
        ],
        "uniform_alphabet": [
            {"k": k, "n": n, "kl": alphabet_kl(k, n), "d_n": d_n(n, mpf(1) / k), "bound": kl_bound(n)}
            for k, ns in alphabets.items()
            for n in ns
        ],
        "binary_uniform_kl": [{"n": n, "kl": kl_binary(mpf(2) ** -n, mpf("0.5"))} for n in (1, 2, 3, 6, 10, 50)],
        "d_n": [
            {"n": n, "epsilon": eps, "value": d_n(n, mpf(eps))}
            for n, eps in (
                (1, "0.5"), (2, "0.5"), (10, "0.1"), (100, "0.001"), (1000, "0.01"), (16, "1e-6"),
                (16, "1e-15"), (10000, "1e-12"), (7, "1"), (100000, "0.9"),
            )  # fmt: skip
        ],
        "best_of_poisson": [{"mu": mu, **best_of_poisson(mpf(mu))} for mu in ("1", "5", "20")],
    }


def closed_forms():
    return {"name": "closed", "tilt": tilts(), "best_of_n": best_of_n_tables(), "pass_at_n": pass_cases()}

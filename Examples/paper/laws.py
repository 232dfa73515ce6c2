# SPDX-License-Identifier: Apache-2.0
"""Closed forms behind the reference lines. Natural logarithms; u is a quantile of the base policy."""

import math


def simpson(function, low, high, steps=2000):
    """Integral by Simpson's rule; `steps` is even."""
    width = (high - low) / steps
    inner = sum((4 if i % 2 else 2) * function(low + i * width) for i in range(1, steps))
    return (function(low) + inner + function(high)) * width / 3


def root(function, low, high):
    """Where an increasing function is 0, by bisection to the last digit."""
    for _ in range(200):
        middle = (low + high) / 2
        if function(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def peak(function, low, high):
    """Where a function with one hump is highest, by the golden section."""
    ratio = (math.sqrt(5) - 1) / 2
    for _ in range(100):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if function(left) < function(right):
            low = left
        else:
            high = right
    return (low + high) / 2


def logarithmic(low, high, count):
    return [low * (high / low) ** (i / (count - 1)) for i in range(count)]


def linear(low, high, count):
    return [low + (high - low) * i / (count - 1) for i in range(count)]


def entropy(p):
    """Of a coin."""
    return 0.0 if p in (0, 1) else -p * math.log(p) - (1 - p) * math.log1p(-p)


# Best-of-n and its relatives, without ties.


def best_of_n_kl(n):
    return math.log(n) - (n - 1) / n


def best_of_n_win_rate(n):
    return n / (n + 1)


def poisson_kl(mu):
    """Best of 1 + Poisson(mu): log(1+mu) - 1 + e^(-1-mu) (Ei(1+mu) - Ei(1))/mu, the last as an integral."""
    tail = min(mu, 45.0)
    return math.log1p(mu) - 1 + simpson(lambda s: math.exp(-s) / (1 + mu - s), 0, tail) / mu


def poisson_win_rate(mu):
    return 1 - (mu + math.expm1(-mu)) / mu**2


def rewind_kl(n):
    return math.log(n)


def rewind_win_rate(n):
    return 1 - 1 / (2 * n)


def tie_free_estimate(n, epsilon):
    """d_n(epsilon): the KL of best-of-n if the best response has probability epsilon and the rest is atomless."""
    a = n * math.log1p(-epsilon) if epsilon < 1 else -math.inf
    if epsilon == 1 or n == 1:
        return 0.0
    s = -math.expm1(a)
    continuum = math.log(n) + (n - 1) * math.log1p(-epsilon) - (n - 1) / n
    return math.exp(a) * continuum + s * math.log(s / epsilon)


def atoms_best_of_n(masses, n):
    """Masses of best-of-n over atoms in ascending order of reward."""
    below, chosen = 0.0, []
    above = sum(masses)
    for mass in masses:
        above -= mass
        # F^n - (F - p)^n with log F taken from the mass above where that is the smaller one.
        upto = below + mass
        log_upto = math.log1p(-above) if 0 <= above < 0.5 else math.log(upto)
        share = min(1.0, mass / upto)
        chosen.append(math.exp(n * log_upto) * (1.0 if share == 1 else -math.expm1(n * math.log1p(-share))))
        below = upto
    return chosen


def atoms_kl(masses, n):
    return sum(q * math.log(q / p) for p, q in zip(masses, atoms_best_of_n(masses, n)) if q > 0)


def alphabet_kl(size, n):
    """KL of best-of-n over `size` letters, equally likely."""
    kl = 0.0
    for letter in range(1, size + 1):
        upto = n * (math.log1p(-(size - letter) / size) if 2 * letter > size else math.log(letter / size))
        if upto < -745:
            continue
        q = math.exp(upto) * (1.0 if letter == 1 else -math.expm1(n * math.log1p(-1 / letter)))
        if q > 0:
            kl += q * math.log(q * size)
    return kl


# Tilts. Each law: mean, gain(lambda), kl(lambda), and the largest lambda that a search may try.


def uniform_mean(x):
    """Mean of the tilt of U(0, 1)."""
    if abs(x) < 1e-3:
        return 0.5 + x / 12 - x**3 / 720
    return 1 / -math.expm1(-x) - 1 / x


def uniform_kl(x):
    if abs(x) < 1e-2:
        return x * x / 24 - x**4 / 960
    return x * uniform_mean(x) - (x + math.log(-math.expm1(-x) / x))


LAWS = {
    "uniform": (0.5, lambda x: uniform_mean(x) - 0.5, uniform_kl, 1e5),
    "normal": (0.0, lambda x: x, lambda x: x * x / 2, 50.0),
    "exponential": (1.0, lambda x: x / (1 - x), lambda x: x / (1 - x) + math.log1p(-x), 1 - 1e-9),
}


def frontier_gain(law, kl):
    """The largest gain at a KL."""
    _, gain, divergence, limit = LAWS[law]
    return gain(root(lambda x: divergence(x) - kl, 0.0, limit))


def win_rate_limit(kl):
    """The largest win rate at a KL: quantiles are uniform, and their tilt is optimal."""
    return uniform_mean(root(lambda x: uniform_kl(x) - kl, 0.0, 1e7))


# Largest of n standard normal numbers.


def normal_density(x):
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def normal_distribution(x):
    return math.erfc(-x / math.sqrt(2)) / 2


def best_normal(n, function=lambda x: x):
    """Mean of a function of the largest of n."""
    return simpson(
        lambda x: function(x) * n * normal_density(x) * normal_distribution(x) ** (n - 1), -12, 12, 4000)


def best_of_n_mean(law, n):
    if law == "uniform":
        return n / (n + 1)
    if law == "exponential":
        return sum(1 / k for k in range(1, n + 1))
    return best_normal(n)

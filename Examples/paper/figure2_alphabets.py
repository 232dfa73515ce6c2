#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Paper B, uniform alphabets: exact KL, the formula, and the estimator from log-probabilities."""

import math

import laws
import matrix
from page import Section
from picture import BLUE, GREEN, ORANGE, PURPLE, Picture

SAMPLES = 100_000
# size, n: exact KL, d_n(1/size), formula.
KNOWN = {
    (10, 2): (0.189318, 0.193059, 0.1931), (10, 4): (0.628825, 0.634870, 0.6363),
    (10, 10): (1.361097, 1.378887, 1.4026), (10, 32): (2.149249, 2.163370, 2.4970),
    (10, 100): (2.302279, 2.302316, 3.6152), (100, 10): (1.402163, 1.402553, 1.4026),
    (100, 100): (3.574476, 3.589667, 3.6152), (100, 1000): (4.604693, 4.604750, 5.9088),
    (1000, 100): (3.614754, 3.615131, 3.6152), (1000, 1000): (5.868100, 5.883078, 5.9088),
    (1000, 10000): (6.907258, 6.907317, 8.2104), (10000, 1000): (5.908339, 5.908716, 5.9088),
    (10000, 10000): (8.169788, 8.184745, 8.2104), (10000, 100000): (9.209841, 9.209900, 10.5129),
}
NS = [1, 2, 4, 10, 20, 32, 100, 200, 400, 1000, 2000, 4000, 10000, 20000, 40000, 100000]
SIZES = {10: BLUE, 100: ORANGE, 1000: GREEN, 10000: PURPLE}

section = Section("2. Uniform alphabets (B, Theorems 3.1 and 3.4, Conjecture 4.4)")
program = section.program

measured = {}
for size in SIZES:
    # Every letter equally often, so that the samples are the law itself and nothing is left to chance.
    row = [float(letter) for letter in range(size)] * (SAMPLES // size)
    matrix.write(program.file(f"alphabet{size}.npy"), row, (1, SAMPLES))
    matrix.write(program.file(f"logprobs{size}.npy"), [-math.log(size)] * SAMPLES, (1, SAMPLES))
    points = program.frontier(
        f"alphabet{size}.npy", "--logprobs", f"logprobs{size}.npy", "--curves", "best_of_n", "--resamples", 0, "--ns",
        ",".join(map(str, NS)), show=size == 10)
    measured[size] = {int(point["n"]): point for point in points}

for column, index, what in [
        ("kl", 0, "exact KL"), ("kl_estimate", 1, "d<sub>n</sub>(1/L)"), ("kl_bound", 2, "formula")]:
    section.check_all(
        f"{what}, L and n as in the table of known values",
        [(measured[size][n][column], values[index]) for (size, n), values in KNOWN.items()],
        5.1e-5 if index == 2 else 5.1e-7, "half of the values' last digit")
section.check_all(
    "exact KL, every L and n, against the sum over letters",
    [(measured[size][n]["kl"], laws.alphabet_kl(size, n)) for size in SIZES for n in NS], 1e-9, "rounding")
excess = {
    size: [(n, point["kl_estimate"] - point["kl"], point["kl_bound"] - point["kl"]) for n, point in points.items()]
    for size, points in measured.items()
}
everything = [(size, *row) for size, rows in excess.items() for row in rows]
worst = max(row[2] for row in everything)
section.holds(
    "KL ≤ E d<sub>n</sub> ≤ formula (B, Conjecture 4.4, Theorem 3.1)",
    all(-1e-9 <= estimate <= bound + 1e-9 for _, _, estimate, bound in everything),
    f"E d<sub>n</sub> exceeds the KL by at most {worst:.4f}")
section.holds(
    "formula − KL ≤ 2n(n−1)Σp² (B, Theorem 3.4)",
    all(bound <= 2 * n * (n - 1) / size + 1e-9 for size, n, _, bound in everything),
    "ratio at most {:.3f}".format(max(b / (2 * n * (n - 1) / s) for s, n, _, b in everything if n > 1)))
section.holds(
    "KL ≤ log L, reached at n ≫ L",
    all(point["kl"] <= math.log(size) + 1e-9 for size in SIZES for point in measured[size].values()),
    "KL at n = 10 L is {}".format(", ".join(f"log L − {math.log(s) - measured[s][10 * s]['kl']:.1e}" for s in SIZES)))

section.say(
    """L equally likely letters with different rewards. The KL follows log n − (n−1)/n while n is well below L, and
    stays at log L from n ≈ L on. `kl_estimate` averages d<sub>n</sub>(ε) over what best-of-n chooses, ε its
    probability; here ε is always 1/L. It bends at the same place and is never far off, on the right side. The row
    of 100,000 samples has every letter equally often, so that the numbers are those of the law. The command is that
    for L = 10; the others differ in the file alone.""")

picture = Picture(height=460)
picture.panels(1, 2)
picture.say("set logscale x; set xrange [1:1e5]; set format x '10^{%L}'; set yrange [0:11]; set key top left")
picture.say("set xlabel 'n, samples to choose from'; set ylabel 'KL(best-of-n || base), nats'")
grid = {size: sorted({round(n) for n in laws.logarithmic(1, 1e5, 41)}) for size in SIZES}
picture.plot(
    picture.line([(n, laws.best_of_n_kl(n)) for n in laws.logarithmic(1, 1e5, 60)], "black", "log n − (n−1)/n", dash=2),
    *(picture.line([(n, laws.alphabet_kl(size, n)) for n in grid[size]], colour) for size, colour in SIZES.items()),
    *(picture.points([(n, p["kl_estimate"]) for n, p in measured[size].items()], colour, f"L = {size:,}", size=0.7)
      for size, colour in reversed(SIZES.items())))
picture.say("set logscale xy; set xrange [0.01:100]; set yrange [1e-5:10]")
picture.say("set format x '10^{%L}'; set format y '10^{%L}'")
picture.say("set xlabel 'n / L'; set ylabel 'excess over the exact KL, nats'; set key top left")


def drawn(size, column):
    return [(row[0] / size, row[column]) for row in excess[size] if row[0] > 1 and row[column] > 1e-5]


def smooth(size, estimate):
    ns = [n for n in grid[size] if n > 1 and 0.01 <= n / size <= 100]
    rows = [(n / size, estimate(n) - laws.alphabet_kl(size, n)) for n in ns]
    return [row for row in rows if row[1] > 1e-5]


picture.plot(
    *(picture.line(smooth(size, laws.best_of_n_kl), colour, dash=2) for size, colour in SIZES.items()),
    *(picture.line(smooth(size, lambda n, size=size: laws.tie_free_estimate(n, 1 / size)), colour)
      for size, colour in SIZES.items()),
    *(picture.points(drawn(size, 1), colour, size=0.7) for size, colour in SIZES.items()),
    "NaN with lines lw 2 dt 2 lc rgb 'black' title 'log n − (n−1)/n'",
    "NaN with linespoints lw 2 pt 7 ps 0.7 lc rgb 'black' title 'estimate E d_n'")
picture.say("unset multiplot")
section.picture(picture, "alphabets", "KL of best-of-n over uniform alphabets, exact and estimated, and the excess")
section.close()

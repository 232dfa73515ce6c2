#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Paper B, binary uniform example: the KL of best-of-n stays below log 2 while log n - (n-1)/n diverges."""

import math

import laws
import matrix
from page import Section
from picture import BLUE, GREY, ORANGE, Picture
from program import of_curve

SAMPLES = 1024
# log 2 - h(2^-n).
KNOWN = {2: 0.130812035941, 3: 0.316377019304, 6: 0.612662343492, 10: 0.685402079617}

section = Section("1. Two equally likely answers (B, Example 1 and Theorem 3.1)")
program = section.program


def exact(n):
    return math.log(2) - laws.entropy(2.0**-n)


# The law itself, as a row with as many zeros as ones.
matrix.write(program.file("coin.npy"), [0.0, 1.0] * (SAMPLES // 2), (1, SAMPLES))
balanced = {
    int(point["n"]): point
    for point in program.frontier("coin.npy", "--ns", "2,3,6,10,1024", "--curves", "best_of_n", "--resamples", 0)
}
section.check_all(
    "KL where half of the samples are 1, n = 2, 3, 6, 10",
    [(balanced[n]["kl"], value) for n, value in KNOWN.items()], 1e-11, "the values' last digit")
section.check("the same, n = 1024", balanced[1024]["kl"], math.log(2), 1e-12, "rounding")

program.simulate("bernoulli:0.5", "binary.npy", 2000, SAMPLES, 1, show=True)
sampled = of_curve(
    program.frontier("binary.npy", "--ns", "1,2,3,4,6,10,16,32,64,128,256,512,1024", "--curves", "best_of_n",
        show=True),
    "best_of_n")
# A prompt's KL depends on its share p of ones; at large n it is -log p, whose standard deviation is
# 1/sqrt(M) and whose mean is 1/(2M) above log 2. The bound on the bias at smaller n is the same.
error = 4 / math.sqrt(2000 * SAMPLES) + 1 / (2 * SAMPLES)
section.check_all(
    "KL of 2,000 × 1,024 sampled answers, n = 1 ... 1,024",
    [(point["kl"], exact(point["n"])) for point in sampled], error, "4 standard errors of −log p and its bias 1/(2M)")
section.check(
    "log n − (n−1)/n, n = 1024", sampled[-1]["kl_bound"], laws.best_of_n_kl(1024), 1e-12, "rounding")
section.check_all(
    "win rate 1 − 2<sup>−n</sup>, less half of the ties, n = 2, 3, 6, 10",
    [(balanced[n]["win_rate"], 0.75 - 0.5 ** (n + 1)) for n in KNOWN], 1e-12, "rounding")

section.say(
    """Best-of-n over two equally likely answers has KL log 2 − h(2<sup>−n</sup>), h the entropy of a coin. It never
    exceeds log 2, while the formula that is often quoted for it grows without limit; it is an upper bound. The
    program's `kl` counts ties as atoms and lies on the exact curve; its `kl_bound` is the formula.""")

grid = laws.logarithmic(1, 1024, 120)
picture = Picture(height=480)
picture.say("set logscale x 2; set xrange [1:1024]; set yrange [0:6.2]; set format x '%.0f'")
picture.say("set xlabel 'n, samples to choose from'; set ylabel 'KL(best-of-n || base), nats'; set key top left")
picture.say(f"set arrow from 1,{math.log(2)} to 1024,{math.log(2)} nohead lc rgb '{GREY}' dt 3")
picture.say(f"set label 'log 2' at 900,{math.log(2) + 0.2} right tc rgb '{GREY}'")
picture.plot(
    picture.line([(n, laws.best_of_n_kl(n)) for n in grid], ORANGE, "log n − (n−1)/n", dash=2),
    picture.line([(n, exact(n)) for n in grid], BLUE, "exact: log 2 − h(2^{−n})"),
    picture.points([(p["n"], p["kl"]) for p in sampled], BLUE, "esscher, 2,000 × 1,024 sampled answers"))
section.picture(picture, "binary-uniform", "KL of best-of-n over two equally likely answers against n")
section.close()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Paper B: a good answer of probability 1e-4 makes the KL of best-of-n climb in steps."""

import math

import laws
import matrix
from page import Section
from picture import BLUE, GREEN, ORANGE, Picture

SAMPLES = 1_000_000
LARGEST = 100_000
# Masses in 1/SAMPLES, in ascending order of reward.
CASES = {
    "two answers: 1 − 10^{−4}, 10^{−4}": ((999_900, 100), BLUE),
    "three: 0.5, 0.4999, 10^{−4}": ((500_000, 499_900, 100), ORANGE),
    "four: 0.9, 0.09, 0.0099, 10^{−4}": ((900_000, 90_000, 9_900, 100), GREEN),
}
NS = sorted({round(n) for n in laws.logarithmic(1, LARGEST, 17)})

section = Section("3. A rare best answer (B, §3: steps in the KL)")
program = section.program

measured = []
for index, (masses, _) in enumerate(CASES.values()):
    row = [float(atom) for atom, count in enumerate(masses) for _ in range(count)]
    chances = [math.log(count / SAMPLES) for count in masses for _ in range(count)]
    matrix.write(program.file(f"rare{index}.npy"), row, (1, SAMPLES))
    matrix.write(program.file(f"logprobs{index}.npy"), chances, (1, SAMPLES))
    measured.append(program.frontier(
        f"rare{index}.npy", "--logprobs", f"logprobs{index}.npy", "--curves", "best_of_n", "--resamples", 0, "--ns",
        ",".join(map(str, NS)), show=index == 0))

laws_of_case = [[count / SAMPLES for count in masses] for masses, _ in CASES.values()]
section.check_all(
    "exact KL of the three laws against the sum over answers, 17 n each",
    [(point["kl"], laws.atoms_kl(law, int(point["n"])))
     for law, points in zip(laws_of_case, measured) for point in points], 1e-9, "rounding")


def without_replacement(masses, n):
    """Chance of each atom to be the best of n different samples: what the unbiased weights give on this row."""
    chosen, below = [], 0
    for count in masses:
        upto = below + count

        def none_above(k):  # Relative error 1e7 x 1e-16 x 4, times 10 nats.
            return 0.0 if k < n else math.exp(
                math.lgamma(k + 1) - math.lgamma(k - n + 1) - math.lgamma(SAMPLES + 1) + math.lgamma(SAMPLES - n + 1))

        chosen.append(none_above(upto) - none_above(below))
        below = upto
    return chosen


section.check_all(
    "E d<sub>n</sub>(ε), weights of n different ones of a million samples",
    [(point["kl_estimate"],
      sum(q * laws.tie_free_estimate(int(point["n"]), p)
          for p, q in zip(law, without_replacement(masses, int(point["n"])))))
     for (masses, _), law, points in zip(CASES.values(), laws_of_case, measured) for point in points],
    1e-6, "cancellation in lgamma")
pairs = [(point["kl"], point["kl_estimate"], point["kl_bound"]) for points in measured for point in points]
section.holds(
    "KL ≤ formula (B, Theorem 3.1)", all(kl <= bound + 1e-9 for kl, _, bound in pairs),
    f"{len(pairs)} points, the formula exceeds the KL by up to {max(b - k for k, _, b in pairs):.3f}")
section.holds(
    "KL ≤ E d<sub>n</sub> (B, Conjecture 4.4)", all(kl <= estimate + 1e-9 for kl, estimate, _ in pairs),
    f"{len(pairs)} points, E d<sub>n</sub> exceeds the KL by up to {max(e - k for k, e, _ in pairs):.4f}")
plateau = laws.atoms_kl(laws_of_case[1], 40)
section.holds(
    "three answers rest near log 2 at n = 40 and reach log 10⁴ at n = 10⁵",
    abs(plateau - math.log(2)) < 0.02 and abs(measured[1][-1]["kl"] - math.log(1e4)) < 0.01,
    f"{plateau:.4f} and {measured[1][-1]['kl']:.4f}; log 2 = {math.log(2):.4f}, log 10⁴ = {math.log(1e4):.4f}")

section.say(
    """Where the answers are few and the best one has probability 10⁻⁴, the KL of best-of-n stays at one level until n
    is large enough to meet the next answer, and ends at log 10⁴. The formula log n − (n−1)/n sees none of it.
    Circles are `kl_estimate`, which does. The paper's own probability vectors were not found; these three laws are
    ours.""")

picture = Picture(height=480)
picture.say(f"set logscale x; set xrange [1:{LARGEST}]; set format x '10^{{%L}}'; set yrange [0:11]; set key top left")
picture.say("set xlabel 'n, samples to choose from'; set ylabel 'KL(best-of-n || base), nats'")
fine = laws.logarithmic(1, LARGEST, 160)
picture.plot(
    picture.line([(n, laws.best_of_n_kl(n)) for n in fine], "black", "log n − (n−1)/n", dash=2),
    *(picture.line([(n, laws.atoms_kl(law, n)) for n in fine], colour, name)
      for law, (name, (_, colour)) in zip(laws_of_case, CASES.items())),
    *(picture.points([(p["n"], p["kl_estimate"]) for p in points], colour, shape=6, size=0.9)
      for points, (_, colour) in zip(measured, CASES.values())),
    "NaN with points pt 6 ps 0.9 lw 1.5 lc rgb 'black' title 'estimate E d_n'")
section.picture(picture, "rare-top", "KL of best-of-n where the best answer has probability 1e-4")
section.close()

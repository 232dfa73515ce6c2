#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Paper A, §4.1: gold along the proxy's tilt and under best-of-n, with and without a peak."""

import array
import math

import laws
import matrix
from page import Section
from picture import BLUE, GREY, ORANGE, Picture
from program import of_curve, standard_error

PROMPTS, SAMPLES = 100, 8192
section = Section("7. Where gold peaks (A, §4.1)")
program = section.program
NS = [1, 2, 3, 4, 6, 8, 9, 10, 12, 13, 14, 16, 24, 32, 48, 64, 96, 128]


class Case:
    """A proxy and a gold reward: exact gold along the tilt and under best-of-n, and what the program finds."""

    def __init__(self, name, title, lambdas, tilt_kl, tilt_gold, best_gold, kl_range, gold_range):
        self.name, self.title = name, title
        self.tilt_kl, self.tilt_gold, self.best_gold = tilt_kl, tilt_gold, best_gold
        self.lambdas, self.ranges = lambdas, (kl_range, gold_range)

    def run(self, *more):
        curves = "tilt,best_of_n" + ",best_of_poisson" * ("poisson" in more)
        points = program.frontier(
            f"{self.name}.npy", "--gold", f"{self.name}.gold.npy", "--lambdas", self.lambdas,
            "--ns", ",".join(map(str, NS)), "--curves", curves, "--bias-correct", show=self.name == "atom")
        self.tilt, self.best = of_curve(points, "tilt"), of_curve(points, "best_of_n")
        self.poisson = of_curve(points, "best_of_poisson")
        self.fit = of_curve(points, "gao_fit")[0]
        self.tilt_peak, self.best_peak = of_curve(points, "gold_peak")[:2]
        section.check_scaled(
            f"{self.title}: gold along the tilt, where it is trusted",
            [(p["gold"], self.tilt_gold(p["lambda"]), standard_error(p, "gold")) for p in self.tilt
             if p["trusted"] == "true"], 4, "from the interval over prompts")
        section.check_scaled(
            f"{self.title}: gold under best-of-n, n ≤ 128",
            [(p["gold"], self.best_gold(int(p["n"])), standard_error(p, "gold")) for p in self.best], 4,
            "from the interval over prompts")

    def check_peak(self, exact_lambda, slack):
        """The peak that the program reports against the exact one; gold is flat there, so lambda is loose."""
        peak = self.tilt_peak
        section.check(
            f"{self.title}: λ at the tilt's peak", peak["lambda"], exact_lambda, slack,
            "4 standard errors, from the interval of its KL")
        section.check(
            f"{self.title}: gold there", peak["gold"], self.tilt_gold(exact_lambda), 4 * standard_error(peak, "gold"),
            "4 standard errors")


def gold_file(name, gold, *columns):
    cells = array.array("d", map(gold, *columns))
    matrix.write(program.file(f"{name}.gold.npy"), cells, (PROMPTS, SAMPLES))


# T1: correlated normal rewards.
RHO = 0.6
normal = {n: laws.best_normal(n) for n in NS}
second = {n: laws.best_normal(n, lambda x: x * x) for n in NS}
program.simulate(f"normal:{RHO}", "correlated.npy", PROMPTS, SAMPLES, 71)
correlated = Case(
    "correlated", "correlation 0.6", "lin:0:2.4:13", lambda x: x * x / 2, lambda x: RHO * x, lambda n: RHO * normal[n],
    (0, 3), (0, 2.5))
correlated.run()
section.holds(
    "correlation 0.6: no peak", correlated.tilt_peak["kl"] is None and correlated.best_peak["kl"] is None,
    "gold still rises at the largest λ and the largest n")

# T2: gold bends: 2 s - s² on average, with noise that does not matter.
A, B = 2.0, 1.0
program.simulate("normal:0", "bending.npy", PROMPTS, SAMPLES, 72)
proxy, noise = matrix.read(program.file("bending.npy")), matrix.read(program.file("bending.gold.npy"))
gold_file("bending", lambda s, z: A * s - B * s * s + 0.5 * z, proxy, noise)
bending = Case(
    "bending", "bending gold", "lin:0:2.4:13", lambda x: x * x / 2, lambda x: A * x - B * x * x - B,
    lambda n: A * normal[n] - B * second[n], (0, 3), (-2, 1))
bending.run()
section.check("bending gold: exact KL at the peak, a²/(8b²)", bending.tilt_kl(A / (2 * B)), A * A / (8 * B * B), 1e-12,
              "rounding")
for column, what, expected in (("fit_alpha", "α = √2·a", math.sqrt(2) * A), ("fit_beta", "β = 2b", 2 * B)):
    section.check(f"bending gold: Gao's {what} fitted to the tilt", bending.fit[column], expected,
                  4 * standard_error(bending.fit, column), "4 standard errors")

# T3: gold u^12 (1-u) of a uniform proxy.
P = 12
C = (P / (P + 1)) ** P / (P + 1)


def toy_gold(u):
    return u**P * (1 - u) / C


def toy_tilt(x):
    return laws.simpson(lambda u: toy_gold(u) * math.exp(x * (u - 1)), 0, 1) / laws.simpson(
        lambda u: math.exp(x * (u - 1)), 0, 1)


def toy_best(n):
    return n / (C * (n + P) * (n + P + 1))


def toy_poisson(mu):
    return laws.simpson(lambda u: toy_gold(u) * (1 + mu * u) * math.exp(mu * (u - 1)), 0, 1)


program.simulate("uniform", "toy.npy", PROMPTS, SAMPLES, 73)
gold_file("toy", toy_gold, matrix.read(program.file("toy.npy")))
toy = Case(
    "toy", "u¹²(1−u)", "0,1,2,4,6,8,10,12,14,17,20,30,40,60", laws.uniform_kl, toy_tilt, toy_best, (0, 4), (0, 0.8))
toy.run("poisson")
section.check("u¹²(1−u): base policy", toy_best(1), (13 / 12) ** 12 / 14, 1e-12, "rounding")
section.check_all("u¹²(1−u): best of 12 and of 13 tie", [(toy_best(12), 0.6793891755), (toy_best(13), 0.6793891755)],
                  5e-11, "half of the value's last digit")
mu = laws.peak(toy_poisson, 5, 25)
section.check("u¹²(1−u): peak of best-of-Poisson, μ", mu, 12.39983582, 1e-5, "a flat peak's rounding")
section.check("u¹²(1−u): gold there", toy_poisson(mu), 0.6669311546, 1e-9, "rounding")
star = laws.peak(toy_tilt, 5, 25)
section.check("u¹²(1−u): peak of the proxy's tilt, λ", star, 13.52939575, 1e-5, "a flat peak's rounding")
section.check("u¹²(1−u): gold there", toy_tilt(star), 0.6657978148, 1e-9, "rounding")
section.check("u¹²(1−u): KL there", laws.uniform_kl(star), 1.604884124, 1e-6, "the peak's own")

# T4: one sample in a hundred fools the proxy: it has the top score and no gold.
SHARE = 0.01


def atom_tilt(x):
    """Gold, KL. Everything over e^x."""
    honest = (1 - SHARE) * -math.expm1(-x) / x if x else 1 - SHARE
    mean = laws.uniform_mean(x) * honest
    z = honest + SHARE
    return mean / z, x * (mean + SHARE) / z - math.log(z) - x


def atom_best(n):
    return (1 - SHARE) ** n * n / (n + 1)


program.simulate("uniform", "honest.npy", PROMPTS, SAMPLES, 74, show=True)
program.simulate(f"bernoulli:{SHARE}", "fools.npy", PROMPTS, SAMPLES, 75, show=True)
honest, fools = matrix.read(program.file("honest.npy")), matrix.read(program.file("fools.npy"))
matrix.write(
    program.file("atom.npy"), array.array("d", (1.0 if fool else u for u, fool in zip(honest, fools))),
    (PROMPTS, SAMPLES))
gold_file("atom", lambda u, fool: 0.0 if fool else u, honest, fools)
atom = Case(
    "atom", "1 % exploits", "0,1,2,3,4,5,6,7,8,10,13,17,25,50", lambda x: atom_tilt(x)[1], lambda x: atom_tilt(x)[0],
    atom_best, (0, 4), (0, 1))
atom.run()
section.check_all(
    "1 % exploits: best of 4, 16, 64",
    [(atom_best(4), 0.768476808), (atom_best(16), 0.801372020), (atom_best(64), 0.517510388)],
    5.1e-10, "half of the values' last digit")
section.check("1 % exploits: best of 9 and of 10 tie", atom_best(9), atom_best(10), 1e-12, "rounding")

peaks = {"bending": 1.0, "toy": star, "atom": laws.peak(lambda x: atom_tilt(x)[0], 1, 20)}
for case in (bending, toy, atom):
    exact, kl_error = peaks[case.name], standard_error(case.tilt_peak, "kl")
    rate = (case.tilt_kl(exact * 1.01) - case.tilt_kl(exact * 0.99)) / (0.02 * exact)
    case.check_peak(exact, 4 * kl_error / rate)
section.holds(
    "best-of-n peaks where it should: u¹²(1−u) at 12 or 13, 1 % exploits at 9 or 10, bending gold at 6",
    toy.best_peak["n"] in (12, 13) and atom.best_peak["n"] in (9, 10)
    and bending.best_peak["n"] == max(NS, key=bending.best_gold),
    f"n = {toy.best_peak['n']:.0f}, {atom.best_peak['n']:.0f}, {bending.best_peak['n']:.0f}")
section.check_scaled(
    "u¹²(1−u): gold under best-of-Poisson",
    [(p["gold"], toy_poisson(p["n"] - 1), standard_error(p, "gold")) for p in toy.poisson], 4,
    "from the interval over prompts")

section.say(
    """Gold along the proxy's tilt and under best-of-n. With correlated normal rewards it never falls, however small ρ
    is. It has a peak where gold bends (2s − s² of a standard normal proxy s; along the tilt this is Gao's form d(α
    − βd), d = √KL), in the toy of arXiv 2506.19248 (a uniform proxy u with gold u¹²(1−u), scaled to 1 at its top),
    and where one sample in a hundred has the top score and no gold. Stars are the peaks that the program reports
    (`gold_peak`). Gold under a proxy's policy depends only on the mean of gold at each score; noise around it
    changes the errors only. The commands are those of the last case, whose proxy and gold combine the two files;
    `Examples/paper/figure7_gold_peaks.py` has them all.""")

picture = Picture(height=800)
picture.panels(2, 2)
titles = {
    "correlated": "proxy and gold normal, ρ = 0.6", "bending": "gold 2s − s², s normal",
    "toy": "gold u^{12}(1−u), u uniform", "atom": "1 % of samples: top proxy, no gold"}
for case in (correlated, bending, toy, atom):
    (low, high), (bottom, top) = case.ranges
    grid = [{"toy": 100, "atom": 400}.get(case.name, math.sqrt(6)) * x * x for x in laws.linear(0, 1, 70)]
    picture.say(f"set title \"{titles[case.name]}\" offset 0,-0.6")
    picture.say(f"set xrange [{low}:{high}]; set yrange [{bottom}:{top}]")
    picture.say("set xlabel 'KL(policy || base), nats'; set ylabel 'mean gold, units of gold'; "
                + ("set key top left" if case is correlated else "set key off"))
    curves = [
        picture.line([(case.tilt_kl(x), case.tilt_gold(x)) for x in grid if case.tilt_kl(x) <= high], BLUE, width=1.5),
        picture.line([(laws.best_of_n_kl(n), case.best_gold(n)) for n in NS] if case.name != "atom" else
                     [(p["kl"], atom_best(p["n"])) for p in case.best], ORANGE, width=1.5, dash=2),
        picture.points([(p["kl"], p["gold"]) for p in case.tilt if p["kl"] <= high], BLUE, "tilt by the proxy", 7, 0.9),
        picture.points([(p["kl"], p["gold"]) for p in case.best if p["kl"] <= high], ORANGE, "best-of-n", 4, 0.9)]
    if case is correlated:
        curves += [picture.line([(d, math.sqrt(2 * d)) for d in laws.linear(0, 3, 60)], GREY, "tilt by gold", 1.5),
                   "NaN with points pt 3 ps 2 lw 2 lc rgb 'black' title 'peak'"]
    else:
        curves += [picture.points([(p["kl"], p["gold"])], "black", shape=3, size=2.2, width=2)
                   for p in (case.tilt_peak, case.best_peak)]
    picture.plot(*curves)
picture.say("unset multiplot")
section.picture(picture, "gold-peaks", "Gold along the proxy's tilt and under best-of-n in four cases")
section.close()
